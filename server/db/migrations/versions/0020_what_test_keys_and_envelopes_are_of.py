"""The calls of webhooks about test mail, and the domain of an envelope's sender."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Calls that were made before show live mail, as far as anybody knows.
    op.add_column("webhook_calls", sa.Column("test", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("emails", sa.Column("envelope_domain_id", sa.String(24), nullable=True))


def downgrade() -> None:
    op.drop_column("emails", "envelope_domain_id")
    op.drop_column("webhook_calls", "test")
