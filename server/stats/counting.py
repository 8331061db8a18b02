"""The reader of the log that keeps the daily counters (contract rows Z-29, C-46), the index of the emails
that went to an address, for the search, and the counts that accounts are judged by (S-20).
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from server.account_health import store as health
from server.account_health.judging import Judge
from server.account_health.rules import Counts, OrgHour, hourly_counts
from server.account_health.store import StateChange
from server.db.database import Database
from server.db.statements import Change, Statement
from server.db.tx import Tx
from server.db.writer import Writer
from server.events import log
from server.events.follower import Follower
from server.events.reader import Reader
from server.events.rows import EventRow, Place
from server.stats.tally import Counted, changes
from server.work.backpressure import Backpressure
from server.work.notifier import Notifier

READER = Reader("statistics")
PAGE_SIZE = 500
# The delay after a notification, in which more events come to be read together.
_GATHER_S = 0.05
# The same while many sends are being accepted: counters may be a little late.
_HIGH_GATHER_S = 0.25

_BEGINNINGS = frozenset(("email.sent", "email.scheduled"))


class _Event(NamedTuple):
    org_id: str
    email_id: str
    type: str
    recipient: str
    created_at: int
    test: bool


class _Address(NamedTuple):
    org_id: str
    email_id: str
    address: str


class _Addressee(NamedTuple):
    org_id: str
    address: bytes
    email_id: str


# The events of emails up to a place, in order.
_EARLIER = Statement(
    _Event,
    """
    SELECT e.org_id, e.email_id, e.type, e.recipient, e.created_at, COALESCE(m.test, FALSE) AS test
    FROM events AS e LEFT JOIN emails AS m ON m.org_id = e.org_id AND m.id = e.email_id
    WHERE (e.org_id, e.email_id) IN {keys}
        AND (e.stamp, e.seq) <= (CAST(:to_stamp AS bigint), CAST(:to_seq AS bigint))
    ORDER BY e.stamp, e.seq
    """,
    keys={"org_id": "text", "email_id": "text"},
)
_ADDRESSES = Statement(
    _Address,
    "SELECT org_id, email_id, address FROM recipients WHERE (org_id, email_id) IN {keys}",
    keys={"org_id": "text", "email_id": "text"},
)
_ADD_COUNTS = Change("""
    INSERT INTO daily_counts (org_id, day, unit, name, count) VALUES (:org_id, :day, :unit, :name, :count)
    ON CONFLICT (org_id, day, unit, name) DO UPDATE SET count = daily_counts.count + excluded.count
""")
_ADD_ADDRESSEES = Change("""
    INSERT INTO addressees (org_id, address, email_id) VALUES (:org_id, :address, :email_id)
    ON CONFLICT DO NOTHING
""")


class Counting(Follower):
    """Reads the log and moves the counters, each event once; `judge` judges the accounts by what it counts.

    Its place in a unit is stored in the same transaction as the counters, and only if it is still the place
    from which this process read: any number of processes may run one, no event is skipped and none counts
    twice.
    """

    def __init__(
        self,
        database: Database,
        writer: Writer,
        events_appended: Notifier,
        backpressure: Backpressure,
        judge: Judge,
        page_size: int = PAGE_SIZE,
    ) -> None:
        super().__init__(
            "statistics", events_appended, backpressure, gather_s=_GATHER_S, high_gather_s=_HIGH_GATHER_S
        )
        self._database = database
        self._writer = writer
        self._judge = judge
        self._page_size = page_size

    async def step(self) -> bool:
        """Reads a page of each unit and counts it; True if there may be more to read at once."""
        steps = await self._database.read(_next, self._page_size, self._judge)
        if steps is None:
            await self._writer.submit(READER.register, [None])
            return True
        await self._writer.submit(_advance, steps)
        if any(step.changes for step in steps):
            self._events_appended.notify()
        return any(len(step.page.entries) == self._page_size for step in steps)


@dataclass(frozen=True, slots=True)
class _Advance:
    """A page of the log, counted, and the addresses to which its emails went.

    `health` are counts for the health of accounts, and `changes` those of the states that follow.
    """

    page: log.Page
    counted: Counter[Counted]
    addressees: Sequence[_Addressee]
    health: Mapping[OrgHour, Counts]
    changes: Sequence[StateChange]


def _next(tx: Tx, page_size: int, judge: Judge) -> list[_Advance] | None:
    """The next page of each unit that has one, counted; None before the reader is registered."""
    places = READER.places(tx)
    if not places:
        return None
    found = []
    for page in log.pages(tx, places, page_size):
        # Events of accounts are not counted.
        of_emails = [entry for entry in page.entries if entry.email_id]
        counted, addressees, health = _count(tx, of_emails, page.start)
        found.append(_Advance(page, counted, addressees, health, judge.changes(tx, health)))
    return found


def _count(
    tx: Tx, entries: Sequence[EventRow], start: Place
) -> tuple[Counter[Counted], Sequence[_Addressee], Mapping[OrgHour, Counts]]:
    keys = {(entry.org_id, entry.email_id) for entry in entries}
    if not keys:
        return Counter(), [], {}
    addresses = _addresses(tx, keys)
    numbers = {key: len(of_email) for key, of_email in addresses.items()}
    earlier = _EARLIER.all(tx, keys, to_stamp=start.stamp, to_seq=start.seq)
    begun = {(entry.org_id, entry.email_id) for entry in entries if entry.type in _BEGINNINGS}
    addressees = [
        _Addressee(org_id, address.lower().encode(), email_id)
        for org_id, email_id in begun
        for address in addresses.get((org_id, email_id), ())
    ]
    # In one order, so that concurrent transactions do not wait for each other in a circle.
    return changes(earlier, entries, numbers), sorted(addressees), hourly_counts(earlier, entries)


def _addresses(tx: Tx, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], list[str]]:
    addresses: dict[tuple[str, str], list[str]] = {}
    for org_id, email_id, address in _ADDRESSES.all(tx, keys):
        addresses.setdefault((org_id, email_id), []).append(address)
    return addresses


def _advance(tx: Tx, steps: Sequence[_Advance]) -> list[bool]:
    """Moves the reader and the counters, both or neither; an act of the `Writer`.

    False: another process has moved the reader since, and nothing was changed.
    """
    return [_advance_one(tx, step) for step in steps]


def _advance_one(tx: Tx, step: _Advance) -> bool:
    page = step.page
    if not READER.move(tx, page.unit, page.start, page.to):
        return False
    _ADD_COUNTS.run(
        tx, [{**counted._asdict(), "count": count} for counted, count in sorted(step.counted.items())]
    )
    _ADD_ADDRESSEES.run(tx, [row._asdict() for row in step.addressees])
    health.add_counts(tx, step.health)
    for change in step.changes:
        # One whose state an operator has changed meanwhile is judged again with its next mail.
        health.change_state(tx, change)
    return True
