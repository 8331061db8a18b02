"""The days for which organisations keep their data, where they differ from the platform's."""

from sqlalchemy import Column, Integer, String, Table

from server.db.tables.metadata import id_column, metadata

# One row for each number of an organisation's own (contract row F-13).
retention_days = Table(
    "retention_days",
    metadata,
    id_column("org_id", primary_key=True),
    # One of `retention.rules.KINDS`.
    Column("kind", String(16), primary_key=True),
    Column("days", Integer, nullable=False),
    sqlite_with_rowid=False,
)
