"""Scheduled emails that are due begin their delivery: they pass admission again, and count today (C-25)."""

from collections.abc import Sequence, Set
from typing import NamedTuple

from server.clock import Clock
from server.db.database import Database
from server.db.tx import Tx
from server.db.writer import Writer
from server.emails.admission import Admission, Admitted, Refusal
from server.emails.due import Changes, DueEmail, is_any_due, read_due, write
from server.emails.facts import read_facts
from server.emails.lifecycle import BANNED, NO_DOMAIN, POLICY, SUPPRESSED
from server.emails.transitions import Reply
from server.quotas.store import write_usage
from server.work.loop import Loop
from server.work.notifier import Notifier

_PAUSE_S = 0.5
# The pause before the next try for an email whose reason to wait has no end of its own.
_LATER_MS = 600_000
_NOT_VERIFIED = Reply(status=POLICY, text=NO_DOMAIN)
_BANNED = Reply(status=POLICY, text=BANNED)
_SUPPRESSED = Reply(status=POLICY, text=SUPPRESSED)


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
        decision = admission.decide(candidate, "release")
        if isinstance(decision, Refusal):
            _refuse(email, decision, changes)
        elif isinstance(decision, Admitted):
            _begin(email, decision.skipped, changes)
    write(tx, changes)
    write_usage(tx, admission.usage(), facts.periods)
    return Released(len(due), last)


def _begin(email: DueEmail, addresses: Set[str], changes: Changes) -> None:
    """Queues an email, but for its recipients with these `addresses`, which are suppressed."""
    skipped = [row for row in email.recipients if row.address.lower() in addresses]
    changes.queue(email, [row for row in email.recipients if row not in skipped])
    changes.end(skipped, "suppressed", _SUPPRESSED)


def _refuse(email: DueEmail, refusal: Refusal, changes: Changes) -> None:
    """Ends an email that can never be sent; gives any other one the time of its next try."""
    if refusal.rule == "domain":
        changes.end(email.recipients, "failed", _NOT_VERIFIED)
    elif refusal.rule == "suppression":
        changes.end(email.recipients, "suppressed", _SUPPRESSED)
    elif refusal.rule == "account" and refusal.fault.metadata["state"] == "banned":
        changes.end(email.recipients, "failed", _BANNED)
    else:
        retry_after_s = refusal.fault.retry_after_s
        wait_ms = _LATER_MS if retry_after_s is None else max(1, round(retry_after_s * 1000))
        changes.postpone(email, changes.now_ms + wait_ms)
