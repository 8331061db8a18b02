"""Finished messages: their header, their size, and the envelope's sender."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("email_contents", sa.Column("raw_head", sa.LargeBinary(), nullable=True))
    op.add_column("email_contents", sa.Column("raw_size", sa.BigInteger(), nullable=True))
    op.add_column("email_contents", sa.Column("mail_from", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("email_contents") as table:
        for name in ("raw_head", "raw_size", "mail_from"):
            table.drop_column(name)
