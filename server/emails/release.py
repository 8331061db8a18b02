"""Scheduled emails whose time has come begin their delivery: judged once more, and counted today (C-25)."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row as Stored
from sqlalchemy import Select, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.clock import Clock
from server.db.engine import Database
from server.db.keys import among
from server.db.schema import attachments, domains, emails, outq, recipients
from server.db.writer import Writer
from server.emails.draft import Row, queue_row, shard_of, site_of, weight
from server.emails.store import forget_attachments
from server.events import log
from server.faults import BurstLimitExceeded
from server.quotas.rules import Periods, Standing, Used, charge
from server.quotas.store import recall_recipients, standings, write_usage
from server.suppressions.store import suppressed
from server.work.loop import Loop

_PAUSE_S = 0.5
_AT_ONCE = 200
# When an email is looked at again that cannot be sent now for a reason without an end of its own.
_LATER_MS = 600_000
# Why there was no attempt: an enhanced status code (RFC 3463 section 3.8), and its meaning here.
_NOT_VERIFIED = ("5.7.1", "not sent: its domain is not verified any more")
_SUPPRESSED = ("5.7.1", "the address was suppressed after the email was accepted")

_WAITING = (emails.c.status == "scheduled", emails.c.scheduled_at <= bindparam("now"))
_IS_ANY_DUE = select(emails.c.id).where(*_WAITING).limit(1)
# Whoever moves or cancels one of these waits for us, and another server takes others.
_DUE: Select[Any] = (
    select(emails.c.org_id, emails.c.id, emails.c.domain_id, emails.c.test)
    .where(*_WAITING)
    .order_by(emails.c.scheduled_at, emails.c.id)
    .limit(_AT_ONCE)
    .with_for_update(skip_locked=True)
)
_THIS_EMAIL = (emails.c.org_id == bindparam("b_org_id"), emails.c.id == bindparam("b_email_id"))
_SET_STATUS = update(emails).where(*_THIS_EMAIL).values(status=bindparam("b_status"))
_POSTPONE = update(emails).where(*_THIS_EMAIL).values(scheduled_at=bindparam("b_at"))
_SET_RECIPIENT = (
    update(recipients)
    .where(
        recipients.c.org_id == bindparam("b_org_id"),
        recipients.c.email_id == bindparam("b_email_id"),
        recipients.c.no == bindparam("b_no"),
    )
    .values(
        status=bindparam("b_status"),
        reply_status=bindparam("b_enhanced"),
        reply_text=bindparam("b_text"),
        updated_at=bindparam("b_now"),
    )
)

Pair = tuple[str, str]


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
        async with self._database.read() as connection:
            if (await connection.execute(_IS_ANY_DUE, {"now": now_ms})).first() is None:
                return False
        count = await self._writer.run(lambda connection: release(connection, now_ms, self._slow_start))
        if count:
            self._on_released()
        return count == _AT_ONCE


async def release(connection: AsyncConnection, now_ms: int, slow_start: Sequence[int] = ()) -> int:
    """Releases the emails that are due, and returns how many were looked at.

    One that does not fit into a quota waits until that has room again; one whose organisation may not
    send now, for a while. Recipients that were suppressed meanwhile are skipped.
    """
    due = (await connection.execute(_DUE, {"now": now_ms})).all()
    if due:
        scene = await _scene(connection, due, now_ms, slow_start)
        changes = _Changes(now_ms)
        for email in due:
            _decide(email, scene, changes)
        await _write(connection, changes)
        await write_usage(connection, scene.charged(), scene.periods)
    return len(due)


@dataclass(slots=True)
class _Scene:
    """What the store says about the emails that are due, their organisations and recipients."""

    periods: Periods
    standings: dict[str, tuple[Standing, Used]]
    recipients: dict[Pair, list[Stored[Any]]]
    suppressed: set[Pair]
    verified: set[Pair]
    attached: dict[Pair, int]
    touched: set[str] = field(default_factory=set)
    # How many emails of each organisation the burst limit holds up.
    behind: Counter[str] = field(default_factory=Counter)

    def charged(self) -> dict[str, Used]:
        return {org_id: self.standings[org_id][1] for org_id in sorted(self.touched)}


@dataclass(slots=True)
class _Changes:
    """What is to be written."""

    now_ms: int
    emails: list[Row] = field(default_factory=list)
    postponed: list[Row] = field(default_factory=list)
    recipients: list[Row] = field(default_factory=list)
    queue: list[Row] = field(default_factory=list)
    entries: list[log.Entry] = field(default_factory=list)
    # Of these nothing is delivered.
    ended: list[Pair] = field(default_factory=list)

    def settle(self, key: Pair, status: str, people: Sequence[Stored[Any]], reason: Pair) -> None:
        """Ends recipients without an attempt, and tells why."""
        enhanced, text = reason
        self.recipients += [_recipient(row, status, self.now_ms, reason) for row in people]
        self.entries += [
            log.Entry(
                org_id=key[0],
                email_id=key[1],
                type=f"email.{status}",
                created_at=self.now_ms,
                recipient=row.address,
                reply_status=enhanced,
                reply_text=text,
            )
            for row in people
        ]

    def end(self, key: Pair, status: str) -> None:
        """Ends an email as a whole."""
        self.emails.append({"b_org_id": key[0], "b_email_id": key[1], "b_status": status})
        self.ended.append(key)


async def _scene(
    connection: AsyncConnection, due: Sequence[Stored[Any]], now_ms: int, slow_start: Sequence[int]
) -> _Scene:
    keys = [(row.org_id, row.id) for row in due]
    periods = Periods.of(now_ms)
    found = await standings(
        connection, {org_id for org_id, _ in keys}, periods, now_ms, slow_start=slow_start, lock=True
    )
    people: dict[Pair, list[Stored[Any]]] = defaultdict(list)
    of_emails = among(connection, (recipients.c.org_id, recipients.c.email_id), keys)
    query = select(recipients).where(of_emails, recipients.c.status == "scheduled")
    for row in await connection.execute(query.order_by(recipients.c.email_id, recipients.c.no)):
        people[row.org_id, row.email_id].append(row)
    addresses = {(row.org_id, row.address.lower()) for rows in people.values() for row in rows}
    capped = {
        org_id: [address for owner, address in addresses if owner == org_id]
        for org_id, (standing, _) in found.items()
        if standing.limits.unique is not None
    }
    for org_id, seen in (await recall_recipients(connection, capped, periods.month)).items():
        found[org_id][1].seen = seen
    senders = among(
        connection, (domains.c.org_id, domains.c.id), {(row.org_id, row.domain_id) for row in due}
    )
    verified = await connection.execute(
        select(domains.c.org_id, domains.c.id).where(senders, domains.c.verified)
    )
    of = (attachments.c.org_id, attachments.c.email_id)
    sizes = await connection.execute(
        select(*of, func.count(), func.sum(attachments.c.size))
        .where(among(connection, of, keys))
        .group_by(*of)
    )
    return _Scene(
        periods,
        found,
        people,
        await suppressed(connection, addresses, now_ms),
        {(org_id, domain_id) for org_id, domain_id in verified},
        {(org_id, email_id): weight(count, int(size)) for org_id, email_id, count, size in sizes},
    )


def _decide(email: Stored[Any], scene: _Scene, changes: _Changes) -> None:
    key = (email.org_id, email.id)
    people = scene.recipients[key]
    if (email.org_id, email.domain_id) not in scene.verified:
        changes.settle(key, "failed", people, _NOT_VERIFIED)
        changes.end(key, "failed")
        return
    skipped = [row for row in people if (row.org_id, row.address.lower()) in scene.suppressed]
    wanted = [row for row in people if row not in skipped]
    if not wanted:
        changes.settle(key, "suppressed", skipped, _SUPPRESSED)
        changes.end(key, "suppressed")
        return
    at_ms = _room_at(email, {row.address.lower() for row in wanted}, scene, changes.now_ms)
    if at_ms is not None:
        changes.postponed.append({"b_org_id": email.org_id, "b_email_id": email.id, "b_at": at_ms})
        return
    now_ms, shard = changes.now_ms, shard_of(email.org_id)
    changes.emails.append({"b_org_id": email.org_id, "b_email_id": email.id, "b_status": "queued"})
    changes.recipients += [_recipient(row, "queued", now_ms) for row in wanted]
    changes.entries.append(
        log.Entry(org_id=email.org_id, email_id=email.id, type="email.sent", created_at=now_ms)
    )
    changes.settle(key, "suppressed", skipped, _SUPPRESSED)
    attached = scene.attached.get(key, 0)
    changes.queue += [
        queue_row(*key, row.no, shard, site_of(row.address.rpartition("@")[2], test=email.test), now_ms)
        | {"attached": attached}
        for row in wanted
    ]


def _room_at(email: Stored[Any], addresses: set[str], scene: _Scene, now_ms: int) -> int | None:
    """When to try again, if the email may not be sent now; else None, and it is counted."""
    standing, used = scene.standings[email.org_id]
    if standing.may_send() is not None or standing.may_write_to(addresses) is not None:
        return now_ms + _LATER_MS
    if email.test:
        return None
    fault = charge(used, standing.limits, addresses, scene.periods, now_ms)
    if fault is None:
        scene.touched.add(email.org_id)
        return None
    wait_ms = _LATER_MS if fault.retry_after_s is None else max(1, round(fault.retry_after_s * 1000))
    if isinstance(fault, BurstLimitExceeded):
        # Spread over the seconds that they will take: not all of them are looked at in each.
        wait_ms += scene.behind[email.org_id] // (standing.limits.burst or 1) * 1000
        scene.behind[email.org_id] += 1
    return now_ms + wait_ms


def _recipient(
    row: Stored[Any], status: str, now_ms: int, reason: tuple[str | None, str | None] = (None, None)
) -> Row:
    return {
        "b_org_id": row.org_id,
        "b_email_id": row.email_id,
        "b_no": row.no,
        "b_status": status,
        "b_enhanced": reason[0],
        "b_text": reason[1],
        "b_now": now_ms,
    }


async def _write(connection: AsyncConnection, changes: _Changes) -> None:
    for statement, rows in (
        (_SET_STATUS, changes.emails),
        (_POSTPONE, changes.postponed),
        (_SET_RECIPIENT, changes.recipients),
        (insert(outq), changes.queue),
    ):
        if rows:
            await connection.execute(statement, rows)
    await forget_attachments(connection, changes.ended)
    await log.append(connection, changes.entries)
