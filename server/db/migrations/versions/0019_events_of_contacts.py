"""Events of contacts, which an erasure finds by their address."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    of_no_email = sa.text("email_id = ''")
    op.create_index(
        "ix_events_org_id_recipient",
        "events",
        ["org_id", "recipient"],
        sqlite_where=of_no_email,
        postgresql_where=of_no_email,
    )


def downgrade() -> None:
    op.drop_index("ix_events_org_id_recipient", "events")
