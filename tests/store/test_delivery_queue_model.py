"""Model test of the delivery queue: engine operations and crashes in any order, on both engines."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from sqlalchemy import delete

from server.db.tables.queue import delivery_queue
from server.db.tx import Tx
from server.delivery.record import Settlement
from server.delivery.store import LeasedQueue
from server.ids import new_id
from server.queue.rows import Claimed, LeaseKey, Release
from tests.delivery.queued import Queued, enqueue, events_of, queue_of, recipients_of, rows_of
from tests.harness.clock import ManualClock
from tests.store.machines import Store, StoreMachine, explore, with_time_to_shorten

LEASE_S = 60.0
# Always the same ones, so that a failure can be repeated.
ORGS = [f"{number:024x}" for number in range(5)]
ENGINES = st.integers(0, 2)
PICKS = st.lists(st.integers(0, 10**6), min_size=1, max_size=3)


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


class World(StoreMachine):
    """Engines, some of them dead, and the model beside the store."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.rows: dict[str, Row] = {}
        self.engines = [self._engine() for _ in range(3)]
        self.known: list[Claimed] = []  # every claim there ever was, lost leases included

    def _engine(self) -> LeasedQueue:
        return LeasedQueue(self.store.database, self.store.writer, self.clock, new_id(), LEASE_S)

    def holds(self, key: LeaseKey) -> bool:
        row = self.rows[key.email_id]
        return not row.settled and (row.owner, row.token) == (key.owner, key.token)

    @initialize(orgs=st.lists(st.sampled_from(ORGS), min_size=2, max_size=6), limit=st.integers(1, 6))
    def begin(self, orgs: list[str], limit: int) -> None:
        """Some rows are leased from the beginning: many examples would never lease one."""
        self.submit(orgs)
        self.claim(0, limit)

    @rule(orgs=st.lists(st.sampled_from(ORGS), min_size=1, max_size=3))
    def submit(self, orgs: list[str]) -> None:
        now = self.clock.now_ms()
        made = [rows_of(org_id, ["a@r.test"], accepted_at=now) for org_id in orgs]
        for email in self.run(enqueue, self.store.writer, *made):
            self.rows[email.id] = Row(email, now)

    @rule(engine=ENGINES, limit=st.integers(1, 10))
    def claim(self, engine: int, limit: int) -> None:
        queue = self.engines[engine]
        due = self.free()
        claimed = self.run(queue.claim, limit)
        assert {row.key.email_id for row in claimed} <= due, "claimed what was not free"
        assert len(claimed) <= limit
        self.note(queue, claimed)

    @rule(engine=ENGINES, limit=st.integers(1, 10))
    def claim_all(self, engine: int, limit: int) -> None:
        """Until a whole round of the organisations finds nothing."""
        queue, is_over = self.engines[engine], False
        while not is_over:
            claimed = self.run(queue.claim, limit)
            self.note(queue, claimed)
            is_over = not claimed and queue.was_round
        assert not self.free(), "left something that was due"

    def free(self) -> set[str]:
        """The emails that are due and that no engine holds."""
        now = self.clock.now_ms()
        return {
            id for id, row in self.rows.items() if not row.settled and row.owner is None and row.due_at <= now
        }

    def note(self, queue: LeasedQueue, claimed: Sequence[Claimed]) -> None:
        for claim in claimed:
            row = self.rows[claim.key.email_id]
            row.owner, row.token = queue.owner, row.token + 1
            row.until = self.clock.now_ms() + round(LEASE_S * 1000)
            assert claim.key.token == row.token
        self.known += claimed

    @precondition(lambda self: self.known)
    @rule(which=PICKS, status=st.sampled_from(("delivered", "bounced", "delivery_delayed")))
    def settle(self, which: list[int], status: str) -> None:
        """Results of attempts, each of which may come after its lease was lost."""
        for claim in self.picked(which):
            due_at = self.clock.now_ms() + 30_000 if status == "delivery_delayed" else None
            held = self.holds(claim.key)
            recorded = self.run(self.engines[0].settle, [_settlement(claim, status, due_at)])
            assert recorded == [held]
            if held:
                row = self.rows[claim.key.email_id]
                row.events.append(f"email.{status}")
                row.settled, row.owner = due_at is None, None
                row.due_at = due_at or 0

    @precondition(lambda self: self.known)
    @rule(which=PICKS)
    def release(self, which: list[int]) -> None:
        for claim in self.picked(which):
            held = self.holds(claim.key)
            assert self.run(self.engines[0].release, [Release(claim.key)]) == [held]
            if held:
                self.rows[claim.key.email_id].owner = None

    @rule(engine=ENGINES)
    def renew(self, engine: int) -> None:
        queue = self.engines[engine]
        keys = [claim.key for claim in self.known if claim.key.owner == queue.owner]
        kept = self.run(queue.renew, keys)
        assert sorted(kept) == sorted({key for key in keys if self.holds(key)})
        for key in kept:
            self.rows[key.email_id].until = self.clock.now_ms() + round(LEASE_S * 1000)

    @rule(engine=ENGINES)
    def die(self, engine: int) -> None:
        """An engine is gone without a word, and another comes."""
        self.engines[engine] = self._engine()

    @rule(after_s=st.sampled_from((0, LEASE_S, LEASE_S + 1)))
    def reclaim(self, after_s: float) -> None:
        self.clock.advance(after_s)
        now = self.clock.now_ms()
        expired = self.run(self.engines[0].expired, 1000)
        model = {id for id, row in self.rows.items() if row.owner is not None and row.until < now}
        assert {row.key.email_id for row in expired} == model
        self.run(self.engines[0].release, [Release(row.key) for row in expired])
        for id in model:
            self.rows[id].owner = None

    @rule(seconds=st.sampled_from((1, 20, 61)))
    def tick(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @invariant()
    def the_queue_has_what_is_not_settled(self) -> None:
        stored = {row.email_id: row for row in self.run(queue_of, self.store.database)}
        assert set(stored) == {id for id, row in self.rows.items() if not row.settled}, "settled is final"
        for id, row in self.rows.items():
            if not row.settled:
                assert stored[id].lease_owner == row.owner
                assert stored[id].lease_token == row.token

    def teardown(self) -> None:
        try:
            for row in self.rows.values():
                self.check_outcome(row)
        finally:
            self.run(self.store.writer.run, Tx.change, delete(delivery_queue))

    def check_outcome(self, row: Row) -> None:
        events = self.run(events_of, self.store.database, row.email)
        assert [event.type for event in events] == row.events
        [recipient] = self.run(recipients_of, self.store.database, row.email)
        last = row.events[-1] if row.events else "email.queued"
        assert f"email.{recipient.status}" == last

    def picked(self, which: list[int]) -> list[Claimed]:
        return [self.known[number % len(self.known)] for number in which]


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


@with_time_to_shorten
def test_row_has_one_holder_and_one_outcome_under_any_interleaving(store: Store) -> None:
    explore(World, examples=30, steps=30, store=store)
