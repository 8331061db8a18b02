"""Records the outcomes of one delivery: in the journal around the final dot, then as results."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from server import failpoints
from server.clock import Clock
from server.delivery.clearance import Clearance
from server.delivery.deadlines import Deadline
from server.delivery.journal import Journal
from server.delivery.record import Attempt, Settlement
from server.delivery.sites import Job
from server.delivery.transport import LeaseLost
from server.delivery.verdict import Outcome, Verdict
from server.queue.rows import Claimed, LeaseKey
from server.work.lease import Leases

# Takes the results of attempts, as of a time in milliseconds since 1970 UTC.
Record: TypeAlias = Callable[[Iterable[tuple[Attempt, Outcome]], int], list[Settlement]]


class Recorder:
    """The `CommitHooks` of one job.

    `record` takes its results, and `recorded` are the numbers that have one; `held` are the rows that must
    wait until their organisation is no longer paused.
    """

    def __init__(
        self,
        job: Job,
        journal: Journal,
        leases: Leases[LeaseKey],
        deadline: Deadline,
        clock: Clock,
        clearance: Clearance,
        record: Record,
    ) -> None:
        self._clearance = clearance
        self._job = job
        self._journal = journal
        self._leases = leases
        self._deadline = deadline
        self._clock = clock
        self._record = record
        self._ended_ms: int | None = None
        self.recorded: set[int] = set()
        self.held: list[Claimed] = []

    async def before_mail(self, numbers: Sequence[int]) -> Mapping[int, Outcome]:
        """See `CommitHooks`."""
        recipients = {no: self._job.rows[no].key[:3] for no in numbers}
        refusals = await self._clearance.refusals(recipients.values())
        return {no: refusals[recipient] for no, recipient in recipients.items() if recipient in refusals}

    async def before_commit(self, numbers: Sequence[int]) -> None:
        """See `CommitHooks`."""
        self._deadline.lift()
        keys = [self._job.rows[no].key for no in numbers]
        await self._journal.dot(keys)
        # Checked last, as the disk may have taken its time.
        if not all(self._leases.holds(key) for key in keys):
            self._journal.undone(keys)
            raise LeaseLost

    def commit_withdrawn(self, numbers: Sequence[int]) -> None:
        """See `CommitHooks`."""
        self._deadline.restore()
        self._journal.undone([self._job.rows[no].key for no in numbers])

    def after_commit(self, outcomes: Mapping[int, Outcome]) -> None:
        """See `CommitHooks`."""
        failpoints.hit("engine.after_reply")
        self._deadline.restore()
        self._journal.done(self._settlements(outcomes))

    def rest(self, outcomes: Mapping[int, Outcome]) -> None:
        """Records the outcomes that were not recorded after the dot."""
        new = {no: outcome for no, outcome in outcomes.items() if no not in self.recorded}
        held = [no for no, outcome in new.items() if outcome.verdict is Verdict.HELD]
        self.held += [self._job.rows[no] for no in held]
        self.recorded.update(held)
        self._settlements({no: outcome for no, outcome in new.items() if no not in held})

    def unrecorded(self) -> list[LeaseKey]:
        """The rows of the job that have no result."""
        return [row.key for no, row in self._job.rows.items() if no not in self.recorded]

    def _settlements(self, outcomes: Mapping[int, Outcome]) -> list[Settlement]:
        self.recorded.update(outcomes)
        job = self._job
        if self._ended_ms is None:
            # One time for all recipients, so that those to be tried again are due together.
            self._ended_ms = self._clock.now_ms()
        results = (
            (Attempt.of(job.rows[no], job.addresses[no], job.accepted_at, job.site, alone=job.alone), outcome)
            for no, outcome in outcomes.items()
        )
        return self._record(results, self._ended_ms)
