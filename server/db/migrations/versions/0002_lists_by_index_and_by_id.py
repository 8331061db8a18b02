"""Unsuccessful calls are listed by an index; emails of a time by their ids, without one."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_emails_org_id_created_at", "emails")
    op.create_index(
        "ix_webhook_calls_unsuccessful",
        "webhook_calls",
        ["org_id", "webhook_id", "status", "event_id"],
        sqlite_where=sa.text("status <> 'success'"),
        postgresql_where=sa.text("status <> 'success'"),
    )


def downgrade() -> None:
    op.drop_index("ix_webhook_calls_unsuccessful", "webhook_calls")
    op.create_index("ix_emails_org_id_created_at", "emails", ["org_id", "created_at"])
