"""Domains and their DKIM keys."""

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from server.db.tables.metadata import id_column, metadata, partial_index, time_column

domains = Table(
    "domains",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("id", primary_key=True),
    Column("domain", String(253), nullable=False),
    Column("status", String(16), nullable=False),
    Column("verified", Boolean, nullable=False),
    # One of `pending`, `verified`, `failed`, `temporary_failure`, by purpose.
    Column("spf", String(20), nullable=False),
    Column("dkim", String(20), nullable=False),
    Column("dmarc", String(20), nullable=False),
    Column("return_path", String(20), nullable=False),
    Column("open_tracking", Boolean, nullable=False, default=False),
    Column("click_tracking", Boolean, nullable=False, default=False),
    Column("tls_enforced", Boolean, nullable=False, default=False),
    time_column("created_at"),
    time_column("checked_at", nullable=True),
    # The findings of the last check for each record, as JSON; null before the first.
    Column("findings", Text, nullable=True),
    # The run of failed checks of a domain that is verified still (C-53).
    Column("failed_checks", Integer, nullable=False, default=0, server_default="0"),
    time_column("failing_since", nullable=True),
    Index("uq_domains_org_id_domain", "org_id", "domain", unique=True),
    # The first organisation to verify a domain owns it (C-45).
    partial_index("uq_domains_verified", "domain", unique=True, where="verified"),
)

dkim_keys = Table(
    "dkim_keys",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("domain_id", primary_key=True),
    Column("selector", String(63), primary_key=True),
    Column("algorithm", String(8), nullable=False),
    Column("private_key", LargeBinary, nullable=False),  # sealed
    Column("public_key", Text, nullable=False),
    # The result of the last check of its record, as in `domains`.
    Column("status", String(20), nullable=False),
    time_column("created_at"),
    # When DNS last showed the record; null while it does not: only a key that was seen signs (F-11).
    time_column("seen_at", nullable=True),
)
