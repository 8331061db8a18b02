"""Records the outcomes of one delivery: in the journal around the final dot, then as results."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from server import failpoints
from server.delivery.journal import Journal
from server.delivery.record import Attempt, Settlement
from server.delivery.sites import Job
from server.delivery.transport import LeaseLost
from server.delivery.verdict import Outcome
from server.queue.rows import LeaseKey
from server.work.lease import Leases


class Recorder:
    """The `CommitHooks` of one job. `record` takes its results; `recorded` are the numbers that have one."""

    def __init__(
        self,
        job: Job,
        journal: Journal,
        leases: Leases[LeaseKey],
        record: Callable[[Iterable[tuple[Attempt, Outcome]]], list[Settlement]],
    ) -> None:
        self._job = job
        self._journal = journal
        self._leases = leases
        self._record = record
        self.recorded: set[int] = set()

    async def before_commit(self, numbers: Sequence[int]) -> None:
        """See `CommitHooks`."""
        keys = [self._job.rows[no].key for no in numbers]
        await self._journal.dot(keys)
        # Checked last, as the disk may have taken its time.
        if not all(self._leases.holds(key) for key in keys):
            self._journal.undone(keys)
            raise LeaseLost

    def commit_withdrawn(self, numbers: Sequence[int]) -> None:
        """See `CommitHooks`."""
        self._journal.undone([self._job.rows[no].key for no in numbers])

    def after_commit(self, outcomes: Mapping[int, Outcome]) -> None:
        """See `CommitHooks`."""
        failpoints.hit("engine.after_reply")
        self._journal.done(self._settlements(outcomes))

    def rest(self, outcomes: Mapping[int, Outcome]) -> None:
        """Records the outcomes that were not recorded after the dot."""
        self._settlements({no: outcome for no, outcome in outcomes.items() if no not in self.recorded})

    def unrecorded(self) -> list[LeaseKey]:
        """The rows of the job that have no result."""
        return [row.key for no, row in self._job.rows.items() if no not in self.recorded]

    def _settlements(self, outcomes: Mapping[int, Outcome]) -> list[Settlement]:
        self.recorded.update(outcomes)
        job = self._job
        return self._record(
            (Attempt.of(job.rows[no], job.addresses[no], job.accepted_at, alone=job.alone), outcome)
            for no, outcome in outcomes.items()
        )
