"""The tables. Every key and index begins with the organisation; times are milliseconds since 1970 UTC.

The exceptions to the first rule are the look-ups that have no organisation yet (an API key by its id, a
user by address) and the queues, which workers read across organisations.
"""

from sqlalchemy import BigInteger, Column, Index, MetaData, String, text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def id_column(name: str, *, primary_key: bool = False, nullable: bool = False) -> Column[str]:
    return Column(name, String(24), primary_key=primary_key, nullable=nullable)


def time_column(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of the rows that meet a condition, on both engines."""
    condition = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
