"""The counts that the health of accounts follows from, and the history of their states."""

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text

from server.db.tables.metadata import id_column, metadata, time_column

# Recipients of an organisation by hour, as a reader of the log counts them (`account_health.rules.Counts`).
health_counts = Table(
    "health_counts",
    metadata,
    id_column("org_id", primary_key=True),
    Column("hour", Integer, primary_key=True, autoincrement=False),  # since 1970-01-01 UTC
    Column("sent", BigInteger, nullable=False),
    Column("delivered", BigInteger, nullable=False),
    Column("bounced", BigInteger, nullable=False),
    Column("complained", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Every change of an account's state. The id is that of its event in the log.
account_changes = Table(
    "account_changes",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("id", primary_key=True),
    time_column("created_at"),
    Column("previous_state", String(8), nullable=False),
    Column("state", String(8), nullable=False),
    Column("reasons", String(48), nullable=False),  # with commas
    Column("note", Text, nullable=False),
    # The operator who made it; empty if it followed from the rates.
    Column("operator", Text, nullable=False),
    # The counts of the window when it was made.
    Column("sent", BigInteger, nullable=False),
    Column("delivered", BigInteger, nullable=False),
    Column("bounced", BigInteger, nullable=False),
    Column("complained", BigInteger, nullable=False),
)
