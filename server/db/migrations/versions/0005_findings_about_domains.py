"""A domain keeps what the last check found, and since when its checks fail while it is verified."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("domains") as table:
        table.add_column(sa.Column("findings", sa.Text, nullable=True))
        table.add_column(sa.Column("failed_checks", sa.Integer, nullable=False, server_default="0"))
        table.add_column(sa.Column("failing_since", sa.BigInteger, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("domains") as table:
        table.drop_column("failing_since")
        table.drop_column("failed_checks")
        table.drop_column("findings")
