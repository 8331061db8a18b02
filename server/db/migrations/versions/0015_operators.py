"""Operators, their tokens, their sessions on behalf of others, their log; and the days of retention."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_EXPIRING = sa.text("expires_at IS NOT NULL")
# The tables from which old rows are deleted all the time: see `server/retention/sweep.py`.
_SWEPT = (
    *("emails", "email_contents", "recipients", "attachments", "email_tags", "addressees"),
    *("events", "webhook_calls", "webhook_attempts"),
)
_SESSION_COLUMNS = ("second_factor", "operator_id", "operator_name", "most_role")


def upgrade() -> None:
    op.add_column("users", sa.Column("operator_since", sa.BigInteger(), nullable=True))
    op.add_column(
        "sessions", sa.Column("second_factor", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("sessions", sa.Column("operator_id", sa.String(24), nullable=True))
    op.add_column("sessions", sa.Column("operator_name", sa.Text(), nullable=True))
    op.add_column("sessions", sa.Column("most_role", sa.String(9), nullable=True))
    op.add_column("audit_entries", sa.Column("actor_name", sa.Text(), nullable=False, server_default=""))
    op.add_column("audit_entries", sa.Column("reason", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "operator_tokens",
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_tokens")),
    )
    op.create_table(
        "operator_entries",
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.String(64), nullable=False),
        sa.Column("org_id", sa.String(24), nullable=True),
        sa.Column("target_id", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(8), nullable=False),
        sa.Column("actor_id", sa.String(24), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_entries")),
    )
    op.create_index("ix_operator_entries_org_id_id", "operator_entries", ["org_id", "id"])
    op.create_table(
        "retention_days",
        sa.Column("org_id", sa.String(24), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "kind", name=op.f("pk_retention_days")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_suppressions_expires_at",
        "suppressions",
        ["expires_at"],
        sqlite_where=_EXPIRING,
        postgresql_where=_EXPIRING,
    )
    if op.get_bind().dialect.name == "postgresql":
        for table in _SWEPT:
            op.execute(f"ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = 0.02)")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in _SWEPT:
            op.execute(f"ALTER TABLE {table} RESET (autovacuum_vacuum_scale_factor)")
    op.drop_index("ix_suppressions_expires_at", "suppressions")
    op.drop_table("retention_days")
    op.drop_table("operator_entries")
    op.drop_table("operator_tokens")
    for name in ("reason", "actor_name"):
        op.drop_column("audit_entries", name)
    # On whose behalf a session is cannot be said any more.
    op.execute("DELETE FROM sessions WHERE operator_id IS NOT NULL")
    for name in _SESSION_COLUMNS:
        op.drop_column("sessions", name)
    op.drop_column("users", "operator_since")
