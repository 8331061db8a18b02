"""Makes jobs of claimed rows: loads, builds and signs messages, and groups recipients into envelopes."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from server.delivery.journal import Journal
from server.delivery.memory_budget import LARGE
from server.delivery.prepare import Preparer, Unpreparable
from server.delivery.record import Attempt
from server.delivery.sites import Job
from server.delivery.store import LeasedQueue
from server.delivery.stored import Stored
from server.delivery.transport import Transport
from server.delivery.verdict import Outcome, Verdict, impossible, unreachable
from server.queue.rows import Claimed, LeaseKey
from server.work.lease import Leases

# RFC 5321 section 4.5.3.1.8: every server takes as many recipients of one message.
_MAX_RECIPIENTS = 100
# The expected memory of a list of rows, in bytes, and the most messages in it.
_LIST_BYTES = 8 * 2**20
_MAX_LIST = 64


@dataclass(slots=True)
class Loaded:
    """The results of loading claimed rows.

    Jobs, recipients that may not be sent to any more or whose message cannot be built, rows to be held, and
    rows without an email.
    """

    jobs: list[Job] = field(default_factory=list)
    refused: list[tuple[Attempt, Outcome]] = field(default_factory=list)
    held: list[Claimed] = field(default_factory=list)
    missing: list[LeaseKey] = field(default_factory=list)


class Loader:
    """Makes jobs of claimed rows."""

    def __init__(
        self,
        queue: LeasedQueue,
        preparer: Preparer,
        journal: Journal,
        transport: Transport,
        leases: Leases[LeaseKey],
    ) -> None:
        self._queue = queue
        self._leases = leases
        self._preparer = preparer
        self._journal = journal
        self._transport = transport
        self._list_size = _MAX_LIST
        self._lists: deque[list[Claimed]] = deque()

    def add(self, rows: Iterable[Claimed]) -> None:
        """Adds claimed rows to those that wait to be loaded.

        Of organisations that wait each has its part of the time. Large messages are loaded between lists of
        the others, each alone because of the memory it takes; so are messages that killed their deliverer
        before, so that no other is blamed.
        """
        waiting = [*self.clear(), *rows]
        sound = [row for row in waiting if row.crashes == 0]
        costs = self._preparer.costs
        usual = costs.lists([row for row in sound if row.attached <= LARGE], self._list_size)
        large = costs.lists([row for row in sound if row.attached > LARGE], 1)
        crashed = [[row] for row in waiting if row.crashes > 0]
        for pair in zip_longest(usual, [*large, *crashed]):
            self._lists.extend(filter(None, pair))

    def next_list(self) -> list[Claimed] | None:
        """The rows to be loaded next, which do not wait any more; None if no row waits."""
        return self._lists.popleft() if self._lists else None

    def clear(self) -> list[Claimed]:
        """The rows that wait, which then do so no more."""
        rows = [row for rows in self._lists for row in rows]
        self._lists.clear()
        return rows

    async def load(self, rows: Sequence[Claimed]) -> Loaded:
        """Builds the messages of these rows; one that cannot be built does not hold up the others."""
        stored, refusals = await self._queue.load(rows)
        loaded = Loaded()
        by_email: dict[tuple[str, str], list[Claimed]] = {}
        for row in rows:
            outcome = refusals.get(row.key[:3])
            if outcome is None:
                by_email.setdefault(row.key[:2], []).append(row)
            elif outcome.verdict is Verdict.HELD:
                loaded.held.append(row)
            else:
                loaded.refused.append((self._attempt(row, stored[row.key[:2]]), outcome))
        known = [pair for pair in by_email if pair in stored]
        keys = [row.key for pair in known for row in by_email[pair]]
        self._journal.preparing(keys)
        letters = await self._preparer.prepare([stored[pair] for pair in known])
        self._journal.prepared(keys)
        for pair, letter in zip(known, letters, strict=True):
            email = stored[pair]
            claimed = by_email.pop(pair)
            if isinstance(letter, Unpreparable):
                outcome = _refusal(letter)
                loaded.refused += [(self._attempt(row, email), outcome) for row in claimed]
                continue
            for site, group in self._envelopes(claimed, email.kinds):
                by_no = {row.key.no: row for row in group}
                addresses = {no: email.addresses[no] for no in by_no}
                loaded.jobs.append(Job(letter, site, email.accepted_at, email.alone, by_no, addresses))
        loaded.missing = [row.key for left in by_email.values() for row in left]
        self._adapt(loaded.jobs)
        return loaded

    def _envelopes(
        self, rows: Sequence[Claimed], kinds: Mapping[int, str]
    ) -> Iterable[tuple[str, list[Claimed]]]:
        """Recipients that share an SMTP transaction: those of the same site, and each Bcc apart.

        A receiver's trace must not show one recipient who else got a blind copy.
        """
        shown: dict[str, list[Claimed]] = {}
        for row in rows:
            site = self._transport.site_of(row.site)
            if kinds[row.key.no] == "bcc":
                yield site, [row]
            else:
                shown.setdefault(site, []).append(row)
        for site, group in shown.items():
            for start in range(0, len(group), _MAX_RECIPIENTS):
                yield site, group[start : start + _MAX_RECIPIENTS]

    def _attempt(self, row: Claimed, email: Stored) -> Attempt:
        site = self._transport.site_of(row.site)
        return Attempt.of(row, email.addresses[row.key.no], email.accepted_at, site, alone=email.alone)

    def _adapt(self, jobs: Sequence[Job]) -> None:
        """Sets the size of the next lists by these messages; large ones are loaded alone in any case."""
        sizes = [size for job in jobs if (size := len(job.letter.content)) <= LARGE]
        if sizes:
            average = sum(sizes) // len(sizes)
            self._list_size = max(1, min(_MAX_LIST, _LIST_BYTES // max(1, average)))


def _refusal(letter: Unpreparable) -> Outcome:
    if letter.permanent:
        return impossible("5.6.0", f"the message cannot be built: {letter.reason}")
    return unreachable("4.3.0", f"the message could not be built: {letter.reason}")
