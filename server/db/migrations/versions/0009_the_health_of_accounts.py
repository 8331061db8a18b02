"""The health of accounts: counts by hour, the history of states, and what events count as."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_IS_NOT_HEALTHY = sa.text("state <> 'healthy'")
_COUNTS = ("sent", "delivered", "bounced", "complained")


def upgrade() -> None:
    op.create_table(
        "health_counts",
        sa.Column("org_id", sa.String(24), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False, autoincrement=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTS),
        sa.PrimaryKeyConstraint("org_id", "hour", name=op.f("pk_health_counts")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "account_changes",
        sa.Column("org_id", sa.String(24), nullable=False),
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("previous_state", sa.String(8), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("reasons", sa.String(48), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTS),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("pk_account_changes")),
    )
    op.add_column("organisations", sa.Column("state_since", sa.BigInteger(), nullable=True))
    op.add_column(
        "organisations", sa.Column("state_reasons", sa.String(48), nullable=False, server_default="")
    )
    op.add_column("organisations", sa.Column("state_note", sa.Text(), nullable=False, server_default=""))
    op.create_index(
        "ix_organisations_not_healthy",
        "organisations",
        ["state", "org_id"],
        sqlite_where=_IS_NOT_HEALTHY,
        postgresql_where=_IS_NOT_HEALTHY,
    )
    op.add_column("events", sa.Column("counts_as", sa.String(10), nullable=True))
    op.add_column("events", sa.Column("details", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("events", "details")
    op.drop_column("events", "counts_as")
    op.drop_index("ix_organisations_not_healthy", "organisations")
    for name in ("state_note", "state_reasons", "state_since"):
        op.drop_column("organisations", name)
    op.drop_table("account_changes")
    op.drop_table("health_counts")
