"""Organisations and their users."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from server.db.tables.metadata import id_column, metadata, partial_index, time_column

organisations = Table(
    "organisations",
    metadata,
    id_column("org_id", primary_key=True),
    Column("name", Text, nullable=False),
    Column("plan", String(16), nullable=False),
    Column("profile", String(8), nullable=False),
    Column("sandbox", Boolean, nullable=False),
    # The only address that mail may go to in the sandbox.
    Column("owner_email", Text, nullable=False),
    Column("state", String(8), nullable=False),
    # The organisation's own numbers, instead of its plan's; null for those of the plan.
    Column("daily_limit", Integer),
    Column("monthly_limit", Integer),
    Column("unique_limit", Integer),
    Column("burst_limit", Integer),
    time_column("created_at"),
    # Since when it has its state, null for its creation; the reasons, with commas; and the operator's note.
    time_column("state_since", nullable=True),
    Column("state_reasons", String(48), nullable=False, server_default=""),
    Column("state_note", Text, nullable=False, server_default=""),
    # Few are not healthy, and they are looked for again and again.
    partial_index("ix_organisations_not_healthy", "state", "org_id", where="state <> 'healthy'"),
    Column("webhook_limit", Integer),
    Column("key_limit", Integer),
    Column("domain_limit", Integer),
    Column("scheduled_limit", Integer),
    Column("scheduled_bytes_limit", BigInteger),
    Column("test_limit", Integer),
)

users = Table(
    "users",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("id", primary_key=True),
    Column("email", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    time_column("created_at"),
    Index("ix_users_email", "email"),
)

# The sessions of users: a session ends when its row goes (contract row C-75).
sessions = Table(
    "sessions",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("id", primary_key=True),
    id_column("user_id"),
    time_column("created_at"),
    time_column("expires_at"),
)
