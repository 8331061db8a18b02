"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "addressees",
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("email_id", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "address", "email_id", name=op.f("pk_addressees")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "api_keys",
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("style", sa.String(length=8), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("permission", sa.String(length=16), nullable=False),
        sa.Column("allowed_domains", sa.Text(), nullable=False),
        sa.Column("allowed_ips", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("pk_api_keys")),
    )
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.create_index("ix_api_keys_id", ["id"], unique=True)

    op.create_table(
        "attachment_parts",
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("email_id", sa.String(length=24), nullable=False),
        sa.Column("no", sa.SmallInteger(), nullable=False),
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "email_id", "no", "part", name=op.f("pk_attachment_parts")),
    )
    op.create_table(
        "attachments",
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("email_id", sa.String(length=24), nullable=False),
        sa.Column("no", sa.SmallInteger(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("content_id", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "email_id", "no", name=op.f("pk_attachments")),
    )
    op.create_table(
        "daily_counts",
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("unit", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "day", "unit", "name", name=op.f("pk_daily_counts")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "dkim_keys",
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("domain_id", sa.String(length=24), nullable=False),
        sa.Column("selector", sa.String(length=63), nullable=False),
        sa.Column("algorithm", sa.String(length=8), nullable=False),
        sa.Column("private_key", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("org_id", "domain_id", "selector", name=op.f("pk_dkim_keys")),
    )
    op.create_table(
        "domains",
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("spf", sa.String(length=20), nullable=False),
        sa.Column("dkim", sa.String(length=20), nullable=False),
        sa.Column("dmarc", sa.String(length=20), nullable=False),
        sa.Column("return_path", sa.String(length=20), nullable=False),
        sa.Column("open_tracking", sa.Boolean(), nullable=False),
        sa.Column("click_tracking", sa.Boolean(), nullable=False),
        sa.Column("tls_enforced", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("pk_domains")),
    )
    with op.batch_alter_table("domains", schema=None) as batch_op:
        batch_op.create_index("uq_domains_org_id_domain", ["org_id", "domain"], unique=True)
        batch_op.create_index(
            "uq_domains_verified",
            ["domain"],
            unique=True,
            sqlite_where=sa.text("verified"),
            postgresql_where=sa.text("verified"),
        )

    op.create_table(
        "email_contents",
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("email_id", sa.String(length=24), nullable=False),
        sa.Column("html", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "email_id", name=op.f("pk_email_contents")),
    )
    op.create_table(
        "email_tags",
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("email_id", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "tag", "email_id", name=op.f("pk_email_tags")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "emails",
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("domain_id", sa.String(length=24), nullable=False),
        sa.Column("key_id", sa.String(length=24), nullable=True),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("to", sa.Text(), nullable=False),
        sa.Column("cc", sa.Text(), nullable=False),
        sa.Column("bcc", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("scheduled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("pk_emails")),
    )
    with op.batch_alter_table("emails", schema=None) as batch_op:
        batch_op.create_index("ix_emails_org_id_created_at", ["org_id", "created_at"], unique=False)
        batch_op.create_index("ix_emails_org_id_domain_id_id", ["org_id", "domain_id", "id"], unique=False)
        batch_op.create_index("ix_emails_org_id_status_id", ["org_id", "status", "id"], unique=False)
        batch_op.create_index(
            "ix_emails_scheduled",
            ["scheduled_at"],
            unique=False,
            sqlite_where=sa.text("status = 'scheduled'"),
            postgresql_where=sa.text("status = 'scheduled'"),
        )

    op.create_table(
        "events",
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("tx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("email_id", sa.String(length=24), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("reply_code", sa.SmallInteger(), nullable=True),
        sa.Column("reply_status", sa.String(length=16), nullable=True),
        sa.Column("reply_text", sa.Text(), nullable=True),
        sa.Column("remote_host", sa.Text(), nullable=True),
        sa.Column("possible_duplicate", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "tx", "seq", name=op.f("pk_events")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index("ix_events_org_id_email_id", ["org_id", "email_id"], unique=False)
        batch_op.create_index("ix_events_place", ["tx", "seq"], unique=False)

    op.create_table(
        "idempotency_keys",
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("operation", sa.String(length=8), nullable=False),
        sa.Column("key", sa.String(length=256), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "operation", "key", name=op.f("pk_idempotency_keys")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.create_index("ix_idempotency_keys_expires_at", ["expires_at"], unique=False)

    op.create_table(
        "installation",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation")),
    )
    op.create_table(
        "log_readers",
        sa.Column("reader", sa.String(length=32), nullable=False),
        sa.Column("tx", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reader", name=op.f("pk_log_readers")),
    )
    op.create_table(
        "organisations",
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("plan", sa.String(length=16), nullable=False),
        sa.Column("profile", sa.String(length=8), nullable=False),
        sa.Column("sandbox", sa.Boolean(), nullable=False),
        sa.Column("owner_email", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("daily_limit", sa.Integer(), nullable=True),
        sa.Column("monthly_limit", sa.Integer(), nullable=True),
        sa.Column("unique_limit", sa.Integer(), nullable=True),
        sa.Column("burst_limit", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", name=op.f("pk_organisations")),
    )
    op.create_table(
        "outq",
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("email_id", sa.String(length=24), nullable=False),
        sa.Column("no", sa.SmallInteger(), nullable=False),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("site", sa.String(length=253), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("crashes", sa.SmallInteger(), nullable=False),
        sa.Column("uncertain", sa.Boolean(), nullable=False),
        sa.Column("attached", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_owner", sa.String(length=24), nullable=True),
        sa.Column("lease_token", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("org_id", "email_id", "no", name=op.f("pk_outq")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("outq", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outq_due",
            ["shard", "priority", "due_at", "email_id", "no"],
            unique=False,
            sqlite_where=sa.text("lease_until IS NULL"),
            postgresql_where=sa.text("lease_until IS NULL"),
        )
        batch_op.create_index(
            "ix_outq_leased",
            ["lease_until"],
            unique=False,
            sqlite_where=sa.text("lease_until IS NOT NULL"),
            postgresql_where=sa.text("lease_until IS NOT NULL"),
        )

    op.create_table(
        "plans",
        sa.Column("plan", sa.String(length=16), nullable=False),
        sa.Column("daily_limit", sa.Integer(), nullable=True),
        sa.Column("monthly_limit", sa.Integer(), nullable=True),
        sa.Column("overage", sa.Boolean(), nullable=False),
        sa.Column("unique_limit", sa.Integer(), nullable=True),
        sa.Column("burst_limit", sa.Integer(), nullable=True),
        sa.Column("attachment_bytes", sa.Integer(), nullable=False),
        sa.Column("smtp", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("plan", name=op.f("pk_plans")),
    )
    op.create_table(
        "recipients",
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("email_id", sa.String(length=24), nullable=False),
        sa.Column("no", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.String(length=3), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reply_code", sa.SmallInteger(), nullable=True),
        sa.Column("reply_status", sa.String(length=16), nullable=True),
        sa.Column("reply_text", sa.Text(), nullable=True),
        sa.Column("remote_host", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "email_id", "no", name=op.f("pk_recipients")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "suppressions",
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("origin", sa.String(length=12), nullable=False),
        sa.Column("source_id", sa.String(length=24), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("org_id", "address", name=op.f("pk_suppressions")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("suppressions", schema=None) as batch_op:
        batch_op.create_index("uq_suppressions_org_id_id", ["org_id", "id"], unique=True)

    op.create_table(
        "unclear_bounces",
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("bounced_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "address", name=op.f("pk_unclear_bounces")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("unclear_bounces", schema=None) as batch_op:
        batch_op.create_index("ix_unclear_bounces_bounced_at", ["bounced_at"], unique=False)

    op.create_table(
        "unique_recipients",
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("org_id", "address", "month", name=op.f("pk_unique_recipients")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "usage",
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("day_count", sa.Integer(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("month_count", sa.Integer(), nullable=False),
        sa.Column("unique_count", sa.Integer(), nullable=False),
        sa.Column("second", sa.BigInteger(), nullable=False),
        sa.Column("second_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", name=op.f("pk_usage")),
    )
    op.create_table(
        "users",
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("pk_users")),
    )
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.create_index("ix_users_email", ["email"], unique=False)

    op.create_table(
        "webhook_attempts",
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("webhook_id", sa.String(length=24), nullable=False),
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("event_id", sa.String(length=24), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("status_code", sa.SmallInteger(), nullable=True),
        sa.Column("error", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("attempted_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("org_id", "webhook_id", "id", name=op.f("pk_webhook_attempts")),
    )
    with op.batch_alter_table("webhook_attempts", schema=None) as batch_op:
        batch_op.create_index(
            "ix_webhook_attempts_event", ["org_id", "webhook_id", "event_id", "id"], unique=False
        )

    op.create_table(
        "webhook_calls",
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("webhook_id", sa.String(length=24), nullable=False),
        sa.Column("event_id", sa.String(length=24), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("earlier_attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=24), nullable=True),
        sa.Column("lease_token", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("happened_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "webhook_id", "event_id", name=op.f("pk_webhook_calls")),
    )
    with op.batch_alter_table("webhook_calls", schema=None) as batch_op:
        batch_op.create_index(
            "ix_webhook_calls_due",
            ["org_id", "webhook_id", "due_at", "event_id"],
            unique=False,
            sqlite_where=sa.text("lease_until IS NULL AND due_at IS NOT NULL"),
            postgresql_where=sa.text("lease_until IS NULL AND due_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_webhook_calls_leased",
            ["lease_until"],
            unique=False,
            sqlite_where=sa.text("lease_until IS NOT NULL"),
            postgresql_where=sa.text("lease_until IS NOT NULL"),
        )

    op.create_table(
        "webhooks",
        sa.Column("org_id", sa.String(length=24), nullable=False),
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("secret_before", sa.LargeBinary(), nullable=True),
        sa.Column("secret_before_until", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("disabled_reason", sa.String(length=8), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("since_tx", sa.BigInteger(), nullable=False),
        sa.Column("since_seq", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("pk_webhooks")),
    )

    mib = 2**20
    names = (
        "plan",
        "daily_limit",
        "monthly_limit",
        "overage",
        "unique_limit",
        "burst_limit",
        "attachment_bytes",
        "smtp",
    )
    op.bulk_insert(
        sa.table("plans", *(sa.column(name) for name in names)),
        [
            dict(zip(names, values, strict=True))
            for values in (
                ("free", 250, 3_000, False, 100, 2, 5 * mib, False),
                ("starter", 250, 3_000, False, 100, 2, 5 * mib, False),
                ("pro", None, 30_000, True, None, None, 25 * mib, True),
                ("scale", None, 65_000, True, None, None, 40 * mib, True),
                ("enterprise", None, 65_000, True, None, None, 40 * mib, True),
            )
        ],
    )
    if op.get_bind().dialect.name == "postgresql":
        # The place of a log entry is given by the database: see server/events/log.py.
        op.execute("CREATE SEQUENCE events_seq")
        # Short-lived rows: vacuum often, leave space in each page for the next version of a row.
        op.execute(
            "ALTER TABLE outq SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, "
            "autovacuum_vacuum_cost_delay = 0)"
        )
        op.execute(
            "ALTER TABLE webhook_calls SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, "
            "autovacuum_vacuum_cost_delay = 0)"
        )
        op.execute("ALTER TABLE usage SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01)")


def downgrade() -> None:
    raise NotImplementedError("there is nothing before the first version: remove the store instead")
