"""Identities at OpenID Connect providers that sign nobody in any more."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("oidc_identities", sa.Column("deactivated_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("oidc_identities", "deactivated_at")
