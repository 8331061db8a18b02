"""Organisations and their users."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from server.db.tables.metadata import id_column, metadata, time_column

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
    Column("contact_limit", Integer),
    Column("contact_import_limit", Integer),
    Column("contact_list_limit", Integer),
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
