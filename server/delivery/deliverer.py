"""One attempt to deliver a job: the transport, its deadline, and the record of its outcomes."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog

from server.clock import Clock
from server.delivery.clearance import Clearance
from server.delivery.deadlines import Deadline, Deadlines
from server.delivery.journal import Journal
from server.delivery.recorder import Record, Recorder
from server.delivery.sites import Job
from server.delivery.transport import LeaseLost, Transport
from server.delivery.verdict import Outcome, Verdict, unanswered, unreachable
from server.faults import Unavailable
from server.net.descriptors import is_exhaustion
from server.owner import working_for
from server.queue.rows import Claimed, LeaseKey
from server.work.lease import Leases

# Thousands of deliveries may lack the same thing.
_WARN_EVERY_S = 10.0
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of an attempt: rows that got no result, and the answer of the site.

    The leases of `lost` are gone; `postponed` were not attempted, as this machine lacks something; `held`
    wait until their organisation is no longer paused. `answered` is None if the site was not spoken to.
    """

    answered: bool | None = None
    lost: Sequence[LeaseKey] = ()
    postponed: Sequence[Claimed] = ()
    held: Sequence[Claimed] = ()


class Deliverer:
    """Makes attempts; `record` takes their results. `unfinished` are rows of attempts that were cancelled."""

    def __init__(
        self,
        transport: Transport,
        journal: Journal,
        leases: Leases[LeaseKey],
        deadlines: Deadlines,
        clock: Clock,
        clearance: Clearance,
        record: Record,
    ) -> None:
        self._clearance = clearance
        self._transport = transport
        self._journal = journal
        self._leases = leases
        self._deadlines = deadlines
        self._clock = clock
        self._record = record
        self._warned_at = -_WARN_EVERY_S
        self.unfinished: list[LeaseKey] = []

    async def deliver(self, job: Job) -> Ended:
        """Makes an attempt for all recipients of a job, and records every outcome."""
        deadline = self._deadlines.of(len(job.letter.content))
        recorder = Recorder(
            job, self._journal, self._leases, deadline, self._clock, self._clearance, self._record
        )
        try:
            with working_for(job.org_id):
                async with deadline:
                    outcomes = await self._transport.deliver(job.letter, job.addresses, job.site, recorder)
        except LeaseLost:
            _log.warning("a lease was lost before the message was sent", email_id=job.letter.email_id)
            return Ended(lost=recorder.unrecorded())
        except asyncio.CancelledError:
            # Messages sent without a reply keep their leases: the next engine finds them in the journal.
            self.unfinished += [key for key in recorder.unrecorded() if not self._journal.is_uncertain(key)]
            raise
        except Exception as error:
            return self._broke(job, recorder, error, deadline)
        recorder.rest(outcomes)
        return Ended(_answered(outcomes.values()), held=recorder.held)

    def _broke(self, job: Job, recorder: Recorder, error: Exception, deadline: Deadline) -> Ended:
        """Records the end of an attempt that raised an error."""
        if isinstance(error, Unavailable) or is_exhaustion(error):
            return self._exhausted(job, recorder, error)
        if deadline.has_passed:
            failed = unreachable("4.4.2", f"the attempt was ended: no result within {deadline.seconds:.0f} s")
        else:
            _log.exception("a delivery failed", email_id=job.letter.email_id, site=job.site)
            failed = unreachable("4.3.0", f"the delivery failed: {type(error).__name__}")
        recorder.rest({key.no: self._outcome(key, error, failed) for key in recorder.unrecorded()})
        return Ended(answered=False if deadline.has_passed else None)

    def _exhausted(self, job: Job, recorder: Recorder, error: Exception) -> Ended:
        """The end of an attempt for which this machine had no means: only this machine failed."""
        now = self._leases.now()
        if now - self._warned_at >= _WARN_EVERY_S:
            self._warned_at = now
            _log.warning("deliveries are put off: this machine has too few resources", reason=str(error))
        postponed = []
        for key in recorder.unrecorded():
            if self._journal.is_uncertain(key):
                recorder.rest({key.no: _broken_off(error)})
            else:
                postponed.append(job.rows[key.no])
        return Ended(postponed=postponed)

    def _outcome(self, key: LeaseKey, error: Exception, failed: Outcome) -> Outcome:
        return _broken_off(error) if self._journal.is_uncertain(key) else failed


def _broken_off(error: Exception) -> Outcome:
    return unanswered(f"the delivery broke off: {type(error).__name__}", "")


def _answered(outcomes: Iterable[Outcome]) -> bool | None:
    """True if any host replied, False if all were silent; None if none was tried."""
    found = list(outcomes)
    if any(outcome.code for outcome in found):
        return True
    return False if any(outcome.verdict is Verdict.DEFERRED for outcome in found) else None
