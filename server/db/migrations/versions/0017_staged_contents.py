"""Contents of large emails that are stored before the emails are accepted."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "staged_contents",
        sa.Column("org_id", sa.String(24), nullable=False),
        sa.Column("email_id", sa.String(24), nullable=False),
        sa.Column("staged_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "email_id", name=op.f("pk_staged_contents")),
    )


def downgrade() -> None:
    op.drop_table("staged_contents")
