"""Organisations take turns at the queue and at the release, and own a limited number of things."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_FREE = sa.text("lease_until IS NULL")
_SCHEDULED = sa.text("status = 'scheduled'")
_LIVE = sa.text("revoked_at IS NULL")
_GIB = 2**30
_NAMES = (
    "webhook_limit",
    "key_limit",
    "domain_limit",
    "scheduled_limit",
    "scheduled_bytes_limit",
    "test_limit",
)
_BYTES = "scheduled_bytes_limit"
_SMALL = (10, 50, 10, 3_000, _GIB, 1_000)
_LARGE = (100, 1_000, 1_000, 100_000, 40 * _GIB, 50_000)
_PLANS = {
    "free": _SMALL,
    "starter": _SMALL,
    "pro": (25, 200, 100, 30_000, 10 * _GIB, 10_000),
    "scale": _LARGE,
    "enterprise": _LARGE,
}


def upgrade() -> None:
    op.drop_index("ix_delivery_queue_due", "delivery_queue")
    op.drop_column("delivery_queue", "shard")
    _index("ix_delivery_queue_due", "delivery_queue", "org_id priority due_at email_id no", _FREE)
    _index("ix_emails_waiting", "emails", "org_id scheduled_at id", _SCHEDULED)
    _index("ix_api_keys_live", "api_keys", "org_id", _LIVE)

    for table in ("plans", "organisations"):
        for name in _NAMES:
            op.add_column(table, sa.Column(name, sa.BigInteger() if name == _BYTES else sa.Integer()))
    plans = sa.table("plans", sa.column("plan"), *(sa.column(name) for name in _NAMES))
    for plan, limits in _PLANS.items():
        values = dict(zip(_NAMES, limits, strict=True))
        op.execute(sa.update(plans).where(plans.c.plan == plan).values(values))

    for name in ("test_count", "waiting_count", "waiting_bytes"):
        kind = sa.BigInteger() if name == "waiting_bytes" else sa.Integer()
        op.add_column("usage", sa.Column(name, kind, nullable=False, server_default="0"))
    op.add_column("emails", sa.Column("waiting_bytes", sa.BigInteger(), nullable=True))
    # Emails that wait already count as well, without their bytes.
    op.execute(
        "INSERT INTO usage (org_id, day, day_count, month, month_count, unique_count, second, second_count, "
        "waiting_count) "
        "SELECT org_id, 0, 0, 0, 0, 0, 0, 0, COUNT(*) FROM emails WHERE status = 'scheduled' GROUP BY org_id "
        "ON CONFLICT (org_id) DO UPDATE SET waiting_count = excluded.waiting_count"
    )


def downgrade() -> None:
    op.drop_column("emails", "waiting_bytes")
    for name in ("waiting_bytes", "waiting_count", "test_count"):
        op.drop_column("usage", name)
    for table in ("organisations", "plans"):
        for name in reversed(_NAMES):
            op.drop_column(table, name)
    op.drop_index("ix_api_keys_live", "api_keys")
    op.drop_index("ix_emails_waiting", "emails")
    op.drop_index("ix_delivery_queue_due", "delivery_queue")
    op.add_column("delivery_queue", sa.Column("shard", sa.SmallInteger(), nullable=False, server_default="0"))
    _index("ix_delivery_queue_due", "delivery_queue", "shard priority due_at email_id no", _FREE)


def _index(name: str, table: str, columns: str, condition: sa.TextClause) -> None:
    op.create_index(name, table, columns.split(), sqlite_where=condition, postgresql_where=condition)
