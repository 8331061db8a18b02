"""Contacts, lists of them, and how many an organisation may have."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_LIMITS = ("contact_limit", "contact_import_limit", "contact_list_limit")
_PLANS = {
    "free": (500, 500, 3),
    "starter": (2_500, 2_500, 10),
    "pro": (25_000, 5_000, 25),
    "scale": (250_000, 10_000, 100),
    "enterprise": (1_000_000, 50_000, 500),
}
_DELETED = sa.text("deleted_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "contact_counts",
        _id("org_id"),
        sa.Column("contacts", sa.Integer(), nullable=False),
        sa.Column("lists", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", name=op.f("pk_contact_counts")),
    )
    op.create_table(
        "contacts",
        _id("org_id"),
        _id("id"),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=False),
        sa.Column("unsubscribed", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("pk_contacts")),
        sqlite_with_rowid=False,
    )
    op.create_index("uq_contacts_org_id_email", "contacts", ["org_id", "email"], unique=True)
    op.create_table(
        "contact_lists",
        _id("org_id"),
        _id("id"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("member_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("pk_contact_lists")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_contact_lists_deleted",
        "contact_lists",
        ["org_id", "id"],
        sqlite_where=_DELETED,
        postgresql_where=_DELETED,
    )
    op.create_table(
        "contact_list_members",
        _id("org_id"),
        _id("list_id"),
        _id("contact_id"),
        sa.PrimaryKeyConstraint("org_id", "list_id", "contact_id", name=op.f("pk_contact_list_members")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_contact_list_members_org_id_contact_id", "contact_list_members", ["org_id", "contact_id"]
    )
    _create_sends()
    for table in ("plans", "organisations"):
        for name in _LIMITS:
            op.add_column(table, sa.Column(name, sa.Integer()))
    plans = sa.table("plans", sa.column("plan"), *(sa.column(name) for name in _LIMITS))
    for plan, limits in _PLANS.items():
        values = dict(zip(_LIMITS, limits, strict=True))
        op.execute(sa.update(plans).where(plans.c.plan == plan).values(values))


def downgrade() -> None:
    for table in ("organisations", "plans"):
        for name in reversed(_LIMITS):
            op.drop_column(table, name)
    for table in (
        "contact_list_sends",
        "contact_list_members",
        "contact_lists",
        "contacts",
        "contact_counts",
    ):
        op.drop_table(table)


def _create_sends() -> None:
    op.create_table(
        "contact_list_sends",
        _id("org_id"),
        _id("id"),
        _id("list_id"),
        _id("user_id"),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("template", sa.LargeBinary(), nullable=False),
        _id("last_member"),
        _id("cursor"),
        sa.Column("done", sa.Text(), nullable=False),
        sa.Column("member_count", sa.Integer(), nullable=False),
        sa.Column("accepted_count", sa.Integer(), nullable=False),
        sa.Column("unsubscribed_count", sa.Integer(), nullable=False),
        sa.Column("suppressed_count", sa.Integer(), nullable=False),
        sa.Column("failed_count", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("request_hash", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("pk_contact_list_sends")),
    )
    for name, columns, condition, unique in (
        ("ix_contact_list_sends_due_at", ["due_at"], "due_at", False),
        ("ix_contact_list_sends_completed_at", ["completed_at"], "completed_at", False),
        (
            "uq_contact_list_sends_org_id_idempotency_key",
            ["org_id", "idempotency_key"],
            "idempotency_key",
            True,
        ),
    ):
        where = sa.text(f"{condition} IS NOT NULL")
        op.create_index(
            name, "contact_list_sends", columns, unique=unique, sqlite_where=where, postgresql_where=where
        )


def _id(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(24), nullable=False)
