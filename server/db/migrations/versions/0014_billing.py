"""Subscriptions by PayPal, and the plans that they are for."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_LIVE = sa.text("live")
_DUE = sa.text("due_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("plans", sa.Column("paypal_plan_id", sa.String(50), nullable=True))
    op.create_table(
        "subscriptions",
        sa.Column("org_id", sa.String(24), nullable=False),
        sa.Column("id", sa.String(50), nullable=False),
        sa.Column("plan", sa.String(16), nullable=False),
        sa.Column("paypal_plan_id", sa.String(50), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("gives", sa.String(16), nullable=True),
        sa.Column("next_plan", sa.String(16), nullable=True),
        sa.Column("paid_until", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("pk_subscriptions")),
    )
    op.create_index("uq_subscriptions_id", "subscriptions", ["id"], unique=True)
    op.create_index(
        "uq_subscriptions_live",
        "subscriptions",
        ["org_id"],
        unique=True,
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    )
    op.create_index(
        "ix_subscriptions_due_at", "subscriptions", ["due_at"], sqlite_where=_DUE, postgresql_where=_DUE
    )
    op.create_table(
        "payment_events",
        sa.Column("org_id", sa.String(24), nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("pk_payment_events")),
    )
    op.create_index("ix_payment_events_received_at", "payment_events", ["received_at"])


def downgrade() -> None:
    op.drop_table("payment_events")
    op.drop_table("subscriptions")
    op.drop_column("plans", "paypal_plan_id")
