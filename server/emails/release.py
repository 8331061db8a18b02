"""Scheduled emails that are due begin their delivery: judged once more, and counted today (C-25)."""

from collections.abc import Callable, Sequence

from server.clock import Clock
from server.db.database import Database
from server.db.tx import Tx
from server.db.writer import Writer
from server.emails.draft import queue_row, shard_of, site_of
from server.emails.due import (
    MAX_RELEASED,
    Changes,
    DueEmail,
    Reason,
    ReleaseInput,
    is_any_due,
    read_due,
    write,
)
from server.events import log
from server.quotas.faults import BurstLimitExceeded
from server.quotas.rules import charge
from server.quotas.store import write_usage
from server.work.loop import Loop

_PAUSE_S = 0.5
# The pause before the next try for an email whose reason to wait has no end of its own.
_LATER_MS = 600_000
# RFC 3463 section 3.8.
_NOT_VERIFIED = Reason("5.7.1", "not sent: its domain is not verified any more")
_SUPPRESSED = Reason("5.7.1", "the address was suppressed after the email was accepted")


class Releaser:
    """Releases due emails, a list at a time; `on_released` is called after each commit."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        clock: Clock,
        on_released: Callable[[], None],
        slow_start: Sequence[int] = (),
    ) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._on_released = on_released
        self._slow_start = slow_start
        self._loop = Loop("releaser", self._step, pause_s=_PAUSE_S)

    def start(self) -> None:
        """Begins to release."""
        self._loop.start()

    async def stop(self) -> None:
        """Finishes the release in progress."""
        await self._loop.stop()

    async def _step(self) -> bool:
        now_ms = self._clock.now_ms()
        if not await self._database.read(is_any_due, now_ms):
            return False
        count = await self._writer.run(release, now_ms, self._slow_start)
        if count:
            self._on_released()
        return count == MAX_RELEASED


def release(tx: Tx, now_ms: int, slow_start: Sequence[int] = ()) -> int:
    """Releases the emails that are due; the number of emails that were judged.

    An email that exceeds a quota waits until the quota has room again; one whose organisation may not send
    now, for a while. Recipients that have been suppressed since are skipped.
    """
    given = read_due(tx, now_ms, slow_start)
    if given is None:
        return 0
    changes = Changes(now_ms)
    for email in given.due:
        _judge(email, given, changes)
    write(tx, changes)
    write_usage(tx, given.usage(), given.periods)
    return len(given.due)


def _judge(email: DueEmail, given: ReleaseInput, changes: Changes) -> None:
    key = (email.org_id, email.id)
    people = given.recipients[key]
    if (email.org_id, email.domain_id) not in given.verified:
        changes.end(key, people, "failed", _NOT_VERIFIED)
        return
    skipped = [row for row in people if (row.org_id, row.address.lower()) in given.suppressed]
    wanted = [row for row in people if row not in skipped]
    if not wanted:
        changes.end(key, skipped, "suppressed", _SUPPRESSED)
        return
    at_ms = _later(email, {row.address.lower() for row in wanted}, given, changes.now_ms)
    if at_ms is not None:
        changes.postpone(key, at_ms)
        return
    now_ms, shard = changes.now_ms, shard_of(email.org_id)
    changes.set_status(key, "queued")
    changes.set_recipients(wanted, "queued")
    changes.entries.append(
        log.Entry(org_id=email.org_id, email_id=email.id, type="email.sent", created_at=now_ms)
    )
    changes.settle(skipped, "suppressed", _SUPPRESSED)
    attached = given.attached.get(key, 0)
    changes.queue += [
        queue_row(*key, row.no, shard, site_of(row.address.rpartition("@")[2], test=email.test), now_ms)
        | {"attached": attached}
        for row in wanted
    ]


def _later(email: DueEmail, addresses: set[str], given: ReleaseInput, now_ms: int) -> int | None:
    """The time for the next try, if the email may not be sent now; else None, and the email is charged."""
    account, used = given.accounts[email.org_id]
    if account.may_send() is not None or account.may_write_to(addresses) is not None:
        return now_ms + _LATER_MS
    if email.test:
        return None
    fault = charge(used, account.limits, addresses, given.periods, now_ms)
    if fault is None:
        given.charged.add(email.org_id)
        return None
    wait_ms = _LATER_MS if fault.retry_after_s is None else max(1, round(fault.retry_after_s * 1000))
    if isinstance(fault, BurstLimitExceeded):
        # Spread over the seconds that they will take, so that not all of them are judged in each second.
        wait_ms += given.over_burst[email.org_id] // (account.limits.burst or 1) * 1000
        given.over_burst[email.org_id] += 1
    return now_ms + wait_ms
