"""Lists of a webhook's calls on both engines (contract rows F-3, B6): exact, at one cost however many."""

import random
from collections.abc import Collection
from typing import Any

import pytest
from sqlalchemy import insert

from server.db import listing
from server.db.engine import Database
from server.db.listing import Part, Stretch
from server.db.schema import webhook_calls, webhooks
from server.ids import least_id_of, new_id
from server.webhooks import history
from server.webhooks.store import Key
from tests.harness.clock import START_MS
from tests.store.plans import plans

HOOK: Key = (new_id(), new_id())
STATUSES = ("pending", "attempting", "success", "failed")
UNSUCCESSFUL = "ix_webhook_calls_unsuccessful (org_id=? AND webhook_id=? AND status=?"
OF_WEBHOOK = "webhook_calls_1 (org_id=? AND webhook_id=?"


async def fill(database: Database, *statuses: str) -> list[str]:
    """Two webhooks with calls of these states, oldest first; the ids of their events."""
    ids = [least_id_of(START_MS + n) for n in range(len(statuses))]
    hooks = [HOOK, (HOOK[0], new_id())]
    async with database.write() as connection:
        await connection.execute(insert(webhooks), [_webhook(key) for key in hooks])
        if statuses:
            rows = [_call(key, *of) for key in hooks for of in zip(ids, statuses, strict=True)]
            await connection.execute(insert(webhook_calls), rows)
    return ids


def _webhook(key: Key) -> dict[str, Any]:
    return {
        "org_id": key[0],
        "id": key[1],
        "url": "https://hooks.example.com/",
        "events": "[]",
        "secret": b"x",
        "status": "enabled",
        "since_tx": 0,
        "since_seq": 0,
        "created_at": START_MS,
    }


def _call(key: Key, event_id: str, status: str) -> dict[str, Any]:
    return {
        "org_id": key[0],
        "webhook_id": key[1],
        "event_id": event_id,
        "type": "email.sent",
        "body": b"{}",
        "status": status,
        "due_at": None,
        "attempts": 1,
        "earlier_attempts": 0,
        "lease_token": 1,
        "happened_at": START_MS,
        "created_at": START_MS,
    }


async def page(database: Database, statuses: Collection[str], stretch: Stretch) -> Part:
    async with database.read() as connection:
        return await history.calls(connection, HOOK, statuses, stretch)


def ids_of(part: Part) -> list[str]:
    return [row.event_id for row in part.rows]


@pytest.mark.parametrize("seed", range(3))
async def test_every_page_of_every_state_equals_a_look_at_all_calls(database: Database, seed: int) -> None:
    chance = random.Random(seed)
    states = chance.choices(STATUSES, k=40)
    ids = await fill(database, *states)
    for _ in range(60):
        statuses = chance.sample(STATUSES, chance.randint(0, 4))
        matching = [id for id, of in zip(ids, states, strict=True) if of in (statuses or STATUSES)][::-1]
        cursor, limit, offset = chance.choice(ids), chance.randint(1, 12), chance.choice([0, 0, 5])

        part = await page(database, statuses, Stretch(limit, offset))
        assert ids_of(part) == matching[offset : offset + limit]
        assert (part.has_more, part.total) == (len(matching) > offset + limit, len(matching))

        older = [id for id in matching if id < cursor]
        part = await page(database, statuses, Stretch(limit, after=cursor))
        assert ids_of(part) == older[:limit]
        assert (part.has_more, part.total) == (len(older) > limit, len(matching))

        newer = [id for id in matching if id > cursor]
        part = await page(database, statuses, Stretch(limit, before=cursor))
        assert ids_of(part) == newer[-limit:]
        assert (part.has_more, part.total) == (len(newer) > limit, len(matching))


async def test_so_many_calls_are_counted_and_no_more(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "COUNTED", 3)
    await fill(database, *["success"] * 4, *["failed"] * 3, *["pending"] * 2)
    for statuses, total in (
        ([], 3),
        (["success"], 3),
        (["failed"], 3),
        (["pending"], 2),
        (["failed", "pending"], 3),
        (["success", "pending"], 3),
    ):
        assert (await page(database, statuses, Stretch(1))).total == total, statuses


async def test_a_success_is_looked_for_behind_so_many_others_and_a_cursor_moves_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "COUNTED", 1)
    monkeypatch.setattr(listing, "PASSED_OVER", 3)
    ids = await fill(database, "success", *["failed"] * 5, "success", *["failed"] * 3)
    part = await page(database, ["success"], Stretch(1))
    assert (ids_of(part), part.has_more, part.total) == ([ids[6]], False, 1)
    assert ids_of(await page(database, ["success"], Stretch(1, after=ids[6]))) == []
    assert ids_of(await page(database, ["success"], Stretch(1, after=ids[4]))) == [ids[0]]
    assert ids_of(await page(database, ["success"], Stretch(1, before=ids[0]))) == []
    assert ids_of(await page(database, ["success"], Stretch(1, before=ids[2]))) == [ids[6]]


@pytest.mark.parametrize(
    ("statuses", "index"),
    [
        ([], OF_WEBHOOK),
        (["success"], OF_WEBHOOK),
        (["failed"], UNSUCCESSFUL),
        (["pending"], UNSUCCESSFUL),
        (["failed", "attempting"], UNSUCCESSFUL),
    ],
)
@pytest.mark.parametrize("stretch", [Stretch(2), Stretch(2, after="b" * 24), Stretch(2, before="0" * 24)])
async def test_calls_are_listed_by_an_index(
    sqlite_url: str, statuses: list[str], index: str, stretch: Stretch
) -> None:
    """B6: each state that is not success is a stretch of an index."""
    database = Database(sqlite_url)
    await fill(database, *STATUSES)
    async with plans(database, "webhook_calls") as steps:
        await page(database, statuses, stretch)
    await database.close()
    # The rows of a merged page are looked up one by one.
    walks = [step for step in steps if "event_id=?" not in step]
    assert walks
    assert all(index in step for step in walks), steps


async def test_what_failed_is_found_by_an_index(sqlite_url: str) -> None:
    """B6."""
    database = Database(sqlite_url)
    await fill(database)
    async with plans(database, "webhook_calls") as steps, database.read() as connection:
        await history.failed(connection, HOOK, START_MS, "", 2)
    await database.close()
    [step] = steps
    assert f"{UNSUCCESSFUL} AND event_id>?)" in step
