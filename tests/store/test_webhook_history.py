"""Lists of a webhook's calls on both engines: exact, at a constant cost (contract rows F-3, B6)."""

from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from sqlalchemy import delete, insert

from server.db.database import Database
from server.db.listing import Page, PageRequest
from server.db.tables.webhooks import webhook_calls, webhooks
from server.db.tx import Tx
from server.db.writer import Writer, running_writer
from server.ids import least_id_of, new_id
from server.webhooks import history
from server.webhooks.history import CallRow
from server.webhooks.store import WebhookKey
from tests.harness.clock import START_MS
from tests.harness.sqlite_plans import plans_of
from tests.harness.twins import TWIN_ORG
from tests.store.machines import Store, StoreMachine, explore, with_time_to_shorten

HOOK: WebhookKey = (new_id(), new_id())
STATUSES = ("pending", "attempting", "success", "failed")
UNSUCCESSFUL = "ix_webhook_calls_unsuccessful (org_id=? AND webhook_id=? AND status=?"
OF_WEBHOOK = "webhook_calls_1 (org_id=? AND webhook_id=?"


def fill(tx: Tx, *statuses: str) -> list[str]:
    """Two webhooks with calls of these states, oldest first; the ids of their events."""
    ids = [least_id_of(START_MS + n) for n in range(len(statuses))]
    hooks = [HOOK, (HOOK[0], new_id())]
    tx.change(insert(webhooks), [_webhook(key) for key in hooks])
    if statuses:
        rows = [_call(key, *of) for key in hooks for of in zip(ids, statuses, strict=True)]
        tx.change(insert(webhook_calls), rows)
    return ids


def _webhook(key: WebhookKey) -> dict[str, Any]:
    return {
        "org_id": key[0],
        "id": key[1],
        "url": "https://hooks.example.com/",
        "events": "[]",
        "secret": b"x",
        "status": "enabled",
        "since_stamp": 0,
        "since_seq": 0,
        "created_at": START_MS,
    }


def _call(key: WebhookKey, event_id: str, status: str) -> dict[str, Any]:
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


async def page(
    database: Database, statuses: Collection[str], request: PageRequest, **bounds: int
) -> Page[CallRow]:
    return await database.read(history.calls, HOOK, statuses, request, **bounds)


def ids_of(part: Page[CallRow]) -> list[str]:
    return [row.event_id for row in part.rows]


class Calls(StoreMachine):
    """A webhook with calls of any state, whose lists are read."""

    @initialize(states=st.lists(st.sampled_from(STATUSES), min_size=1, max_size=40))
    def begin(self, states: list[str]) -> None:
        self.ids = self.run(self.store.writer.run, fill, *states)
        self.states = states

    @rule(
        statuses=st.lists(st.sampled_from(STATUSES), unique=True),
        limit=st.integers(1, 12),
        offset=st.sampled_from((0, 0, 5)),
        place=st.integers(0, 39),
    )
    def read(self, statuses: list[str], limit: int, offset: int, place: int) -> None:
        of = statuses or STATUSES
        matching = [id for id, state in zip(self.ids, self.states, strict=True) if state in of][::-1]
        cursor = self.ids[place % len(self.ids)]

        part = self.page(statuses, PageRequest(limit, offset))
        assert ids_of(part) == matching[offset : offset + limit]
        assert (part.has_more, part.total) == (len(matching) > offset + limit, len(matching))

        older = [id for id in matching if id < cursor]
        part = self.page(statuses, PageRequest(limit, after=cursor))
        assert ids_of(part) == older[:limit]
        assert (part.has_more, part.total) == (len(older) > limit, len(matching))

        newer = [id for id in matching if id > cursor]
        part = self.page(statuses, PageRequest(limit, before=cursor))
        assert ids_of(part) == newer[-limit:]
        assert (part.has_more, part.total) == (len(newer) > limit, len(matching))

    def page(self, statuses: list[str], request: PageRequest) -> Page[CallRow]:
        return self.run(page, self.store.database, statuses, request)

    def teardown(self) -> None:
        for table in (webhook_calls, webhooks):
            self.run(self.store.writer.run, Tx.change, delete(table).where(table.c.org_id != TWIN_ORG))


@with_time_to_shorten
def test_every_page_of_every_state_equals_a_selection_from_all_calls(store: Store) -> None:
    explore(Calls, examples=10, steps=20, store=store)


async def test_totals_are_exact_up_to_a_limit(database: Database, writer: Writer) -> None:
    await writer.run(fill, *["success"] * 4, *["failed"] * 3, *["pending"] * 2)
    for statuses, total in (
        ([], 3),
        (["success"], 3),
        (["failed"], 3),
        (["pending"], 2),
        (["failed", "pending"], 3),
        (["success", "pending"], 3),
    ):
        assert (await page(database, statuses, PageRequest(1), max_counted=3)).total == total, statuses


async def test_the_search_for_successes_is_bounded_and_a_cursor_continues_it(
    database: Database, writer: Writer
) -> None:
    ids = await writer.run(fill, "success", *["failed"] * 5, "success", *["failed"] * 3)
    bounds = {"max_scanned": 3, "max_counted": 1}
    part = await page(database, ["success"], PageRequest(1), **bounds)
    assert (ids_of(part), part.has_more, part.total) == ([ids[6]], False, 1)
    assert ids_of(await page(database, ["success"], PageRequest(1, after=ids[6]), **bounds)) == []
    assert ids_of(await page(database, ["success"], PageRequest(1, after=ids[4]), **bounds)) == [ids[0]]
    assert ids_of(await page(database, ["success"], PageRequest(1, before=ids[0]), **bounds)) == []
    assert ids_of(await page(database, ["success"], PageRequest(1, before=ids[2]), **bounds)) == [ids[6]]


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
@pytest.mark.parametrize(
    "request_", [PageRequest(2), PageRequest(2, after="b" * 24), PageRequest(2, before="0" * 24)]
)
async def test_calls_are_listed_by_an_index(
    sqlite_url: str, statuses: list[str], index: str, request_: PageRequest
) -> None:
    """B6: each state that is not success is a range of an index."""
    await _fill(sqlite_url, *STATUSES)
    steps = plans_of(sqlite_url, history.calls, HOOK, statuses, request_)
    # The rows of a merged page are looked up one by one.
    walks = [step for step in steps if "webhook_calls" in step and "event_id=?" not in step]
    assert walks
    assert all(index in step for step in walks), steps


async def test_failed_calls_are_found_by_an_index(sqlite_url: str) -> None:
    """B6."""
    await _fill(sqlite_url)
    [step] = plans_of(sqlite_url, history.failed, HOOK, START_MS, "", 2)
    assert f"{UNSUCCESSFUL} AND event_id>?)" in step


async def _fill(url: str, *statuses: str) -> None:
    async with running_writer(url) as writer:
        await writer.run(fill, *statuses)
