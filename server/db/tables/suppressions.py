"""Suppressed addresses."""

from sqlalchemy import Column, Index, String, Table, Text

from server.db.tables.metadata import id_column, metadata, partial_index, time_column

# The addresses that an organisation's mail is not sent to, in lower case.
suppressions = Table(
    "suppressions",
    metadata,
    id_column("org_id", primary_key=True),
    Column("address", Text, primary_key=True),
    id_column("id"),
    # One of `bounce`, `complaint`, `unsubscribe`, `manual`.
    Column("origin", String(12), nullable=False),
    id_column("source_id", nullable=True),  # the email that led to it
    time_column("created_at"),
    time_column("expires_at", nullable=True),
    Index("uq_suppressions_org_id_id", "org_id", "id", unique=True),
    partial_index("ix_suppressions_expires_at", "expires_at", where="expires_at IS NOT NULL"),
    sqlite_with_rowid=False,
)

# The last bounce of an address that did not say whether the mailbox exists: the second one within some
# days suppresses it.
unclear_bounces = Table(
    "unclear_bounces",
    metadata,
    id_column("org_id", primary_key=True),
    Column("address", Text, primary_key=True),
    time_column("bounced_at"),
    Index("ix_unclear_bounces_bounced_at", "bounced_at"),
    sqlite_with_rowid=False,
)
