"""The sections of an export: what an organisation has, without secrets, and how its rows are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Column, ColumnElement, Table, and_, literal, select, tuple_

from server.db.tables.account_health import account_changes, health_counts
from server.db.tables.accounts import audit_entries, invitations, members, organisations, users
from server.db.tables.billing import subscriptions
from server.db.tables.contacts import contact_list_members, contact_list_sends, contact_lists, contacts
from server.db.tables.domains import dkim_keys, domains
from server.db.tables.emails import attachments, batch_jobs, email_contents, emails, recipients
from server.db.tables.events import events
from server.db.tables.keys import api_keys
from server.db.tables.privacy import erasures
from server.db.tables.quotas import usage
from server.db.tables.retention import retention_days
from server.db.tables.stats import daily_counts
from server.db.tables.suppressions import suppressions
from server.db.tables.webhooks import webhook_attempts, webhook_calls, webhooks
from server.db.tx import Tx

_ROWS = 1_000
# Rows with whole bodies of emails.
_LARGE_ROWS = 10
_JSON = frozenset(
    {"to", "cc", "bcc", "reply_to", "tags", "headers", "allowed_domains", "allowed_ips", "events", "details"}
)


@dataclass(frozen=True, slots=True)
class Section:
    """A section: its columns by their names, the key of its rows, and the number of rows of a part.

    With `is_table` an archive holds it as CSV too.
    """

    name: str
    columns: tuple[Column[Any], ...]
    key: tuple[Column[Any], ...]
    rows: int = _ROWS
    is_table: bool = False
    joined: tuple[Table, ColumnElement[bool]] | None = None

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [str(column.name) for column in self.columns]


def _section(
    name: str, table: Table, columns: str, *key: str, rows: int = _ROWS, is_table: bool = False
) -> Section:
    return Section(
        name,
        tuple(table.c[column] for column in columns.split()),
        tuple(table.c[column] for column in key),
        rows,
        is_table,
    )


_MEMBERS = Section(
    "members",
    (users.c.id, users.c.email, users.c.name, members.c.role, members.c.created_at),
    (members.c.user_id,),
    is_table=True,
    joined=(users, users.c.id == members.c.user_id),
)
SECTIONS: Sequence[Section] = (
    _section(
        "organisation", organisations, "org_id name plan sandbox owner_email state created_at", "org_id"
    ),
    _MEMBERS,
    _section(
        "domains",
        domains,
        "id domain status verified spf dkim dmarc return_path open_tracking click_tracking tls_enforced "
        "created_at checked_at",
        "id",
    ),
    # The public part alone.
    _section(
        "dkim_keys",
        dkim_keys,
        "domain_id selector algorithm public_key status created_at seen_at",
        *("domain_id", "selector"),
    ),
    # A key is named by its id, which is in its prefix.
    _section(
        "api_keys",
        api_keys,
        "id name style permission allowed_domains allowed_ips expires_at created_at last_used_at revoked_at",
        "id",
    ),
    _section("webhooks", webhooks, "id url events format status disabled_reason created_at", "id"),
    _section(
        "suppressions",
        suppressions,
        "id address origin source_id created_at expires_at",
        "address",
        is_table=True,
    ),
    _section(
        "contacts", contacts, "id email first_name last_name unsubscribed created_at", "id", is_table=True
    ),
    _section("contact_lists", contact_lists, "id name description member_count created_at", "id"),
    _section("contact_list_members", contact_list_members, "list_id contact_id", "list_id", "contact_id"),
    _section(
        "contact_list_sends",
        contact_list_sends,
        "id list_id user_id status member_count accepted_count unsubscribed_count suppressed_count "
        "failed_count created_at completed_at",
        "id",
    ),
    _section(
        "batch_jobs",
        batch_jobs,
        "id status total_count sent_count failed_count created_at completed_at test",
        "id",
    ),
    _section(
        "emails",
        emails,
        "id domain_id key_id sender subject to cc bcc reply_to tags message_id test status created_at "
        "scheduled_at job_id",
        "id",
    ),
    _section("email_contents", email_contents, "email_id html text headers", "email_id", rows=_LARGE_ROWS),
    _section("attachments", attachments, "email_id no filename content_type size", "email_id", "no"),
    _section(
        "recipients",
        recipients,
        "email_id no kind address status attempts reply_code reply_status reply_text remote_host updated_at",
        *("email_id", "no"),
    ),
    _section(
        "events",
        events,
        "id email_id type recipient attempt reply_code reply_status reply_text remote_host "
        "possible_duplicate created_at details",
        *("stamp", "seq"),
    ),
    _section(
        "audit_log",
        audit_entries,
        "id at method target_id actor actor_id actor_name reason address",
        "id",
        is_table=True,
    ),
    _section("subscriptions", subscriptions, "id plan status live paid_until created_at updated_at", "id"),
    _section(
        "usage",
        usage,
        "day day_count month month_count unique_count test_count waiting_count waiting_bytes",
        "org_id",
    ),
    _section("daily_counts", daily_counts, "day unit name count", *("day", "unit", "name"), is_table=True),
    _section("retention_days", retention_days, "kind days", "kind"),
    _section(
        "account_changes",
        account_changes,
        "id created_at previous_state state reasons note sent delivered bounced complained",
        "id",
    ),
    _section("health_counts", health_counts, "hour sent delivered bounced complained", "hour"),
    # The tokens in the mails are none of it.
    _section("invitations", invitations, "id email role invited_by created_at expires_at", "id"),
    _section("erasures", erasures, "id stand_in user_id email_count created_at completed_at", "id"),
    _section(
        "webhook_calls",
        webhook_calls,
        "webhook_id event_id type body status attempts earlier_attempts happened_at created_at due_at",
        *("webhook_id", "event_id"),
    ),
    _section(
        "webhook_attempts",
        webhook_attempts,
        "webhook_id event_id id attempt status_code error detail response duration_ms attempted_at next_at",
        *("webhook_id", "id"),
    ),
)
BY_NAME = {section.name: section for section in SECTIONS}


def read(
    tx: Tx, section: Section, org_id: str, after: Sequence[Any]
) -> tuple[list[dict[str, Any]], list[Any]]:
    """The next rows of a section after the key of another one, as JSON has them, and the key of the last.

    The key is empty behind the last row of the section.
    """
    row_type = NamedTuple("Row", [(f"c{n}", object) for n in range(len(section.columns) + len(section.key))])  # type: ignore[misc]
    shown = [column.label(f"c{n}") for n, column in enumerate((*section.columns, *section.key))]
    owner = section.key[0].table.c.org_id
    query = select(*shown).where(owner == org_id)
    if section.joined is not None:
        table, condition = section.joined
        query = query.select_from(section.key[0].table).join(table, and_(condition))
    if after:
        place = tuple_(
            *(literal(value, column.type) for value, column in zip(after, section.key, strict=True))
        )
        query = query.where(tuple_(*section.key) > place)
    rows: list[Any] = tx.all(row_type, query.order_by(*section.key).limit(section.rows))
    width = len(section.columns)
    found = [
        {name: shown_value(name, value) for name, value in zip(section.names, row[:width], strict=True)}
        for row in rows
    ]
    return found, list(rows[-1][width:]) if len(rows) == section.rows else []


def shown_value(name: str, value: Any) -> Any:
    """A stored value as JSON has it: times in RFC 3339, lists and objects as such, bytes as UTF-8 text."""
    if value is None:
        return None
    if name == "at" or name.endswith("_at"):
        return f"{datetime.fromtimestamp(value / 1000, UTC):%Y-%m-%dT%H:%M:%S}.{value % 1000:03}Z"
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return orjson.loads(value) if name in _JSON else value
