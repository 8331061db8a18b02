"""The programs of operators, and the log of what operators do (contract rows C-76, F-14)."""

from sqlalchemy import Column, Index, LargeBinary, String, Table, Text

from server.db.tables.metadata import id_column, metadata, time_column

# Tokens of programs that act for the operator. A token that was revoked stays, as the log names it.
operator_tokens = Table(
    "operator_tokens",
    metadata,
    id_column("id", primary_key=True),
    Column("name", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),  # SHA-256
    time_column("created_at"),
    time_column("revoked_at", nullable=True),
)

# All changes that operators made, and each look at the data of an organisation.
operator_entries = Table(
    "operator_entries",
    metadata,
    id_column("id", primary_key=True),
    time_column("at"),
    # `AdminService/Method`, or the command.
    Column("method", String(64), nullable=False),
    # The organisation that it is about; null for none.
    id_column("org_id", nullable=True),
    # The id, the name or the address of the object; empty for none beside the organisation.
    Column("target_id", Text, nullable=False),
    # `session`, `operator` (a token) or `internal` (the command line), with the id of the user or the token.
    Column("actor", String(8), nullable=False),
    Column("actor_id", String(24), nullable=False),
    Column("actor_name", Text, nullable=False),
    # The client's IP address; empty if it is unknown, and for the command line.
    Column("address", String(45), nullable=False),
    Column("reason", Text, nullable=False),
    # A JSON object: for each setting that was changed the value before and the value after.
    Column("changes", Text, nullable=False),
    Index("ix_operator_entries_org_id_id", "org_id", "id"),
)
