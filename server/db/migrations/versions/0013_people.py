"""People who belong to several organisations, their roles, and the requests that a mail answers."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_UNMAILED = sa.text("mailed_at IS NULL")


def upgrade() -> None:
    op.add_column("organisations", sa.Column("closed_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "members",
        sa.Column("org_id", sa.String(24), nullable=False),
        sa.Column("user_id", sa.String(24), nullable=False),
        sa.Column("role", sa.String(9), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "user_id", name=op.f("pk_members")),
    )
    op.create_index("ix_members_user_id", "members", ["user_id"])
    op.create_table(
        "account_requests",
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("mailed_at", sa.BigInteger(), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_requests")),
    )
    op.create_index("ix_account_requests_email", "account_requests", ["email", "created_at"])
    op.create_index("ix_account_requests_expires_at", "account_requests", ["expires_at"])
    op.create_index(
        "ix_account_requests_unmailed",
        "account_requests",
        ["id"],
        sqlite_where=_UNMAILED,
        postgresql_where=_UNMAILED,
    )
    op.create_table(
        "audit_entries",
        sa.Column("org_id", sa.String(24), nullable=False),
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.String(64), nullable=False),
        sa.Column("target_id", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(8), nullable=False),
        sa.Column("actor_id", sa.String(24), nullable=False),
        sa.Column("address", sa.String(45), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("pk_audit_entries")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.String(24), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name=op.f("pk_recovery_codes")),
    )
    op.create_table(
        "invitations",
        sa.Column("org_id", sa.String(24), nullable=False),
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.String(9), nullable=False),
        sa.Column("invited_by", sa.String(24), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("pk_invitations")),
    )
    op.create_index("uq_invitations_id", "invitations", ["id"], unique=True)
    op.create_index("ix_invitations_expires_at", "invitations", ["expires_at"])
    op.create_table(
        "login_attempts",
        sa.Column("email_hash", sa.String(64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("email_hash", name=op.f("pk_login_attempts")),
    )
    op.create_index("ix_login_attempts_last_at", "login_attempts", ["last_at"])
    _one_user_for_each_address()
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])


def _one_user_for_each_address() -> None:
    """A user belonged to one organisation. Of several with one address the newest stays, as owner of all."""
    op.execute(
        "CREATE TABLE earlier_users AS"
        " SELECT org_id, id, lower(email) AS email, password_hash, created_at FROM users"
    )
    op.drop_index("ix_users_email", "users")
    op.drop_table("users")
    op.create_table(
        "users",
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, server_default=""),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("totp_secret", sa.LargeBinary(), nullable=True),
        sa.Column("totp_since", sa.BigInteger(), nullable=True),
        sa.Column("totp_step", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_index("uq_users_email", "users", ["email"], unique=True)
    op.execute(
        "INSERT INTO users (id, email, password_hash, created_at)"
        " SELECT e.id, e.email, e.password_hash, e.created_at FROM earlier_users AS e"
        " WHERE e.id = (SELECT max(s.id) FROM earlier_users AS s WHERE s.email = e.email)"
    )
    op.execute(
        "INSERT INTO members (org_id, user_id, role, created_at)"
        " SELECT e.org_id, u.id, 'owner', min(e.created_at) FROM earlier_users AS e"
        " JOIN users AS u ON u.email = e.email GROUP BY e.org_id, u.id"
    )
    op.execute("DELETE FROM sessions WHERE user_id NOT IN (SELECT id FROM users)")
    op.drop_table("earlier_users")


def downgrade() -> None:
    op.drop_index("ix_sessions_expires_at", "sessions")
    op.drop_index("ix_sessions_user_id", "sessions")
    op.execute(
        "CREATE TABLE later_users AS"
        " SELECT m.org_id, u.id, u.email, u.password_hash, u.created_at FROM users AS u"
        " JOIN members AS m ON m.user_id = u.id"
    )
    op.drop_table("users")
    op.create_table(
        "users",
        sa.Column("org_id", sa.String(24), nullable=False),
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("pk_users")),
    )
    op.create_index("ix_users_email", "users", ["email"])
    op.execute(
        "INSERT INTO users (org_id, id, email, password_hash, created_at)"
        " SELECT org_id, id, email, password_hash, created_at FROM later_users"
    )
    op.drop_table("later_users")
    op.drop_table("login_attempts")
    op.drop_table("invitations")
    op.drop_table("recovery_codes")
    op.drop_table("audit_entries")
    op.drop_table("account_requests")
    op.drop_table("members")
    op.drop_column("organisations", "closed_at")
