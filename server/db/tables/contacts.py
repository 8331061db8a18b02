"""Contacts, and lists of them."""

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Table, Text

from server.db.tables.metadata import id_column, metadata, partial_index, time_column

# The numbers of contacts and lists of an organisation. Whatever changes contacts, lists or members locks the
# organisation's row first, so that the numbers are exact and limits are kept.
contact_counts = Table(
    "contact_counts",
    metadata,
    id_column("org_id", primary_key=True),
    Column("contacts", Integer, nullable=False),
    Column("lists", Integer, nullable=False),
)

contacts = Table(
    "contacts",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("id", primary_key=True),
    # Bare, in lower case.
    Column("email", Text, nullable=False),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("unsubscribed", Boolean, nullable=False),
    time_column("created_at"),
    Index("uq_contacts_org_id_email", "org_id", "email", unique=True),
    sqlite_with_rowid=False,
)

contact_lists = Table(
    "contact_lists",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("id", primary_key=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("member_count", Integer, nullable=False),
    time_column("created_at"),
    # A deleted list is gone at once; its members go a number at a time, and its row goes last.
    time_column("deleted_at", nullable=True),
    partial_index("ix_contact_lists_deleted", "org_id", "id", where="deleted_at IS NOT NULL"),
    sqlite_with_rowid=False,
)

contact_list_members = Table(
    "contact_list_members",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("list_id", primary_key=True),
    id_column("contact_id", primary_key=True),
    Index("ix_contact_list_members_org_id_contact_id", "org_id", "contact_id"),
    sqlite_with_rowid=False,
)

contact_list_sends = Table(
    "contact_list_sends",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("id", primary_key=True),
    id_column("list_id"),
    # The user who began it.
    id_column("user_id"),
    Column("status", Text, nullable=False),
    # The email with its placeholders, a serialized SendEmailRequest without recipients.
    Column("template", LargeBinary, nullable=False),
    # The greatest id of a member when it began; those up to `cursor` and those in `done` were decided about.
    id_column("last_member"),
    id_column("cursor"),
    Column("done", Text, nullable=False),
    Column("member_count", Integer, nullable=False),
    Column("accepted_count", Integer, nullable=False),
    Column("unsubscribed_count", Integer, nullable=False),
    Column("suppressed_count", Integer, nullable=False),
    Column("failed_count", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("message", Text, nullable=False),
    # Every change adds 1: a server that has read an older version changes nothing.
    Column("version", Integer, nullable=False),
    # The time to go on, null after the end.
    time_column("due_at", nullable=True),
    Column("idempotency_key", Text),
    Column("request_hash", LargeBinary),
    time_column("created_at"),
    time_column("completed_at", nullable=True),
    partial_index("ix_contact_list_sends_due_at", "due_at", where="due_at IS NOT NULL"),
    partial_index("ix_contact_list_sends_completed_at", "completed_at", where="completed_at IS NOT NULL"),
    partial_index(
        "uq_contact_list_sends_org_id_idempotency_key",
        "org_id",
        "idempotency_key",
        where="idempotency_key IS NOT NULL",
        unique=True,
    ),
)
