"""Model test of the delivery queue: engine operations and crashes in any order, on both engines."""

import random
from dataclasses import dataclass, field

import pytest

from server.db.database import Database
from server.db.writer import Writer
from server.delivery.record import Settlement
from server.delivery.store import LeasedQueue
from server.ids import new_id
from server.queue.rows import Claimed, LeaseKey, Release
from tests.delivery.queued import Queued, enqueue, events_of, queue_of, recipients_of, rows_of
from tests.harness.clock import START_MS, ManualClock

LEASE_S = 60.0
STEPS = 120


@dataclass
class Row:
    """The model's state of one recipient."""

    email: Queued
    due_at: int
    owner: str | None = None
    token: int = 0
    until: int = 0
    events: list[str] = field(default_factory=list)
    settled: bool = False


class World:
    """Engines, some of them dead, and the model beside the store."""

    def __init__(self, database: Database, writer: Writer, seed: int) -> None:
        self.database = database
        self.writer = writer
        self.chance = random.Random(seed)
        self.clock = ManualClock()
        self.org_id = new_id()
        self.rows: dict[str, Row] = {}
        self.engines = [self._engine() for _ in range(3)]
        self.known: list[Claimed] = []  # every claim there ever was, lost leases included

    def _engine(self) -> LeasedQueue:
        return LeasedQueue(self.database, self.writer, self.clock, new_id(), LEASE_S)

    def holds(self, key: LeaseKey) -> bool:
        row = self.rows[key.email_id]
        return not row.settled and (row.owner, row.token) == (key.owner, key.token)

    async def submit(self) -> None:
        shards = self.chance.sample(range(64), 3)
        made = [
            rows_of(self.org_id, ["a@r.test"], shard=shard, accepted_at=self.clock.now_ms())
            for shard in shards
        ]
        for email in await enqueue(self.writer, *made):
            self.rows[email.id] = Row(email, self.clock.now_ms())

    async def claim(self) -> None:
        queue = self.chance.choice(self.engines)
        limit = self.chance.randint(1, 10)
        due = {
            id
            for id, row in self.rows.items()
            if not row.settled and row.owner is None and row.due_at <= self.clock.now_ms()
        }
        claimed = await queue.claim(limit)
        assert {row.key.email_id for row in claimed} <= due, "claimed what was not free"
        assert len(claimed) == min(limit, len(due)), "left something that was due"
        for claim in claimed:
            row = self.rows[claim.key.email_id]
            row.owner, row.token = queue.owner, row.token + 1
            row.until = self.clock.now_ms() + round(LEASE_S * 1000)
            assert claim.key.token == row.token
        self.known += claimed

    async def settle(self) -> None:
        for claim in self.chance.sample(self.known, min(3, len(self.known))):
            status = self.chance.choice(["delivered", "bounced", "delivery_delayed"])
            due_at = self.clock.now_ms() + 30_000 if status == "delivery_delayed" else None
            held = self.holds(claim.key)
            recorded = await self.engines[0].settle([_settlement(claim, status, due_at)])
            assert recorded == [held]
            if held:
                row = self.rows[claim.key.email_id]
                row.events.append(f"email.{status}")
                row.settled, row.owner = due_at is None, None
                row.due_at = due_at or 0

    async def release(self) -> None:
        for claim in self.chance.sample(self.known, min(2, len(self.known))):
            held = self.holds(claim.key)
            assert await self.engines[0].release([Release(claim.key)]) == [held]
            if held:
                self.rows[claim.key.email_id].owner = None

    async def renew(self) -> None:
        queue = self.chance.choice(self.engines)
        keys = [claim.key for claim in self.known if claim.key.owner == queue.owner]
        kept = await queue.renew(keys)
        assert sorted(kept) == sorted({key for key in keys if self.holds(key)})
        for key in kept:
            self.rows[key.email_id].until = self.clock.now_ms() + round(LEASE_S * 1000)

    async def die(self) -> None:
        """An engine is gone without a word, and another comes."""
        self.engines[self.chance.randrange(len(self.engines))] = self._engine()

    async def reclaim(self) -> None:
        now = self.clock.now_ms()
        expired = await self.engines[0].expired(1000)
        model = {id for id, row in self.rows.items() if row.owner is not None and row.until < now}
        assert {row.key.email_id for row in expired} == model
        await self.engines[0].release([Release(row.key) for row in expired])
        for id in model:
            self.rows[id].owner = None

    async def tick(self) -> None:
        self.clock.advance(self.chance.choice([1, 20, 61]))

    async def check(self) -> None:
        stored = {row.email_id: row for row in await queue_of(self.database)}
        assert set(stored) == {id for id, row in self.rows.items() if not row.settled}, "settled is final"
        for id, row in self.rows.items():
            if not row.settled:
                assert stored[id].lease_owner == row.owner
                assert stored[id].lease_token == row.token

    async def check_events(self) -> None:
        for row in self.rows.values():
            assert [event.type for event in await events_of(self.database, row.email)] == row.events
            [recipient] = await recipients_of(self.database, row.email)
            last = row.events[-1] if row.events else "email.queued"
            assert f"email.{recipient.status}" == last


def _settlement(claim: Claimed, status: str, due_at: int | None) -> Settlement:
    return Settlement(
        key=claim.key,
        address="a@r.test",
        status=status,
        attempts=claim.attempts + 1,
        due_at=due_at,
        code=250,
        enhanced="2.0.0",
        text="",
        host="",
        uncertain=False,
        possible_duplicate=False,
        alone=True,
    )


@pytest.mark.parametrize("seed", [1, 2])
async def test_row_has_one_holder_and_one_outcome_under_any_interleaving(
    database: Database, writer: Writer, seed: int
) -> None:
    world = World(database, writer, seed)
    acts = [world.submit, world.claim, world.claim, world.settle, world.settle]
    acts += [world.release, world.renew, world.die, world.reclaim, world.tick]
    for _ in range(STEPS):
        await world.chance.choice(acts)()
        await world.check()
    await world.check_events()
    assert world.clock.now_ms() > START_MS
    assert any(row.settled for row in world.rows.values())
