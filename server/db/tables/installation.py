"""The installation as a whole."""

from sqlalchemy import Column, LargeBinary, String, Table

from server.db.tables.metadata import metadata

# Named values of the whole store.
installation = Table(
    "installation",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", LargeBinary, nullable=False),  # sealed
)
