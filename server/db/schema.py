"""The tables. Every key and index begins with the organisation; times are milliseconds since 1970 UTC.

The exceptions to the first rule are the look-ups that have no organisation yet (an API key by its id, a
user by address) and the queues, which workers read across organisations.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id(name: str, *, primary_key: bool = False, nullable: bool = False) -> Column[str]:
    return Column(name, String(24), primary_key=primary_key, nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


# What belongs to the store as a whole.
installation = Table(
    "installation",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", LargeBinary, nullable=False),  # sealed
)

organisations = Table(
    "organisations",
    metadata,
    _id("org_id", primary_key=True),
    Column("name", Text, nullable=False),
    Column("plan", String(16), nullable=False),
    Column("profile", String(8), nullable=False),
    Column("sandbox", Boolean, nullable=False),
    # The only address that mail may go to in the sandbox.
    Column("owner_email", Text, nullable=False),
    Column("state", String(8), nullable=False),
    # The organisation's own numbers, instead of its plan's; null for those of the plan.
    Column("daily_limit", Integer),
    Column("monthly_limit", Integer),
    Column("unique_limit", Integer),
    Column("burst_limit", Integer),
    _time("created_at"),
)

# What each plan allows; null for no limit. The operator's to edit.
plans = Table(
    "plans",
    metadata,
    Column("plan", String(16), primary_key=True),
    Column("daily_limit", Integer),
    Column("monthly_limit", Integer),
    # Whether mail goes on beyond the monthly limit, and is counted as overage.
    Column("overage", Boolean, nullable=False),
    Column("unique_limit", Integer),
    Column("burst_limit", Integer),
    Column("attachment_bytes", Integer, nullable=False),
    Column("smtp", Boolean, nullable=False),
)

# What an organisation has used: one row, each number with the period that it belongs to.
usage = Table(
    "usage",
    metadata,
    _id("org_id", primary_key=True),
    Column("day", Integer, nullable=False),  # since 1970, UTC
    Column("day_count", Integer, nullable=False),
    Column("month", Integer, nullable=False),  # since year 0, UTC
    Column("month_count", Integer, nullable=False),
    Column("unique_count", Integer, nullable=False),
    Column("second", BigInteger, nullable=False),  # since 1970
    Column("second_count", Integer, nullable=False),
)

# The addresses that an organisation with a limit on them has written to in a month.
unique_recipients = Table(
    "unique_recipients",
    metadata,
    _id("org_id", primary_key=True),
    Column("address", Text, primary_key=True),
    Column("month", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

users = Table(
    "users",
    metadata,
    _id("org_id", primary_key=True),
    _id("id", primary_key=True),
    Column("email", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    _time("created_at"),
    Index("ix_users_email", "email"),
)

api_keys = Table(
    "api_keys",
    metadata,
    _id("org_id", primary_key=True),
    _id("id", primary_key=True),
    Column("name", Text, nullable=False),
    Column("style", String(8), nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("permission", String(16), nullable=False),
    # JSON lists: domains it may send from, networks it may be used from; empty for all.
    Column("allowed_domains", Text, nullable=False, default="[]"),
    Column("allowed_ips", Text, nullable=False, default="[]"),
    _time("expires_at", nullable=True),
    _time("created_at"),
    _time("last_used_at", nullable=True),
    _time("revoked_at", nullable=True),
    Index("ix_api_keys_id", "id", unique=True),
)

domains = Table(
    "domains",
    metadata,
    _id("org_id", primary_key=True),
    _id("id", primary_key=True),
    Column("domain", String(253), nullable=False),
    Column("status", String(16), nullable=False),
    Column("verified", Boolean, nullable=False),
    # One of `pending`, `verified`, `failed`, `temporary_failure`, by purpose.
    Column("spf", String(20), nullable=False),
    Column("dkim", String(20), nullable=False),
    Column("dmarc", String(20), nullable=False),
    Column("return_path", String(20), nullable=False),
    Column("open_tracking", Boolean, nullable=False, default=False),
    Column("click_tracking", Boolean, nullable=False, default=False),
    Column("tls_enforced", Boolean, nullable=False, default=False),
    _time("created_at"),
    _time("checked_at", nullable=True),
    Index("uq_domains_org_id_domain", "org_id", "domain", unique=True),
    # The first organisation to verify a domain owns it (C-45).
    Index(
        "uq_domains_verified",
        "domain",
        unique=True,
        sqlite_where=text("verified"),
        postgresql_where=text("verified"),
    ),
)

dkim_keys = Table(
    "dkim_keys",
    metadata,
    _id("org_id", primary_key=True),
    _id("domain_id", primary_key=True),
    Column("selector", String(63), primary_key=True),
    Column("algorithm", String(8), nullable=False),
    Column("private_key", LargeBinary, nullable=False),  # sealed
    Column("public_key", Text, nullable=False),
    # What the last check of its record found, as in `domains`.
    Column("status", String(20), nullable=False),
    _time("created_at"),
    # When DNS last showed the record; null while it does not: only a key that was seen signs (F-11).
    _time("seen_at", nullable=True),
)

emails = Table(
    "emails",
    metadata,
    _id("org_id", primary_key=True),
    _id("id", primary_key=True),
    _id("domain_id"),
    _id("key_id", nullable=True),
    Column("sender", Text, nullable=False),
    Column("subject", Text, nullable=False),
    # JSON lists of addresses as the caller wrote them.
    Column("to", Text, nullable=False),
    Column("cc", Text, nullable=False),
    Column("bcc", Text, nullable=False),
    Column("reply_to", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    # It never leaves the building, and uses no quota (F-5).
    Column("test", Boolean, nullable=False, default=False),
    Column("status", String(20), nullable=False),
    _time("created_at"),
    # When delivery begins, if that was asked for (F-2).
    _time("scheduled_at", nullable=True),
    Index(
        "ix_emails_scheduled",
        "scheduled_at",
        sqlite_where=text("status = 'scheduled'"),
        postgresql_where=text("status = 'scheduled'"),
    ),
    # The criteria of a list, each newest first (contract row F-6).
    Index("ix_emails_org_id_status_id", "org_id", "status", "id"),
    Index("ix_emails_org_id_domain_id_id", "org_id", "domain_id", "id"),
)

# Which emails have a tag: each tag of an email stands here as `name` and as `name:value`.
email_tags = Table(
    "email_tags",
    metadata,
    _id("org_id", primary_key=True),
    Column("tag", Text, primary_key=True),
    _id("email_id", primary_key=True),
    sqlite_with_rowid=False,
)

email_contents = Table(
    "email_contents",
    metadata,
    _id("org_id", primary_key=True),
    _id("email_id", primary_key=True),
    Column("html", Text),
    Column("text", Text),
    Column("headers", Text, nullable=False),  # a JSON object
)

attachments = Table(
    "attachments",
    metadata,
    _id("org_id", primary_key=True),
    _id("email_id", primary_key=True),
    Column("no", SmallInteger, primary_key=True),
    Column("filename", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("content_id", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
)

# The bytes of attachments, deleted once the email is settled (Z-23). In parts: whatever a database or its
# driver copies on the way is a part and not a file of 40 MB.
attachment_parts = Table(
    "attachment_parts",
    metadata,
    _id("org_id", primary_key=True),
    _id("email_id", primary_key=True),
    Column("no", SmallInteger, primary_key=True),
    Column("part", SmallInteger, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

recipients = Table(
    "recipients",
    metadata,
    _id("org_id", primary_key=True),
    _id("email_id", primary_key=True),
    Column("no", SmallInteger, primary_key=True),
    Column("kind", String(3), nullable=False),
    Column("address", Text, nullable=False),
    Column("status", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reply_code", SmallInteger),
    Column("reply_status", String(16)),
    Column("reply_text", Text),
    Column("remote_host", Text),
    _time("updated_at"),
    sqlite_with_rowid=False,
)

# The delivery queue: one narrow row for each recipient that is not settled, deleted when it is.
outq = Table(
    "outq",
    metadata,
    _id("org_id", primary_key=True),
    _id("email_id", primary_key=True),
    Column("no", SmallInteger, primary_key=True),
    Column("shard", SmallInteger, nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("site", String(253), nullable=False),
    _time("due_at"),
    Column("attempts", Integer, nullable=False),
    # How often a holder of the lease died with it: a message that kills its deliverer is held, not looped.
    Column("crashes", SmallInteger, nullable=False),
    # An earlier attempt broke off between the final dot and the record of its reply.
    Column("uncertain", Boolean, nullable=False),
    # How many bytes the email's attachments have: what it will take to hold it.
    Column("attached", BigInteger, nullable=False, server_default="0"),
    _id("lease_owner", nullable=True),
    Column("lease_token", Integer, nullable=False),
    _time("lease_until", nullable=True),
    Index(
        "ix_outq_due",
        "shard",
        "priority",
        "due_at",
        "email_id",
        "no",
        sqlite_where=text("lease_until IS NULL"),
        postgresql_where=text("lease_until IS NULL"),
    ),
    Index(
        "ix_outq_leased",
        "lease_until",
        sqlite_where=text("lease_until IS NOT NULL"),
        postgresql_where=text("lease_until IS NOT NULL"),
    ),
    sqlite_with_rowid=False,
)

# The addresses that an organisation's mail is not sent to, in lower case.
suppressions = Table(
    "suppressions",
    metadata,
    _id("org_id", primary_key=True),
    Column("address", Text, primary_key=True),
    _id("id"),
    # One of `bounce`, `complaint`, `unsubscribe`, `manual`.
    Column("origin", String(12), nullable=False),
    _id("source_id", nullable=True),  # the email that led to it
    _time("created_at"),
    _time("expires_at", nullable=True),
    Index("uq_suppressions_org_id_id", "org_id", "id", unique=True),
    sqlite_with_rowid=False,
)

# The last bounce of an address that did not say whether the mailbox exists: the second one within some
# days suppresses it.
unclear_bounces = Table(
    "unclear_bounces",
    metadata,
    _id("org_id", primary_key=True),
    Column("address", Text, primary_key=True),
    _time("bounced_at"),
    Index("ix_unclear_bounces_bounced_at", "bounced_at"),
    sqlite_with_rowid=False,
)

# Which emails went to an address, for the search: kept by the same reader of the log as the statistics. The
# address as bytes, which every database compares alike.
addressees = Table(
    "addressees",
    metadata,
    _id("org_id", primary_key=True),
    Column("address", LargeBinary, primary_key=True),
    _id("email_id", primary_key=True),
    sqlite_with_rowid=False,
)

# The statistics, as a reader of the log keeps them: of the emails accepted on a day, how many have a status
# now (`emails`), and to how many recipients something happened (`recipients`).
daily_counts = Table(
    "daily_counts",
    metadata,
    _id("org_id", primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),  # since 1970-01-01 UTC
    Column("unit", String(10), primary_key=True),
    Column("name", String(20), primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    _id("org_id", primary_key=True),
    Column("operation", String(8), primary_key=True),
    Column("key", String(256), primary_key=True),
    Column("request_hash", LargeBinary, nullable=False),
    Column("response", LargeBinary, nullable=False),
    _time("expires_at"),
    Index("ix_idempotency_keys_expires_at", "expires_at"),
    sqlite_with_rowid=False,
)

# The log. An entry's place is (tx, seq): on PostgreSQL the writing transaction and a sequence, so that a
# reader can stop short of transactions that still run; on SQLite, where one connection writes, tx is 0.
events = Table(
    "events",
    metadata,
    _id("org_id", primary_key=True),
    Column("tx", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    _id("id"),
    _id("email_id"),
    Column("type", String(32), nullable=False),
    Column("recipient", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("reply_code", SmallInteger),
    Column("reply_status", String(16)),
    Column("reply_text", Text),
    Column("remote_host", Text),
    Column("possible_duplicate", Boolean, nullable=False),
    _time("created_at"),
    Index("ix_events_place", "tx", "seq"),
    Index("ix_events_org_id_email_id", "org_id", "email_id"),
    sqlite_with_rowid=False,
)

# How far each reader of the log has come.
log_readers = Table(
    "log_readers",
    metadata,
    Column("reader", String(32), primary_key=True),
    Column("tx", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
)

webhooks = Table(
    "webhooks",
    metadata,
    _id("org_id", primary_key=True),
    _id("id", primary_key=True),
    Column("url", Text, nullable=False),
    Column("events", Text, nullable=False),  # a JSON list of event types
    Column("secret", LargeBinary, nullable=False),  # sealed
    Column("secret_before", LargeBinary),  # sealed; the one before the last rotation
    _time("secret_before_until", nullable=True),  # until when calls are signed with both
    Column("status", String(8), nullable=False),
    Column("disabled_reason", String(8), nullable=False, default=""),  # empty while enabled
    _time("disabled_at", nullable=True),
    # The first failure since the last success; null while calls succeed.
    _time("failing_since", nullable=True),
    # Where the log ended when the webhook was registered: it is told of what stands behind.
    Column("since_tx", BigInteger, nullable=False),
    Column("since_seq", BigInteger, nullable=False),
    _time("created_at"),
)

# The calls: one row for each event that a webhook was or will be told of. The rows with a due time are the
# queue; the others are kept for a while, so that they can be looked up and made again.
webhook_calls = Table(
    "webhook_calls",
    metadata,
    _id("org_id", primary_key=True),
    _id("webhook_id", primary_key=True),
    _id("event_id", primary_key=True),
    Column("type", String(32), nullable=False),
    # The exact bytes that are signed and sent at every attempt.
    Column("body", LargeBinary, nullable=False),
    Column("status", String(10), nullable=False),  # pending, attempting, success or failed
    _time("due_at", nullable=True),  # null if there is no further attempt
    # Of the present round; a replay begins a new one.
    Column("attempts", Integer, nullable=False),
    Column("earlier_attempts", Integer, nullable=False),
    _id("lease_owner", nullable=True),
    Column("lease_token", Integer, nullable=False),
    _time("lease_until", nullable=True),
    _time("happened_at"),
    _time("created_at"),  # when the present round began
    # By webhook, so that the backlog of one is never read through to find the calls of another.
    Index(
        "ix_webhook_calls_due",
        "org_id",
        "webhook_id",
        "due_at",
        "event_id",
        sqlite_where=text("lease_until IS NULL AND due_at IS NOT NULL"),
        postgresql_where=text("lease_until IS NULL AND due_at IS NOT NULL"),
    ),
    Index(
        "ix_webhook_calls_leased",
        "lease_until",
        sqlite_where=text("lease_until IS NOT NULL"),
        postgresql_where=text("lease_until IS NOT NULL"),
    ),
    # The calls of a webhook that are still to be made or failed, newest first. Most succeed and are kept:
    # with them in it, the index would cost half as much again as all else that a call writes.
    Index(
        "ix_webhook_calls_unsuccessful",
        "org_id",
        "webhook_id",
        "status",
        "event_id",
        sqlite_where=text("status <> 'success'"),
        postgresql_where=text("status <> 'success'"),
    ),
)

# What came of each call that was made: appended to, and forgotten after a while.
webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    _id("org_id", primary_key=True),
    _id("webhook_id", primary_key=True),
    _id("id", primary_key=True),
    _id("event_id"),
    Column("attempt", Integer, nullable=False),  # from 1
    Column("status_code", SmallInteger),  # null if there was no answer
    # Why there was no answer, in one word and in a sentence; empty if there was one.
    Column("error", String(16), nullable=False),
    Column("detail", Text, nullable=False),
    Column("response", LargeBinary, nullable=False),  # the beginning of the answer's body
    Column("duration_ms", Integer, nullable=False),
    _time("attempted_at"),
    _time("next_at", nullable=True),  # null if there is no further attempt
    Index("ix_webhook_attempts_event", "org_id", "webhook_id", "event_id", "id"),
)
