"""Plans, and usage of what they allow."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, String, Table, Text

from server.db.tables.metadata import id_column, metadata

# The limits of each plan, null for no limit. Operators may edit them.
plans = Table(
    "plans",
    metadata,
    Column("plan", String(16), primary_key=True),
    Column("daily_limit", Integer),
    Column("monthly_limit", Integer),
    # True if mail beyond the monthly limit is accepted and counted as overage.
    Column("overage", Boolean, nullable=False),
    Column("unique_limit", Integer),
    Column("burst_limit", Integer),
    Column("attachment_bytes", Integer, nullable=False),
    Column("smtp", Boolean, nullable=False),
    # The things that an organisation may own at one time, and its test mail a day (C-88).
    Column("webhook_limit", Integer),
    Column("key_limit", Integer),
    Column("domain_limit", Integer),
    Column("scheduled_limit", Integer),
    Column("scheduled_bytes_limit", BigInteger),
    Column("test_limit", Integer),
    # Contacts, rows of one import, and lists of contacts (Z-48).
    Column("contact_limit", Integer),
    Column("contact_import_limit", Integer),
    Column("contact_list_limit", Integer),
    # The id of the plan at PayPal, null for one that cannot be subscribed to.
    Column("paypal_plan_id", String(50)),
)

# The usage of organisations: one row for each, every number with its period.
usage = Table(
    "usage",
    metadata,
    id_column("org_id", primary_key=True),
    Column("day", Integer, nullable=False),  # since 1970, UTC
    Column("day_count", Integer, nullable=False),
    Column("month", Integer, nullable=False),  # since year 0, UTC
    Column("month_count", Integer, nullable=False),
    Column("unique_count", Integer, nullable=False),
    Column("second", BigInteger, nullable=False),  # since 1970
    Column("second_count", Integer, nullable=False),
    # Test mail of the day.
    Column("test_count", Integer, nullable=False, server_default="0"),
    # The scheduled emails that wait for their time now, and their bytes.
    Column("waiting_count", Integer, nullable=False, server_default="0"),
    Column("waiting_bytes", BigInteger, nullable=False, server_default="0"),
)

# The addresses that an organisation with a limit on them has written to in a month.
unique_recipients = Table(
    "unique_recipients",
    metadata,
    id_column("org_id", primary_key=True),
    Column("address", Text, primary_key=True),
    Column("month", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
