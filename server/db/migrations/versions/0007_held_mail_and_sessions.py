"""Mail is held while its organisation is paused, and sessions have rows that end them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None

_IS_HELD = sa.text("held_since IS NOT NULL")


def upgrade() -> None:
    op.add_column("delivery_queue", sa.Column("held_since", sa.BigInteger, nullable=True))
    op.add_column("delivery_queue", sa.Column("held_ms", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index(
        "ix_delivery_queue_held",
        "delivery_queue",
        ["org_id"],
        sqlite_where=_IS_HELD,
        postgresql_where=_IS_HELD,
    )

    op.create_table(
        "sessions",
        sa.Column("org_id", sa.String(24), nullable=False),
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("user_id", sa.String(24), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_sessions"),
    )


def downgrade() -> None:
    op.drop_table("sessions")
    op.drop_index("ix_delivery_queue_held", "delivery_queue")
    op.drop_column("delivery_queue", "held_ms")
    op.drop_column("delivery_queue", "held_since")
