"""Scheduled emails that are due begin their delivery: they pass admission again, and count today (C-25)."""

from collections.abc import Sequence
from typing import NamedTuple

from server.clock import Clock
from server.db.database import Database
from server.db.tx import Tx
from server.db.writer import Writer
from server.emails.admission import Admission, Refusal
from server.emails.candidate import Candidate, Facts
from server.emails.due import Changes, DueEmail, ScheduledRecipient, is_any_due, read_due, write
from server.emails.facts import read_facts
from server.emails.hindrance import PAUSED, POLICY, Hindrance, hindrance
from server.emails.transitions import Reply
from server.quotas.store import write_usage
from server.work.loop import Loop
from server.work.notifier import Notifier

_PAUSE_S = 0.5
# The pause before the next try for an email whose reason to wait has no end of its own.
_LATER_MS = 600_000


class Releaser:
    """Releases due emails, a list at a time.

    `mail_queued` and `events_appended` are notified after each commit.
    """

    def __init__(
        self,
        database: Database,
        writer: Writer,
        clock: Clock,
        mail_queued: Notifier,
        events_appended: Notifier,
        slow_start: Sequence[int] = (),
    ) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._mail_queued = mail_queued
        self._events_appended = events_appended
        self._slow_start = slow_start
        # The organisation whose turn was last.
        self._after = ""
        self._loop = Loop("releaser", self._step, pause_s=_PAUSE_S)

    async def start(self) -> None:
        """Begins to release."""
        self._loop.start()

    async def stop(self) -> None:
        """Finishes the release in progress."""
        await self._loop.stop()

    async def _step(self) -> bool:
        now_ms = self._clock.now_ms()
        if not await self._database.read(is_any_due, now_ms):
            return False
        released = await self._writer.run(release, now_ms, self._slow_start, self._after)
        self._after = released.after
        if released.emails:
            self._mail_queued.notify()
            self._events_appended.notify()
        return bool(released.emails or released.after)


class Released(NamedTuple):
    """The number of emails that were decided about, and the organisation after which the next turn is."""

    emails: int
    after: str


def release(tx: Tx, now_ms: int, slow_start: Sequence[int] = (), after: str = "") -> Released:
    """Releases emails that are due, of organisations in turn, from the first one after `after` on.

    An email that exceeds a quota waits until the quota has room again; one whose organisation is paused, for
    a while. Mail of a banned organisation, or whose domain is no longer verified, fails (contract row C-86).
    Recipients that have been suppressed since are skipped.
    """
    due, last = read_due(tx, now_ms, after)
    if not due:
        return Released(0, last)
    candidates = [email.candidate() for email in due]
    facts = read_facts(
        tx, "release", candidates, {email.org_id for email in due}, now_ms, slow_start=slow_start
    )
    admission = Admission(facts)
    changes = Changes(now_ms)
    for email, candidate in zip(due, candidates, strict=True):
        _decide(email, candidate, admission, facts, changes)
    write(tx, changes)
    write_usage(tx, admission.usage(), facts.periods)
    return Released(len(due), last)


def _decide(
    email: DueEmail, candidate: Candidate, admission: Admission, facts: Facts, changes: Changes
) -> None:
    """Queues the recipients that may still get an email and ends the others, or gives it another time."""
    found = {row: _hindrance(row, candidate, facts) for row in email.recipients}
    left = [row for row, reason in found.items() if reason is None]
    if PAUSED in found.values():
        changes.postpone(email, changes.now_ms + _LATER_MS)
        return
    if left and isinstance(decision := admission.decide(candidate, "release"), Refusal):
        retry_after_s = decision.fault.retry_after_s
        wait_ms = _LATER_MS if retry_after_s is None else max(1, round(retry_after_s * 1000))
        changes.postpone(email, changes.now_ms + wait_ms)
        return
    changes.queue(email, left)
    for row, reason in found.items():
        if reason is not None and reason.ends_as is not None:
            changes.end([row], reason.ends_as, Reply(status=POLICY, text=reason.text))


def _hindrance(row: ScheduledRecipient, candidate: Candidate, facts: Facts) -> Hindrance | None:
    account, _ = facts.accounts[row.org_id]
    return hindrance(
        account.standing.state,
        is_verified=all((row.org_id, domain) in facts.domain_ids for domain in candidate.domains),
        is_suppressed=(row.org_id, row.address.lower()) in facts.suppressed,
    )
