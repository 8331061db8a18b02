"""Webhooks, and the queue of their calls."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    false,
)

from server.db.tables.metadata import id_column, metadata, partial_index, time_column

webhooks = Table(
    "webhooks",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("id", primary_key=True),
    Column("url", Text, nullable=False),
    Column("events", Text, nullable=False),  # a JSON list of event types
    # A name of `server/webhooks/formats/table.py`: bodies and signatures of the calls.
    Column("format", String(16), nullable=False, server_default="zidimail"),
    Column("secret", LargeBinary, nullable=False),  # sealed
    Column("secret_before", LargeBinary),  # sealed; the one before the last rotation
    time_column("secret_before_until", nullable=True),  # until when calls are signed with both
    Column("status", String(8), nullable=False),
    Column("disabled_reason", String(8), nullable=False, default=""),  # empty while enabled
    time_column("disabled_at", nullable=True),
    # The first failure since the last success; null while calls succeed.
    time_column("failing_since", nullable=True),
    # The end of the log at the registration of the webhook, which gets the events after it.
    Column("since_stamp", BigInteger, nullable=False),
    Column("since_seq", BigInteger, nullable=False),
    time_column("created_at"),
)

# The calls: one row for each event of which a webhook was or will be notified. The rows with a due time are
# the queue; the others are kept for a while, so that they can be read and replayed.
webhook_calls = Table(
    "webhook_calls",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("webhook_id", primary_key=True),
    id_column("event_id", primary_key=True),
    Column("type", String(32), nullable=False),
    # About test mail, or a test call: a test key sees no other ones (C-87).
    Column("test", Boolean, nullable=False, server_default=false()),
    # The exact bytes that are signed and sent at every attempt.
    Column("body", LargeBinary, nullable=False),
    Column("status", String(10), nullable=False),  # pending, attempting, success or failed
    time_column("due_at", nullable=True),  # null if there is no further attempt
    # Of the present round; a replay begins a new one.
    Column("attempts", Integer, nullable=False),
    Column("earlier_attempts", Integer, nullable=False),
    id_column("lease_owner", nullable=True),
    Column("lease_token", Integer, nullable=False),
    time_column("lease_until", nullable=True),
    time_column("happened_at"),
    time_column("created_at"),  # when the present round began
    # By webhook, so that the backlog of one is never read through to find the calls of another.
    partial_index(
        "ix_webhook_calls_due",
        "org_id",
        "webhook_id",
        "due_at",
        "event_id",
        where="lease_until IS NULL AND due_at IS NOT NULL",
    ),
    partial_index("ix_webhook_calls_leased", "lease_until", where="lease_until IS NOT NULL"),
    # The calls of a webhook that are still to be made or failed, newest first. Most succeed and are kept:
    # with them in it, the index would cost half as much again as all else that a call writes.
    partial_index(
        "ix_webhook_calls_unsuccessful",
        "org_id",
        "webhook_id",
        "status",
        "event_id",
        where="status <> 'success'",
    ),
)

# The attempts of calls with their results: appended, and deleted after the time of retention.
webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("webhook_id", primary_key=True),
    id_column("id", primary_key=True),
    id_column("event_id"),
    Column("attempt", Integer, nullable=False),  # from 1
    Column("status_code", SmallInteger),  # null if there was no answer
    # The reason for a missing answer, in one word and in a sentence; empty if there was an answer.
    Column("error", String(16), nullable=False),
    Column("detail", Text, nullable=False),
    Column("response", LargeBinary, nullable=False),  # the beginning of the answer's body
    Column("duration_ms", Integer, nullable=False),
    time_column("attempted_at"),
    time_column("next_at", nullable=True),  # null if there is no further attempt
    Index("ix_webhook_attempts_event", "org_id", "webhook_id", "event_id", "id"),
)
