"""The event log and the places of its readers."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, SmallInteger, String, Table, Text

from server.db.tables.metadata import id_column, metadata, partial_index, time_column

# The log. An entry's place in its unit is (stamp, seq): see server/events/log.py.
events = Table(
    "events",
    metadata,
    id_column("org_id", primary_key=True),
    Column("stamp", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    id_column("id"),
    id_column("email_id"),
    Column("type", String(32), nullable=False),
    Column("recipient", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("reply_code", SmallInteger),
    Column("reply_status", String(16)),
    Column("reply_text", Text),
    Column("remote_host", Text),
    Column("possible_duplicate", Boolean, nullable=False),
    time_column("created_at"),
    # Its part in the health of the account (`account_health.rules.CountsAs`); null for none.
    Column("counts_as", String(10)),
    # A JSON object: the facts of an event that is about no email, whose `email_id` is empty. The
    # `recipient` of an event of a contact is its address.
    Column("details", Text),
    # The part of the organisations that it belongs to: see server/db/units.py.
    Column("unit", SmallInteger, nullable=False),
    Index("ix_events_place", "unit", "stamp", "seq"),
    Index("ix_events_org_id_email_id", "org_id", "email_id"),
    partial_index("ix_events_org_id_recipient", "org_id", "recipient", where="email_id = ''"),
    sqlite_with_rowid=False,
)

# The place of the newest entry of each unit: a transaction that appends locks the row until it has committed.
log_heads = Table(
    "log_heads",
    metadata,
    Column("unit", SmallInteger, primary_key=True, autoincrement=False),
    Column("stamp", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
)

# The place in each unit up to which each reader has read.
log_readers = Table(
    "log_readers",
    metadata,
    Column("reader", String(32), primary_key=True),
    Column("unit", SmallInteger, primary_key=True, autoincrement=False),
    Column("stamp", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
)
