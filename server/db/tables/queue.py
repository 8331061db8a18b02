"""The delivery queue: one row for each recipient that is still to be delivered to."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, SmallInteger, String, Table

from server.db.tables.metadata import id_column, metadata, partial_index, time_column

# The delivery queue: one narrow row for each recipient that is not settled, deleted when it is.
delivery_queue = Table(
    "delivery_queue",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("email_id", primary_key=True),
    Column("no", SmallInteger, primary_key=True),
    Column("priority", SmallInteger, nullable=False),
    Column("site", String(253), nullable=False),
    time_column("due_at"),
    Column("attempts", Integer, nullable=False),
    # The number of holders of the lease that died: after some, the message is held instead of tried again.
    Column("crashes", SmallInteger, nullable=False),
    # An earlier attempt broke off between the final dot and the record of its reply.
    Column("uncertain", Boolean, nullable=False),
    # The size of the email's attachments in bytes: the memory that it needs when loaded.
    Column("attached", BigInteger, nullable=False, server_default="0"),
    id_column("lease_owner", nullable=True),
    Column("lease_token", Integer, nullable=False),
    time_column("lease_until", nullable=True),
    # While its organisation is paused: since when it is held. And the time for which it was held before, in
    # milliseconds, which does not count to its lifetime (C-86).
    time_column("held_since", nullable=True),
    Column("held_ms", BigInteger, nullable=False, server_default="0"),
    partial_index(
        "ix_delivery_queue_due",
        *("org_id", "priority", "due_at", "email_id", "no"),
        where="lease_until IS NULL",
    ),
    partial_index("ix_delivery_queue_leased", "lease_until", where="lease_until IS NOT NULL"),
    partial_index("ix_delivery_queue_held", "org_id", where="held_since IS NOT NULL"),
    sqlite_with_rowid=False,
)
