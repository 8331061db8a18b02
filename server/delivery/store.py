"""The delivery queue in the store: claiming, renewing, settling, a list at a time.

A row belongs to whoever's id and token it carries. Everything that records a result names both, so a
result that comes after the row was taken over changes nothing (fencing).
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.clock import Clock
from server.db.engine import Database
from server.db.schema import emails, outq, recipients
from server.db.writer import Writer
from server.delivery import statements as sql
from server.delivery.rows import Claimed, Key, Leftover, Release, Settlement, Stored
from server.emails.lifecycle import email_status
from server.emails.store import forget_attachments
from server.events import log
from server.suppressions.bounces import Bounce, suppress_bounced
from server.suppressions.store import suppressed

# How many shards one claim visits: each costs a statement, and the next claim visits the next ones.
LANES_AT_ONCE = 16
# Each class of priority gets at least one row of so many, however much more urgent mail there is.
_PART_OF_EACH_CLASS = 8
# So often may a holder of the lease die with a row before it is given up: it probably kills its deliverer.
MAX_CRASHES = 5


class Queue:
    """The delivery queue as one engine, known by its id `owner`, sees it."""

    def __init__(self, database: Database, writer: Writer, clock: Clock, owner: str, lease_s: float) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._lease_ms = round(lease_s * 1000)
        self._next_lane = 0
        self.owner = owner

    async def claim(self, limit: int) -> list[Claimed]:
        """Up to `limit` due rows, now leased to us: each organisation's shard in turn, urgent mail first."""
        return (await self._writer.submit(self._claim, [limit]))[0]

    async def renew(self, keys: list[Key]) -> list[Key]:
        """Extends the leases; returns the keys of the rows that are still ours."""
        kept = await self._writer.submit(self._renew, keys)
        return [key for key, ours in zip(keys, kept, strict=True) if ours]

    async def settle(self, settlements: Sequence[Settlement]) -> Sequence[bool]:
        """Records attempts with their events; False for each row that was no longer ours."""
        return await self._writer.submit(self._settle, settlements)

    async def release(self, releases: Sequence[Release]) -> Sequence[bool]:
        """Gives rows back; False for each that was no longer ours."""
        return await self._writer.submit(self._release, releases)

    async def load(
        self, keys: Collection[tuple[str, str]], with_files: Collection[tuple[str, str]] = ()
    ) -> dict[tuple[str, str], Stored]:
        """The emails with these organisations and ids; those of `with_files` have attachments."""
        given = _json(keys)

        async def read(connection: AsyncConnection) -> dict[tuple[str, str], Stored]:
            found = await sql.EMAILS.rows(connection, {"keys": given})
            stored = {(row.org_id, row.id): Stored(row, {}, {}, set(), []) for row in found}
            for row in await sql.RECIPIENTS.rows(connection, {"keys": given}):
                email = stored.get((row.org_id, row.email_id))
                if email is not None:
                    email.addresses[row.no] = row.address
                    email.kinds[row.no] = row.kind
            await self._mark_suppressed(connection, stored)
            if with_files:
                for row in await sql.ATTACHMENTS.rows(connection, {"keys": _json(with_files)}):
                    if (email := stored.get((row.org_id, row.email_id))) is not None:
                        email.files.append(row)
            return stored

        return await self._database.look(read)

    async def _mark_suppressed(
        self, connection: AsyncConnection, stored: dict[tuple[str, str], Stored]
    ) -> None:
        recipients = [
            (email, no, (org_id, address.lower()))
            for (org_id, _), email in stored.items()
            for no, address in email.addresses.items()
        ]
        found = await suppressed(connection, {pair for _, _, pair in recipients}, self._clock.now_ms())
        for email, no, pair in recipients:
            if pair in found:
                email.suppressed.add(no)

    async def leftovers(self, owner: str) -> list[Leftover]:
        """The rows that `owner`, who is gone, still holds."""
        return await self._leftovers(outq.c.lease_until.is_not(None) & (outq.c.lease_owner == owner))

    async def expired(self, limit: int) -> list[Leftover]:
        """Rows whose leases have run out, whoever held them; the oldest first."""
        return await self._leftovers(outq.c.lease_until < self._clock.now_ms(), limit)

    async def _leftovers(self, condition: Any, limit: int | None = None) -> list[Leftover]:
        query = (
            select(
                outq,
                recipients.c.address,
                func.coalesce(emails.c.scheduled_at, emails.c.created_at).label("begins_at"),
            )
            .join(
                recipients,
                (recipients.c.org_id == outq.c.org_id)
                & (recipients.c.email_id == outq.c.email_id)
                & (recipients.c.no == outq.c.no),
            )
            .join(emails, (emails.c.org_id == outq.c.org_id) & (emails.c.id == outq.c.email_id))
            .where(condition)
            .order_by(outq.c.lease_until)
            .limit(limit)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return [
            Leftover(
                Key(row.org_id, row.email_id, row.no, row.lease_token, row.lease_owner),
                row.address,
                row.begins_at,
                row.attempts,
                row.crashes,
                row.uncertain,
            )
            for row in rows
        ]

    async def _claim(self, connection: AsyncConnection, limits: list[int]) -> list[list[Claimed]]:
        now = self._clock.now_ms()
        lanes = await sql.LANES.rows(connection, {"now": now})
        answers = []
        for limit in limits:
            claimed: list[Claimed] = []
            for lane, share, ceiling in self._shares(lanes, limit):
                room = min(share, ceiling - len(claimed))
                if room <= 0:
                    continue
                values = {
                    "owner": self.owner,
                    "until": now + self._lease_ms,
                    "now": now,
                    "limit": room,
                    "shard": lane.shard,
                    "priority": lane.priority,
                }
                # PostgreSQL returns them in the order in which it found them.
                for row in sorted(await sql.CLAIM.rows(connection, values), key=lambda row: row[1:3]):
                    org_id, email_id, no, token, site, attempts, crashes, uncertain, attached = row
                    key = Key(org_id, email_id, no, token, self.owner)
                    claimed.append(Claimed(key, site, attempts, crashes, bool(uncertain), attached))
            answers.append(claimed)
        return answers

    def _shares(self, lanes: Sequence[Any], limit: int) -> Iterable[tuple[Any, int, int]]:
        """The lanes that a claim visits, how many rows it may take from each, and have in all after it.

        Urgent lanes come first, but leave a part for each class behind them; within a class the visits go
        round, so that each shard has its turn.
        """
        self._next_lane += LANES_AT_ONCE
        classes: dict[int, list[Any]] = {}
        for lane in lanes:
            classes.setdefault(lane.priority, []).append(lane)
        for behind, same in zip(reversed(range(len(classes))), classes.values(), strict=True):
            ceiling = limit - behind * (limit // _PART_OF_EACH_CLASS)
            start = self._next_lane % len(same)
            for lane in same[start:] + same[:start]:
                yield lane, -(-limit // min(len(same), LANES_AT_ONCE)), ceiling

    async def _renew(self, connection: AsyncConnection, keys: list[Key]) -> list[bool]:
        ours = await _held(connection, keys)
        until = self._clock.now_ms() + self._lease_ms
        kept = [{**_pk(key), "b_until": until} for key in keys if key in ours]
        await sql.RENEW.change(connection, kept)
        return [key in ours for key in keys]

    async def _release(self, connection: AsyncConnection, releases: list[Release]) -> list[bool]:
        ours = await _held(connection, [release.key for release in releases])
        by_change: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for release in releases:
            if release.key in ours:
                changes = {
                    name: value
                    for name in ("due_at", "crashes", "uncertain")
                    if (value := getattr(release, name)) is not None
                }
                by_change.setdefault(tuple(changes), []).append(
                    _pk(release.key) | {f"b_{name}": value for name, value in changes.items()}
                )
        for names, rows in by_change.items():
            changes = {name: bindparam(f"b_{name}") for name in names}
            await connection.execute(
                update(outq).where(*sql.PK).values(lease_owner=None, lease_until=None, **changes), rows
            )
        return [release.key in ours for release in releases]

    async def _settle(self, connection: AsyncConnection, settlements: list[Settlement]) -> list[bool]:
        ours = await _held(connection, [settlement.key for settlement in settlements])
        now = self._clock.now_ms()
        live = [settlement for settlement in settlements if settlement.key in ours]
        if not live:
            return [False] * len(settlements)
        done = [_pk(settlement.key) for settlement in live if settlement.due_at is None]
        await sql.DELETE.change(connection, done)
        again = [
            _pk(settlement.key)
            | {
                "b_due_at": settlement.due_at,
                "b_attempts": settlement.attempts,
                "b_uncertain": settlement.uncertain,
            }
            for settlement in live
            if settlement.due_at is not None
        ]
        await sql.RESCHEDULE.change(connection, again)
        await sql.SETTLE.change(connection, [_recipient(settlement, now) for settlement in live])
        await self._set_statuses(connection, live)
        # After the locks of `_set_statuses`, so that the last of several sees what the others deleted.
        await forget_attachments(connection, {s.key[:2] for s in live if s.due_at is None})
        await log.append(connection, [entry for settlement in live for entry in _entries(settlement, now)])
        bounced = [_bounce(s) for s in live if s.status == "bounced" and not s.simulated]
        await suppress_bounced(connection, bounced, now)
        return [settlement.key in ours for settlement in settlements]

    async def _set_statuses(self, connection: AsyncConnection, live: Sequence[Settlement]) -> None:
        statuses = {s.key[:2]: {s.status} for s in live if s.alone}
        others = sorted({s.key[:2] for s in live if not s.alone})
        if others:
            given = {"keys": _json(others)}
            if connection.dialect.name == "postgresql":
                # Whoever settles another recipient of the same email at this moment waits here, and then
                # sees what we wrote.
                await sql.LOCK_EMAILS.rows(connection, given)
            for row in await sql.RECIPIENTS.rows(connection, given):
                statuses.setdefault((row.org_id, row.email_id), set()).add(row.status)
        await sql.SET_STATUS.change(
            connection,
            [
                {"b_org_id": org_id, "b_email_id": email_id, "b_status": email_status(found)}
                for (org_id, email_id), found in statuses.items()
            ],
        )


async def _held(connection: AsyncConnection, keys: Sequence[Key]) -> set[Key]:
    """Those of the keys whose rows still carry their token and owner; PostgreSQL locks these rows."""
    rows = await sql.HELD.rows(connection, {"keys": _json([key[:3] for key in keys])})
    found = {Key(org_id, email_id, no, token, owner) for org_id, email_id, no, token, owner in rows}
    return found.intersection(keys)


def _recipient(settlement: Settlement, now: int) -> dict[str, Any]:
    return _pk(settlement.key) | {
        "b_status": settlement.status,
        "b_attempts": settlement.attempts,
        "b_code": settlement.code,
        "b_enhanced": settlement.enhanced,
        "b_text": settlement.text,
        "b_host": settlement.host or None,
        "b_now": now,
    }


def _entries(settlement: Settlement, now: int) -> list[log.Entry]:
    """What happened: to complain, somebody must have got the message first."""
    happened = ["delivered"] if settlement.status == "complained" else []
    return [_entry(settlement, what, now) for what in (*happened, settlement.status)]


def _entry(settlement: Settlement, what: str, now: int) -> log.Entry:
    return log.Entry(
        org_id=settlement.key.org_id,
        email_id=settlement.key.email_id,
        type=f"email.{what}",
        created_at=now,
        recipient=settlement.address,
        attempt=settlement.attempts,
        reply_code=settlement.code,
        reply_status=settlement.enhanced,
        reply_text=settlement.text,
        remote_host=settlement.host or None,
        possible_duplicate=settlement.possible_duplicate,
    )


def _bounce(settlement: Settlement) -> Bounce:
    key = settlement.key
    return Bounce(key.org_id, key.email_id, settlement.address, settlement.enhanced, settlement.text)


def _pk(key: Key) -> dict[str, Any]:
    return {"b_org_id": key.org_id, "b_email_id": key.email_id, "b_no": key.no}


def _json(keys: Iterable[Sequence[Any]]) -> str:
    return orjson.dumps([list(key) for key in keys]).decode()
