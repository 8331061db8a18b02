"""The SQL of the delivery queue, for both engines."""

from sqlalchemy import TextClause, bindparam, delete, text, update

from server.db.prepared import Prepared
from server.db.schema import emails, outq, recipients

_KEYS_SQLITE = (
    "(SELECT json_extract(value, '$[0]') AS org_id, json_extract(value, '$[1]') AS email_id,"
    " json_extract(value, '$[2]') AS no FROM json_each(:keys)) AS k CROSS JOIN"
)
_KEYS_POSTGRESQL = (
    "(SELECT value->>0 AS org_id, value->>1 AS email_id, CAST(value->>2 AS integer) AS no"
    " FROM jsonb_array_elements(CAST(:keys AS jsonb)) AS elements(value)) AS k CROSS JOIN"
)


def _prepared(template: str) -> Prepared:
    """The statement that a template stands for on an engine.

    `{keys}` joins the list of primary keys given as the JSON parameter `keys`; `{lock}` and `{skip_locked}`
    lock the rows found.
    """

    def build(dialect: str) -> TextClause:
        is_sqlite = dialect == "sqlite"
        return text(
            template.format(
                keys=_KEYS_SQLITE if is_sqlite else _KEYS_POSTGRESQL,
                lock="" if is_sqlite else " FOR UPDATE OF q",
                skip_locked="" if is_sqlite else " FOR UPDATE SKIP LOCKED",
            )
        )

    return Prepared(build)


# The comparison with the list of keys drives the look-up: SQLite would scan the table for `IN (VALUES ...)`.
HELD = _prepared(
    "SELECT q.org_id, q.email_id, q.no, q.lease_token, q.lease_owner FROM {keys} outq AS q"
    " WHERE q.org_id = k.org_id AND q.email_id = k.email_id AND q.no = k.no{lock}"
)
EMAILS = _prepared(
    'SELECT e.org_id, e.id, e.domain_id, e.sender, e.subject, e."to", e.cc, e.reply_to, e.message_id,'
    " COALESCE(e.scheduled_at, e.created_at) AS begins_at, c.html, c.text, c.headers FROM {keys} emails AS e"
    " JOIN email_contents AS c ON c.org_id = e.org_id AND c.email_id = e.id"
    " WHERE e.org_id = k.org_id AND e.id = k.email_id"
)
ATTACHMENTS = _prepared(
    "SELECT a.org_id, a.email_id, a.no, a.filename, a.content_type, a.content_id, a.size, p.content"
    " FROM {keys} attachments AS a LEFT JOIN attachment_parts AS p"
    " ON p.org_id = a.org_id AND p.email_id = a.email_id AND p.no = a.no"
    " WHERE a.org_id = k.org_id AND a.email_id = k.email_id ORDER BY a.email_id, a.no, p.part"
)
LOCK_EMAILS = _prepared(
    "SELECT e.id FROM {keys} emails AS e WHERE e.org_id = k.org_id AND e.id = k.email_id ORDER BY e.id"
    " FOR UPDATE OF e"
)
RECIPIENTS = _prepared(
    "SELECT r.org_id, r.email_id, r.no, r.kind, r.address, r.status FROM {keys} recipients AS r"
    " WHERE r.org_id = k.org_id AND r.email_id = k.email_id"
)
# Which shards have something due: from each shard straight to the next, so that the length of one
# organisation's queue does not matter (a loose index scan).
LANES = _prepared(
    "WITH RECURSIVE shards(shard) AS ("
    " SELECT min(shard) FROM outq WHERE lease_until IS NULL"
    " UNION ALL"
    " SELECT (SELECT min(q.shard) FROM outq AS q WHERE q.lease_until IS NULL AND q.shard > shards.shard)"
    " FROM shards WHERE shards.shard IS NOT NULL),"
    " priorities(priority) AS (VALUES (0), (1), (2))"
    " SELECT priority, shard FROM priorities CROSS JOIN shards WHERE shard IS NOT NULL AND EXISTS ("
    " SELECT 1 FROM outq AS q WHERE q.lease_until IS NULL AND q.shard = shards.shard"
    " AND q.priority = priorities.priority AND q.due_at <= :now) ORDER BY priority, shard"
)
# Materialised, as PostgreSQL may otherwise run the inner query more than once, and claim more than its limit.
CLAIM = _prepared(
    "WITH due AS MATERIALIZED ("
    " SELECT org_id, email_id, no FROM outq WHERE lease_until IS NULL AND shard = :shard"
    " AND priority = :priority AND due_at <= :now ORDER BY due_at, email_id, no LIMIT :limit{skip_locked})"
    " UPDATE outq SET lease_owner = :owner, lease_token = lease_token + 1, lease_until = :until"
    " WHERE (org_id, email_id, no) IN (SELECT org_id, email_id, no FROM due)"
    " RETURNING org_id, email_id, no, lease_token, site, attempts, crashes, uncertain, attached"
)
PK = (
    outq.c.org_id == bindparam("b_org_id"),
    outq.c.email_id == bindparam("b_email_id"),
    outq.c.no == bindparam("b_no"),
)
DELETE = Prepared(lambda _: delete(outq).where(*PK))
RESCHEDULE = Prepared(
    lambda _: (
        update(outq)
        .where(*PK)
        .values(
            due_at=bindparam("b_due_at"),
            attempts=bindparam("b_attempts"),
            uncertain=bindparam("b_uncertain"),
            lease_owner=None,
            lease_until=None,
        )
    )
)
RENEW = Prepared(lambda _: update(outq).where(*PK).values(lease_until=bindparam("b_until")))
SETTLE = Prepared(
    lambda _: (
        update(recipients)
        .where(
            recipients.c.org_id == bindparam("b_org_id"),
            recipients.c.email_id == bindparam("b_email_id"),
            recipients.c.no == bindparam("b_no"),
        )
        .values(
            status=bindparam("b_status"),
            attempts=bindparam("b_attempts"),
            reply_code=bindparam("b_code"),
            reply_status=bindparam("b_enhanced"),
            reply_text=bindparam("b_text"),
            remote_host=bindparam("b_host"),
            updated_at=bindparam("b_now"),
        )
    )
)
SET_STATUS = Prepared(
    lambda _: (
        update(emails)
        .where(emails.c.org_id == bindparam("b_org_id"), emails.c.id == bindparam("b_email_id"))
        .values(status=bindparam("b_status"))
    )
)
