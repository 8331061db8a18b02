"""API keys."""

from sqlalchemy import Column, Index, LargeBinary, String, Table, Text

from server.db.tables.metadata import id_column, metadata, partial_index, time_column

api_keys = Table(
    "api_keys",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("id", primary_key=True),
    Column("name", Text, nullable=False),
    Column("style", String(8), nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("permission", String(16), nullable=False),
    # JSON lists: domains it may send from, networks it may be used from; empty for all.
    Column("allowed_domains", Text, nullable=False, default="[]"),
    Column("allowed_ips", Text, nullable=False, default="[]"),
    time_column("expires_at", nullable=True),
    time_column("created_at"),
    time_column("last_used_at", nullable=True),
    time_column("revoked_at", nullable=True),
    Index("ix_api_keys_id", "id", unique=True),
    partial_index("ix_api_keys_live", "org_id", where="revoked_at IS NULL"),
)
