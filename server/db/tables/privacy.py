"""Erasures of recipients' data, and exports of organisations'."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from server.db.tables.metadata import id_column, metadata, partial_index, time_column

# Erasures of one address each. The address itself is kept, sealed, only until its erasure is completed.
erasures = Table(
    "erasures",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("id", primary_key=True),
    # The address that stands in place of the erased one: a keyed hash of it.
    Column("stand_in", Text, nullable=False),
    Column("address", LargeBinary, nullable=True),  # sealed
    # The user who asked for it.
    id_column("user_id"),
    # One of `emails`, `settling`, `waiting`, `again`, `records`, `completed`.
    Column("phase", String(9), nullable=False),
    # The id up to which the phase has come; empty at its beginning.
    Column("cursor", String(24), nullable=False),
    # The place in the log that its readers must have passed before the emails are walked over again.
    Column("mark_stamp", BigInteger, nullable=False),
    Column("mark_seq", BigInteger, nullable=False),
    Column("email_count", Integer, nullable=False),
    # Every change adds 1: a process that has read an older version changes nothing.
    Column("version", Integer, nullable=False),
    time_column("created_at"),
    time_column("stepped_at"),
    time_column("completed_at", nullable=True),
    partial_index("ix_erasures_running", "stepped_at", where="completed_at IS NULL"),
    partial_index("ix_erasures_completed_at", "completed_at", where="completed_at IS NOT NULL"),
    Index("ix_erasures_org_id_stand_in", "org_id", "stand_in"),
)

# Exports of all that an organisation has: made and downloaded part by part, and deleted after a week.
exports = Table(
    "exports",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("id", primary_key=True),
    # The user who asked for it.
    id_column("user_id"),
    # The section in progress and the key of its last row, a JSON list; both empty at the end.
    Column("section", String(24), nullable=False),
    Column("cursor", Text, nullable=False),
    Column("part_count", Integer, nullable=False),
    Column("row_count", BigInteger, nullable=False),
    # Every change adds 1: a process that has read an older version changes nothing.
    Column("version", Integer, nullable=False),
    time_column("created_at"),
    time_column("stepped_at"),
    time_column("completed_at", nullable=True),
    time_column("expires_at"),
    partial_index("ix_exports_running", "stepped_at", where="completed_at IS NULL"),
    Index("ix_exports_expires_at", "expires_at"),
)

export_parts = Table(
    "export_parts",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("export_id", primary_key=True),
    Column("no", Integer, primary_key=True),
    Column("section", String(24), nullable=False),
    # Lines of JSON, compressed (gzip).
    Column("content", LargeBinary, nullable=False),
)
