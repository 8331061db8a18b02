"""Organisations, their members, and the people who sign in."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text, false

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
    Column("contact_limit", Integer),
    Column("contact_import_limit", Integer),
    Column("contact_list_limit", Integer),
    # When an owner closed it, null for one that is open: nobody has access to it then.
    time_column("closed_at", nullable=True),
    # The key of the addresses that stand in place of erased ones; null before the first erasure.
    Column("erasure_key", LargeBinary, nullable=True),
)

# People who may sign in, each with one address for all organisations.
users = Table(
    "users",
    metadata,
    id_column("id", primary_key=True),
    # In lower case.
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    Column("password_hash", Text, nullable=False),
    time_column("created_at"),
    # The sealed secret of the second factor (TOTP), null for none, and the time from which on it counts.
    Column("totp_secret", LargeBinary, nullable=True),
    time_column("totp_since", nullable=True),
    # The step of the code that was used last: each works once.
    Column("totp_step", BigInteger, nullable=True),
    # Since when the user is an operator of this installation; null for the others (C-76).
    time_column("operator_since", nullable=True),
    Index("uq_users_email", "email", unique=True),
)

# The codes that stand for one of the second factor each, by their SHA-256; a code goes when it is used.
recovery_codes = Table(
    "recovery_codes",
    metadata,
    id_column("user_id", primary_key=True),
    Column("code_hash", String(64), primary_key=True),
)

members = Table(
    "members",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("user_id", primary_key=True),
    # One of `read_only`, `member`, `admin`, `owner`.
    Column("role", String(9), nullable=False),
    time_column("created_at"),
    Index("ix_members_user_id", "user_id"),
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
    # True if the user gave a code of the second factor at its beginning, or since.
    Column("second_factor", Boolean, nullable=False, server_default=false()),
    # The operator who opened it on behalf of the user (a user or an operator token), the operator's name, and
    # the role that it has at most; null for the user's own.
    id_column("operator_id", nullable=True),
    Column("operator_name", Text, nullable=True),
    Column("most_role", String(9), nullable=True),
    Index("ix_sessions_user_id", "user_id"),
    Index("ix_sessions_expires_at", "expires_at"),
)

# Requests of people without a session that a mail answers: registrations and password resets. They name no
# organisation, as their makers are not known yet.
account_requests = Table(
    "account_requests",
    metadata,
    id_column("id", primary_key=True),
    # `register` or `reset`.
    Column("kind", String(8), nullable=False),
    # In lower case.
    Column("email", Text, nullable=False),
    # Of a registration, as JSON: the name, the organisation, the hash of the password.
    Column("details", Text, nullable=False),
    time_column("created_at"),
    time_column("expires_at"),
    # When its mail was written; null before.
    time_column("mailed_at", nullable=True),
    # SHA-256 of the token in its mail; null if it has none.
    Column("token_hash", LargeBinary, nullable=True),
    Index("ix_account_requests_email", "email", "created_at"),
    Index("ix_account_requests_expires_at", "expires_at"),
    partial_index("ix_account_requests_unmailed", "id", where="mailed_at IS NULL"),
)

# Invitations to organisations, until they have expired: also those that were answered or withdrawn, since the
# invitations of a day are counted.
invitations = Table(
    "invitations",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("id", primary_key=True),
    # In lower case.
    Column("email", Text, nullable=False),
    Column("role", String(9), nullable=False),
    id_column("invited_by"),
    time_column("created_at"),
    time_column("expires_at"),
    # SHA-256 of the token in its mail; null once it was used or withdrawn.
    Column("token_hash", LargeBinary, nullable=True),
    Index("uq_invitations_id", "id", unique=True),
    Index("ix_invitations_expires_at", "expires_at"),
)

# Changes of settings: who made them, and from where.
audit_entries = Table(
    "audit_entries",
    metadata,
    id_column("org_id", primary_key=True),
    id_column("id", primary_key=True),
    time_column("at"),
    # `Service/Method`.
    Column("method", String(64), nullable=False),
    # The id or the address of the object; empty for none.
    Column("target_id", Text, nullable=False),
    # `session`, `api_key` or `operator`, with the id of the user, of the key or of the operator.
    Column("actor", String(8), nullable=False),
    id_column("actor_id"),
    # Of an operator: the name. Users and keys have theirs in their own tables.
    Column("actor_name", Text, nullable=False, server_default=""),
    # Why an operator made the change; empty if it was not said.
    Column("reason", Text, nullable=False, server_default=""),
    # The client's IP address; empty if it is unknown.
    Column("address", String(45), nullable=False),
)

# Logins at the OpenID Connect provider that wait for their end, or for the code of a second factor.
oidc_logins = Table(
    "oidc_logins",
    metadata,
    id_column("id", primary_key=True),
    # SHA-256 of the state, and of the secret of the browser that began the login.
    Column("state_hash", LargeBinary, nullable=False),
    Column("binding_hash", LargeBinary, nullable=False),
    # The nonce and the PKCE verifier, sealed.
    Column("secrets", LargeBinary, nullable=False),
    # SHA-256 of the provider's code, null before it came; and whom the provider named for it, sealed.
    Column("code_hash", LargeBinary, nullable=True),
    Column("identity", LargeBinary, nullable=True),
    time_column("expires_at"),
    Index("ix_oidc_logins_expires_at", "expires_at"),
)

# The users by their ids at OpenID Connect providers.
oidc_identities = Table(
    "oidc_identities",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", String(255), primary_key=True),
    id_column("user_id"),
    time_column("created_at"),
    # Since when it signs the user in no more, null for one that does.
    time_column("deactivated_at", nullable=True),
    Index("ix_oidc_identities_user_id", "user_id"),
)

# Wrong passwords in a row, by the hash of the address, whether it has an account or not.
login_attempts = Table(
    "login_attempts",
    metadata,
    Column("email_hash", String(64), primary_key=True),
    Column("attempts", Integer, nullable=False),
    time_column("last_at"),
    Index("ix_login_attempts_last_at", "last_at"),
)
