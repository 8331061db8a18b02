"""A store that is filled day by day with rows of every kind, and swept."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from sqlalchemy import Table, create_engine, insert, text, update

from server.db.database import Database
from server.db.tables.account_health import account_changes
from server.db.tables.accounts import audit_entries
from server.db.tables.contacts import contact_list_sends
from server.db.tables.emails import (
    attachments,
    batch_jobs,
    email_contents,
    email_tags,
    emails,
    recipients,
)
from server.db.tables.events import events, log_readers
from server.db.tables.operators import operator_entries
from server.db.tables.stats import addressees, daily_counts
from server.db.tables.webhooks import webhook_attempts, webhook_calls, webhooks
from server.db.tx import Tx
from server.db.units import unit_of
from server.db.writer import Writer
from server.events.reader import Reader
from server.ids import least_id_of, new_id
from server.retention.emails import Emails
from server.retention.events import Events
from server.retention.kinds import BY_ID
from server.retention.operator_log import OperatorLogSweep
from server.retention.policy import DAY_MS
from server.retention.sweep import Sweep
from tests.harness.clock import START_MS, ManualClock
from tests.harness.rows import row_count

# Few days, so that a year is many of them.
DAYS: Mapping[str, int] = {
    "bodies": 5,
    "emails": 20,
    "events": 10,
    "webhook_calls": 5,
    "captured": 5,
    "audit": 20,
    "list_sends": 10,
    "batch_jobs": 10,
}
# The tables whose rows are deleted, and the days for which each keeps them.
KEPT: Mapping[Table, int] = {
    emails: 20,
    email_contents: 5,
    recipients: 20,
    attachments: 20,
    email_tags: 20,
    addressees: 20,
    events: 10,
    webhook_calls: 5,
    webhook_attempts: 5,
    audit_entries: 20,
    account_changes: 20,
    contact_list_sends: 10,
    batch_jobs: 10,
    operator_entries: 20,
}
EMAILS_A_DAY = 5
_BODY = "A line of a newsletter, as long as such lines are.\n" * 60


class Keeping:
    """A store with two organisations, each with a webhook."""

    def __init__(self, database: Database, writer: Writer, org_ids: Sequence[str]) -> None:
        self.database = database
        self.writer = writer
        self.clock = ManualClock()
        self.org_ids = org_ids
        self.webhooks = {org_id: new_id() for org_id in org_ids}
        self._numbers = count(1)

    async def begin(self) -> None:
        """Registers the webhooks, and one reader of the log."""
        rows = [
            {
                **{"org_id": org_id, "id": id, "url": "https://example.org", "events": "[]", "secret": b"s"},
                **{"status": "enabled", "since_stamp": 0, "since_seq": 0, "created_at": START_MS},
            }
            for org_id, id in self.webhooks.items()
        ]
        await self.writer.run(Tx.change, insert(webhooks), rows)
        await self.writer.submit(Reader("all").register, [None])

    async def fill(self, days: int) -> None:
        """Adds the rows of the next days to each organisation; the reader of the log has read them."""
        rows: list[tuple[Table, dict[str, Any]]] = []
        for _ in range(days):
            rows += self._rows()
            self.clock.advance(DAY_MS / 1000)

        def write(tx: Tx) -> None:
            for table, of_table in _by_table(rows).items():
                tx.change(insert(table), of_table)
            tx.change(update(log_readers).values(stamp=1, seq=self._last_seq))

        await self.writer.run(write)

    def sweeps(self, writer: Writer | None = None) -> list[Any]:
        """A new sweep of every kind."""
        parts = self.database, writer or self.writer, self.clock
        kinds = [Sweep(kind, DAYS, *parts, organisations=1) for kind in (*BY_ID, Emails(), Events())]
        return [*kinds, OperatorLogSweep(DAYS["audit"], *parts)]

    async def sweep(self) -> None:
        """Deletes all that is too old."""
        for sweep in self.sweeps():
            while await sweep.step():
                pass

    async def counts(self) -> dict[str, int]:
        """The number of rows of each table."""
        return {table.name: await row_count(self.database, table) for table in KEPT}

    def vacuum(self) -> None:
        """Does what PostgreSQL's autovacuum does in its time; nothing on SQLite."""
        if not self.database.is_sqlite:
            self._on_postgresql(f"VACUUM {', '.join(table.name for table in KEPT)}")

    def analyze(self) -> None:
        """Lets PostgreSQL know how large its tables are; nothing on SQLite."""
        if not self.database.is_sqlite:
            self._on_postgresql("ANALYZE")

    def size(self) -> int:
        """The bytes of the store on the disk."""
        if self.database.is_sqlite:
            return os.path.getsize(str(self.database.url.database))
        sizes = " + ".join(f"pg_total_relation_size('{table.name}')" for table in KEPT)
        return int(self._on_postgresql(f"SELECT {sizes}"))

    def _on_postgresql(self, statement: str) -> Any:
        engine = create_engine(self.database.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            result = connection.execute(text(statement))
            found = result.scalar() if result.returns_rows else None
        engine.dispose()
        return found

    def _rows(self) -> Iterator[tuple[Table, dict[str, Any]]]:
        now = self.clock.now_ms()
        day = now // DAY_MS
        for org_id in self.org_ids:
            for _ in range(EMAILS_A_DAY):
                yield from self._email(org_id, now)
            yield (
                batch_jobs,
                {
                    **{"org_id": org_id, "id": self._id(now), "status": "completed", "total_count": 1},
                    **{"sent_count": 1, "failed_count": 0, "created_at": now, "test": False},
                },
            )
            yield (
                audit_entries,
                {
                    **{"org_id": org_id, "id": self._id(now), "at": now, "method": "A/B", "target_id": ""},
                    **{"actor": "session", "actor_id": self._id(now), "address": ""},
                },
            )
            yield (
                account_changes,
                {
                    **{"org_id": org_id, "id": self._id(now), "created_at": now, "previous_state": "healthy"},
                    **{"state": "review", "reasons": "", "note": "", "operator": ""},
                    **dict.fromkeys(("sent", "delivered", "bounced", "complained"), 0),
                },
            )
            yield (
                contact_list_sends,
                {
                    **dict.fromkeys(("list_id", "user_id", "last_member", "cursor"), self._id(now)),
                    **{"org_id": org_id, "id": self._id(now), "status": "completed", "template": b"t"},
                    **{"done": "[]", "reason": "", "message": "", "version": 1, "due_at": None},
                    **{"created_at": now, "completed_at": now},
                    **{
                        f"{name}_count": 0
                        for name in ("member", "accepted", "unsubscribed", "suppressed", "failed")
                    },
                },
            )
            yield (
                daily_counts,
                {
                    **{
                        "org_id": org_id,
                        "day": day,
                        "unit": "recipients",
                        "name": "sent",
                        "count": EMAILS_A_DAY,
                    }
                },
            )
        yield (
            operator_entries,
            {
                **{
                    "id": self._id(now),
                    "at": now,
                    "method": "A/B",
                    "org_id": self.org_ids[0],
                    "target_id": "",
                },
                **{"actor": "operator", "actor_id": self._id(now), "actor_name": "x", "address": ""},
                **{"reason": "", "changes": "{}"},
            },
        )

    def _email(self, org_id: str, now: int) -> Iterator[tuple[Table, dict[str, Any]]]:
        id = self._id(now)
        address = f"Person-{id}@example.org"
        key = {"org_id": org_id, "email_id": id}
        yield (
            emails,
            {
                **{"org_id": org_id, "id": id, "domain_id": id, "sender": "a@example.com", "subject": "News"},
                **{"to": json.dumps([address]), "cc": "[]", "bcc": "[]", "reply_to": "[]"},
                **{
                    "tags": '[["topic", "news"]]',
                    "message_id": "<x@y>",
                    "test": False,
                    "status": "delivered",
                },
                "created_at": now,
            },
        )
        yield email_contents, {**key, "html": _BODY, "text": _BODY, "headers": "{}"}
        yield (
            attachments,
            {**{**key, "no": 0, "filename": "a", "content_type": "a/b", "content_id": "", "size": 1}},
        )
        for tag in ("topic", "topic:news"):
            yield email_tags, {**key, "tag": tag}
        yield addressees, {**key, "address": address.lower().encode()}
        yield (
            recipients,
            {
                **{**key, "no": 0, "kind": "to", "address": address, "status": "delivered", "attempts": 1},
                "updated_at": now,
            },
        )
        for type in ("email.sent", "email.delivered"):
            self._last_seq = next(self._numbers)
            event_id = self._id(now)
            yield (
                events,
                {
                    **{
                        **key,
                        "unit": unit_of(self.database.engine, org_id),
                        "stamp": 1,
                        "seq": self._last_seq,
                    },
                    **{"id": event_id, "type": type, "attempt": 1},
                    **{"recipient": address, "possible_duplicate": False, "created_at": now},
                },
            )
            call = {"org_id": org_id, "webhook_id": self.webhooks[org_id], "event_id": event_id}
            yield (
                webhook_calls,
                {
                    **{**call, "type": type, "body": b"{}" * 200, "status": "success", "attempts": 1},
                    **{"earlier_attempts": 0, "lease_token": 0, "happened_at": now, "created_at": now},
                },
            )
            yield (
                webhook_attempts,
                {
                    **{
                        **call,
                        "id": self._id(now),
                        "attempt": 1,
                        "error": "",
                        "detail": "",
                        "response": b"ok",
                    },
                    **{"duration_ms": 1, "attempted_at": now},
                },
            )

    def _id(self, now: int) -> str:
        """An id as it would have been made at that time."""
        return f"{int(least_id_of(now), 16) + next(self._numbers):024x}"


def _by_table(rows: Iterable[tuple[Table, dict[str, Any]]]) -> dict[Table, list[dict[str, Any]]]:
    found: dict[Table, list[dict[str, Any]]] = {}
    for table, row in rows:
        found.setdefault(table, []).append(row)
    return found
