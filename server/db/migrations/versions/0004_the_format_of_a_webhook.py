"""Each webhook has a format; those of earlier versions have ZidiMail's."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("webhooks", sa.Column("format", sa.String(16), nullable=False, server_default="zidimail"))


def downgrade() -> None:
    op.drop_column("webhooks", "format")
