"""A stack whose store is filled before its server starts, as after months of sending.

The rows are those that accepting and delivering leave, made by the database itself in a few statements, so
that a million emails take a minute or two and not an hour.
"""

import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path

from server.db.tables.emails import email_contents, email_tags, emails, recipients
from server.db.tables.events import events, log_heads, log_readers
from server.db.tables.queue import delivery_queue
from server.db.tables.stats import addressees, daily_counts
from server.queue.rules import PRIORITY_TRANSACTIONAL
from server.stats.counting import READER as STATISTICS
from server.webhooks.intake import READER as WEBHOOKS
from tests.harness.stack import Stack

DAY_MS = 86_400_000
STORED_DAYS = 89
QUEUED_FOR_MS = 3_600_000
SITE = "example.net"
_LINE = "Thank you for your order. It leaves our store today.\n"
_TEXT = _LINE * 12


class FullStack(Stack):
    """A stack with `stored` delivered emails of the last 89 days and `queued` ones of the last hour, all of
    its first organisation. SQLite only."""

    def __init__(self, data_dir: Path, *, stored: int, queued: int, transport: str) -> None:
        super().__init__(data_dir, transport=transport)
        self.stored = stored
        self.queued = queued
        self._now_ms = time.time_ns() // 1_000_000
        self._filled = False

    @property
    def database(self) -> Path:
        """The file of the store."""
        return self.data_dir / "zidimail.db"

    def start_server(self, env: Mapping[str, str] | None = None, *, wait: bool = True) -> None:
        """Fills the store before its first server starts."""
        if not self._filled:
            self._fill()
            self._filled = True
        super().start_server(env, wait=wait)

    def stored_id(self, number: int) -> str:
        """The id of a stored email, by its number from 0."""
        return f"{self._begin + number * self._step:012x}{number:012x}"

    @property
    def _begin(self) -> int:
        return self._now_ms - STORED_DAYS * DAY_MS

    @property
    def _step(self) -> int:
        return (STORED_DAYS * DAY_MS - 2 * QUEUED_FOR_MS) // max(self.stored, 1)

    def _fill(self) -> None:
        connection = sqlite3.connect(self.database, isolation_level=None)
        # Nothing is lost if this is: the store is thrown away.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -262144")
        connection.execute("BEGIN IMMEDIATE")
        self._insert_emails(connection, self.stored, f"{self._begin} + i * {self._step}", "delivered")
        begin, step = self._now_ms - QUEUED_FOR_MS, QUEUED_FOR_MS // max(self.queued, 1)
        self._insert_emails(connection, self.queued, f"{begin} + i * {step}", "queued")
        self._insert_counts(connection)
        [last] = connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()
        place = {"unit": "0", "stamp": "1", "seq": str(last)}
        connection.execute(f"DELETE FROM {log_heads.name}")
        insert(connection, log_heads.name, place)
        for reader in (STATISTICS.name, WEBHOOKS.name):
            insert(connection, log_readers.name, {"reader": f"'{reader}'", **place})
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    def _insert_emails(self, connection: sqlite3.Connection, count: int, at: str, status: str) -> None:
        """`at` is the time of email `i`, as an SQL expression."""
        delivered = status == "delivered"
        email_id = f"printf('%012x%012x', {at}, i)"
        address = f"printf('customer-%08d@{SITE}', i)"
        org_id = f"'{self.org_id}'"
        place = "(SELECT coalesce(max(seq), 0) FROM events)"

        def add(table: str, columns: Mapping[str, str]) -> None:
            insert(connection, table, columns, count)

        add(
            addressees.name,
            {"org_id": org_id, "address": f"CAST({address} AS BLOB)", "email_id": email_id},
        )
        add(
            emails.name,
            {
                "org_id": org_id,
                "id": email_id,
                "domain_id": f"'{self.domain_id}'",
                "key_id": f"'{self.key_id}'",
                "sender": f"'The Shop <orders@{self.domain}>'",
                "subject": "printf('Your order %08d', i)",
                '"to"': f"json_array({address})",
                "cc": "'[]'",
                "bcc": "'[]'",
                "reply_to": "'[]'",
                "tags": """'[["kind","receipt"]]'""",
                "message_id": f"printf('<%s@{self.domain}>', {email_id})",
                "test": "0",
                "status": f"'{status}'",
                "created_at": at,
            },
        )
        for tag in ("kind", "kind:receipt"):
            add(email_tags.name, {"org_id": org_id, "tag": f"'{tag}'", "email_id": email_id})
        add(
            email_contents.name,
            {"org_id": org_id, "email_id": email_id, "html": "NULL", "text": f"'{_TEXT}'", "headers": "'{}'"},
        )
        add(
            recipients.name,
            {
                "org_id": org_id,
                "email_id": email_id,
                "no": "1",
                "kind": "'to'",
                "address": address,
                "status": f"'{status}'",
                "attempts": str(int(delivered)),
                "updated_at": at,
            },
        )
        for offset, kind in enumerate(("sent", "delivered") if delivered else ("sent",)):
            add(
                events.name,
                {
                    "org_id": org_id,
                    "unit": "0",
                    "stamp": "1",
                    "seq": f"{place} + 1 + i",
                    "id": f"printf('%012x%012x', {at}, i * 2 + {offset})",
                    "email_id": email_id,
                    "type": f"'email.{kind}'",
                    "recipient": address if offset else "''",
                    "attempt": str(offset),
                    "possible_duplicate": "0",
                    "created_at": at,
                },
            )
        if not delivered:
            add(
                delivery_queue.name,
                {
                    "org_id": org_id,
                    "email_id": email_id,
                    "no": "1",
                    "priority": str(PRIORITY_TRANSACTIONAL),
                    "site": f"'{SITE}'",
                    "due_at": at,
                    "attempts": "0",
                    "crashes": "0",
                    "uncertain": "0",
                    "attached": "0",
                    "lease_token": "0",
                },
            )

    def _insert_counts(self, connection: sqlite3.Connection) -> None:
        counted = (("emails", "status", ""), ("recipients", "'sent'", ""))
        for unit, name, where in (*counted, ("recipients", "status", "WHERE status = 'delivered'")):
            connection.execute(
                f"INSERT INTO {daily_counts.name} (org_id, day, unit, name, count) "
                f"SELECT org_id, created_at / {DAY_MS}, '{unit}', {name}, count(*) "
                f"FROM {emails.name} {where} GROUP BY 1, 2, 3, 4"
            )


def insert(connection: sqlite3.Connection, table: str, columns: Mapping[str, str], count: int = 1) -> None:
    """Adds `count` rows; each column is an SQL expression of `i`, the number of the row from 0."""
    connection.execute(
        f"WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < {count}) "
        f"INSERT INTO {table} ({', '.join(columns)}) "
        f"SELECT {', '.join(columns.values())} FROM numbers WHERE i < {count}"
    )
