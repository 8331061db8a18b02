"""Emails, their contents and recipients."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
)

from server.db.tables.metadata import id_column, metadata, partial_index, time_column

emails = Table(
    "emails",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("id", primary_key=True),
    id_column("domain_id"),
    id_column("key_id", nullable=True),
    Column("sender", Text, nullable=False),
    Column("subject", Text, nullable=False),
    # JSON lists of addresses as the caller wrote them.
    Column("to", Text, nullable=False),
    Column("cc", Text, nullable=False),
    Column("bcc", Text, nullable=False),
    Column("reply_to", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    # Test mail is simulated: never sent, and charged to no quota (F-5).
    Column("test", Boolean, nullable=False, default=False),
    Column("status", String(20), nullable=False),
    time_column("created_at"),
    # The begin of delivery of scheduled mail (F-2).
    time_column("scheduled_at", nullable=True),
    # The batch job that sent it (S-11). Such mail has no `scheduled_at`.
    id_column("job_id", nullable=True),
    # The bytes of scheduled mail, which count while it waits (C-88).
    Column("waiting_bytes", BigInteger),
    # The domain of the envelope's sender, if it is not the sender's: null for nearly all mail.
    id_column("envelope_domain_id", nullable=True),
    partial_index("ix_emails_scheduled", "scheduled_at", where="status = 'scheduled'"),
    partial_index("ix_emails_waiting", "org_id", "scheduled_at", "id", where="status = 'scheduled'"),
    # The criteria of a list, each newest first (contract row F-6).
    Index("ix_emails_org_id_status_id", "org_id", "status", "id"),
    Index("ix_emails_org_id_domain_id_id", "org_id", "domain_id", "id"),
    # Partial, so that mail which is sent directly pays nothing (S-8, V-7).
    partial_index("ix_emails_of_scheduled", "org_id", "id", where="scheduled_at IS NOT NULL"),
    partial_index(
        "ix_emails_of_scheduled_status", "org_id", "status", "id", where="scheduled_at IS NOT NULL"
    ),
    partial_index("ix_emails_of_jobs", "org_id", "id", where="job_id IS NOT NULL"),
    partial_index("ix_emails_of_job", "org_id", "job_id", "id", where="job_id IS NOT NULL"),
)

# Emails that were accepted together (S-11 to S-13). The counts are final: a job is stored when it has ended.
batch_jobs = Table(
    "batch_jobs",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("id", primary_key=True),
    Column("status", String(16), nullable=False),
    Column("total_count", SmallInteger, nullable=False),
    Column("sent_count", SmallInteger, nullable=False),
    Column("failed_count", SmallInteger, nullable=False),
    time_column("created_at"),
    time_column("completed_at", nullable=True),
    Column("test", Boolean, nullable=False),
    Index("ix_batch_jobs_org_id_status_id", "org_id", "status", "id"),
    sqlite_with_rowid=False,
)

# An index of emails by tag: each tag of an email is here as `name` and as `name:value`.
email_tags = Table(
    "email_tags",
    metadata,
    id_column("org_id", primary_key=True),
    Column("tag", Text, primary_key=True),
    id_column("email_id", primary_key=True),
    sqlite_with_rowid=False,
)

email_contents = Table(
    "email_contents",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("email_id", primary_key=True),
    Column("html", Text),
    Column("text", Text),
    Column("headers", Text, nullable=False),  # a JSON object
    # Of an email that came as a finished message: the header with which it is sent on, the bytes of its body,
    # which is the attachment part number 0, and the envelope's sender if it is not the author.
    Column("raw_head", LargeBinary),
    Column("raw_size", BigInteger),
    Column("mail_from", Text),
)

attachments = Table(
    "attachments",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("email_id", primary_key=True),
    Column("no", SmallInteger, primary_key=True),
    Column("filename", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("content_id", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
)

# The bytes of attachments, and of the bodies of finished messages as attachment 0; deleted when the email is
# settled (Z-23). In parts, as databases and drivers copy values: a part, and not a file of 40 MB.
attachment_parts = Table(
    "attachment_parts",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("email_id", primary_key=True),
    Column("no", SmallInteger, primary_key=True),
    Column("part", SmallInteger, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

# The emails that are not accepted yet, although rows of their contents are stored; `staged_at` is that of the
# newest, in milliseconds since 1970 UTC.
staged_contents = Table(
    "staged_contents",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("email_id", primary_key=True),
    Column("staged_at", BigInteger, nullable=False),
)

recipients = Table(
    "recipients",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("email_id", primary_key=True),
    Column("no", SmallInteger, primary_key=True),
    Column("kind", String(3), nullable=False),
    Column("address", Text, nullable=False),
    Column("status", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reply_code", SmallInteger),
    Column("reply_status", String(16)),
    Column("reply_text", Text),
    Column("remote_host", Text),
    time_column("updated_at"),
    sqlite_with_rowid=False,
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    id_column("org_id", primary_key=True),
    Column("operation", String(8), primary_key=True),
    Column("key", String(256), primary_key=True),
    Column("request_hash", LargeBinary, nullable=False),
    Column("response", LargeBinary, nullable=False),
    time_column("expires_at"),
    Index("ix_idempotency_keys_expires_at", "expires_at"),
    sqlite_with_rowid=False,
)
