"""Lists of compound keys are looked up key by key, on both engines."""

from typing import NamedTuple

from sqlalchemy import insert, select

from server.db.database import Database
from server.db.keys import in_keys
from server.db.statements import Statement
from server.db.tables.emails import idempotency_keys
from server.db.tx import Tx
from server.db.writer import Writer
from tests.harness.sqlite_plans import plans_of, scans

COLUMNS = (idempotency_keys.c.org_id, idempotency_keys.c.operation, idempotency_keys.c.key)
KEYS = [("o1", "send", "a"), ("o1", "send", "b'\"\\,]"), ("o1", "batch", "ü🙂"), ("o2", "send", "a")]


class _Key(NamedTuple):
    org_id: str
    operation: str
    key: str


_FOUND = Statement(
    _Key,
    "SELECT org_id, operation, key FROM idempotency_keys WHERE (org_id, operation, key) IN {keys}",
    keys={"org_id": "text", "operation": "text", "key": "text"},
)


def _in_core(tx: Tx, wanted: list[tuple[str, str, str]]) -> list[_Key]:
    return tx.all(_Key, select(*COLUMNS).where(in_keys(tx, COLUMNS, wanted)))


async def test_exactly_the_listed_keys_are_found(database: Database, writer: Writer) -> None:
    rows = [
        {
            "org_id": org,
            "operation": operation,
            "key": key,
            "request_hash": b"",
            "response": b"",
            "expires_at": 0,
        }
        for org, operation, key in KEYS
    ]
    await writer.run(lambda tx: tx.change(insert(idempotency_keys), rows))
    for wanted in ([], KEYS[1:3], [("o1", "batch", "a"), ("o2", "send", "b")], KEYS):
        expected = set(wanted) & set(KEYS)
        assert {tuple(key) for key in await database.read(_in_core, wanted)} == expected
        assert {tuple(key) for key in await database.read(_FOUND.all, wanted)} == expected


def test_sqlite_reads_no_table_from_end_to_end(sqlite_url: str) -> None:
    for plans in (plans_of(sqlite_url, _in_core, KEYS), plans_of(sqlite_url, _FOUND.all, KEYS)):
        assert any(step.startswith("SEARCH idempotency_keys") for step in plans)
        assert scans(plans) == []
