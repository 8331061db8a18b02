"""Erasures of recipients' data, the key of the addresses that stand in their place, and exports."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_RUNNING = sa.text("completed_at IS NULL")
_COMPLETED = sa.text("completed_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("organisations", sa.Column("erasure_key", sa.LargeBinary(), nullable=True))
    op.create_table(
        "erasures",
        sa.Column("org_id", sa.String(24), nullable=False),
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("stand_in", sa.Text(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("user_id", sa.String(24), nullable=False),
        sa.Column("phase", sa.String(9), nullable=False),
        sa.Column("cursor", sa.String(24), nullable=False),
        sa.Column("mark_tx", sa.BigInteger(), nullable=False),
        sa.Column("mark_seq", sa.BigInteger(), nullable=False),
        sa.Column("email_count", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("stepped_at", sa.BigInteger(), nullable=False),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("pk_erasures")),
    )
    op.create_index(
        "ix_erasures_running", "erasures", ["stepped_at"], sqlite_where=_RUNNING, postgresql_where=_RUNNING
    )
    op.create_index(
        "ix_erasures_completed_at",
        "erasures",
        ["completed_at"],
        sqlite_where=_COMPLETED,
        postgresql_where=_COMPLETED,
    )
    op.create_index("ix_erasures_org_id_stand_in", "erasures", ["org_id", "stand_in"])
    op.create_table(
        "exports",
        sa.Column("org_id", sa.String(24), nullable=False),
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("user_id", sa.String(24), nullable=False),
        sa.Column("section", sa.String(24), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("part_count", sa.Integer(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("stepped_at", sa.BigInteger(), nullable=False),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("pk_exports")),
    )
    op.create_index(
        "ix_exports_running", "exports", ["stepped_at"], sqlite_where=_RUNNING, postgresql_where=_RUNNING
    )
    op.create_index("ix_exports_expires_at", "exports", ["expires_at"])
    op.create_table(
        "export_parts",
        sa.Column("org_id", sa.String(24), nullable=False),
        sa.Column("export_id", sa.String(24), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("section", sa.String(24), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "export_id", "no", name=op.f("pk_export_parts")),
    )


def downgrade() -> None:
    op.drop_table("export_parts")
    op.drop_table("exports")
    op.drop_table("erasures")
    op.drop_column("organisations", "erasure_key")
