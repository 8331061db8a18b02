"""The table of the delivery queue is named after it; its rows stay as they are."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_DUE = ["shard", "priority", "due_at", "email_id", "no"]


def upgrade() -> None:
    _rename("outq", "delivery_queue")


def downgrade() -> None:
    _rename("delivery_queue", "outq")


def _rename(old: str, new: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        # Renaming an index of a table keeps it; its storage parameters stay with the table.
        op.rename_table(old, new)
        op.execute(f"ALTER INDEX pk_{old} RENAME TO pk_{new}")
        op.execute(f"ALTER INDEX ix_{old}_due RENAME TO ix_{new}_due")
        op.execute(f"ALTER INDEX ix_{old}_leased RENAME TO ix_{new}_leased")
        return
    # SQLite renames no index.
    op.drop_index(f"ix_{old}_due", old)
    op.drop_index(f"ix_{old}_leased", old)
    op.rename_table(old, new)
    op.create_index(f"ix_{new}_due", new, _DUE, sqlite_where=sa.text("lease_until IS NULL"))
    op.create_index(f"ix_{new}_leased", new, ["lease_until"], sqlite_where=sa.text("lease_until IS NOT NULL"))
