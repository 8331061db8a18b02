"""Batch jobs, and lists of scheduled emails and of those that jobs sent."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SCHEDULED = sa.text("scheduled_at IS NOT NULL")
_OF_A_JOB = sa.text("job_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "batch_jobs",
        sa.Column("org_id", sa.String(24), nullable=False),
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("total_count", sa.SmallInteger(), nullable=False),
        sa.Column("sent_count", sa.SmallInteger(), nullable=False),
        sa.Column("failed_count", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("pk_batch_jobs")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_batch_jobs_org_id_status_id", "batch_jobs", ["org_id", "status", "id"])
    op.add_column("emails", sa.Column("job_id", sa.String(24), nullable=True))
    for name, columns, condition in (
        ("ix_emails_of_scheduled", ["org_id", "id"], _SCHEDULED),
        ("ix_emails_of_scheduled_status", ["org_id", "status", "id"], _SCHEDULED),
        ("ix_emails_of_jobs", ["org_id", "id"], _OF_A_JOB),
        ("ix_emails_of_job", ["org_id", "job_id", "id"], _OF_A_JOB),
    ):
        op.create_index(name, "emails", columns, sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    names = ("of_job", "of_jobs", "of_scheduled_status", "of_scheduled")
    for name in (f"ix_emails_{name}" for name in names):
        op.drop_index(name, "emails")
    with op.batch_alter_table("emails") as table:
        table.drop_column("job_id")
    op.drop_table("batch_jobs")
