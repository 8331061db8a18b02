"""Counters read from the event log."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table

from server.db.tables.metadata import id_column, metadata

# An index of emails by address, for the search, written by the same reader of the log as the statistics. The
# address is in bytes, which every database compares alike.
addressees = Table(
    "addressees",
    metadata,
    id_column("org_id", primary_key=True),
    Column("address", LargeBinary, primary_key=True),
    id_column("email_id", primary_key=True),
    sqlite_with_rowid=False,
)

# The statistics, as a reader of the log keeps them: of the emails accepted on a day, how many have a status
# now (`emails`), and to how many recipients something happened (`recipients`).
daily_counts = Table(
    "daily_counts",
    metadata,
    id_column("org_id", primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),  # since 1970-01-01 UTC
    Column("unit", String(10), primary_key=True),
    Column("name", String(20), primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
