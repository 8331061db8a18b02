"""Subscriptions of organisations to plans, and the events about them."""

from sqlalchemy import Boolean, Column, Index, String, Table

from server.db.tables.metadata import id_column, metadata, partial_index, time_column

# The subscriptions of organisations, as PayPal showed them last.
subscriptions = Table(
    "subscriptions",
    metadata,
    id_column("org_id", primary_key=True),
    # PayPal's own id.
    Column("id", String(50), primary_key=True),
    # The plan that it is for, and the id of that plan at PayPal.
    Column("plan", String(16), nullable=False),
    Column("paypal_plan_id", String(50), nullable=False),
    # PayPal's name for its state, such as `ACTIVE`.
    Column("status", String(16), nullable=False),
    # The one subscription that the organisation has; false once it has ended, or another was preferred.
    Column("live", Boolean, nullable=False),
    # The plan that it gives to the organisation now, null for none; at most one of an organisation does.
    Column("gives", String(16)),
    # The plan that it changes to once that is approved, null for none.
    Column("next_plan", String(16)),
    # The end of the time that is paid for; null before the first payment.
    time_column("paid_until", nullable=True),
    time_column("created_at"),
    # When it changed last, by PayPal's clock: an older reading of it changes nothing.
    time_column("updated_at"),
    # When it is to be read again, or its plan ends; null for never.
    time_column("due_at", nullable=True),
    Index("uq_subscriptions_id", "id", unique=True),
    partial_index("uq_subscriptions_live", "org_id", where="live", unique=True),
    partial_index("ix_subscriptions_due_at", "due_at", where="due_at IS NOT NULL"),
)

# The events of PayPal that were taken, for as long as PayPal may repeat them.
payment_events = Table(
    "payment_events",
    metadata,
    id_column("org_id", primary_key=True),
    # PayPal's own id.
    Column("id", String(64), primary_key=True),
    time_column("received_at"),
    Index("ix_payment_events_received_at", "received_at"),
)
