"""The delivery queue in the store: claiming, renewing, settling, a list at a time.

A row belongs to whoever's id and token it carries. Everything that records a result names both, so a
result that comes after the row was taken over changes nothing (fencing).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from sqlalchemy import TextClause, bindparam, delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.clock import Clock
from server.db.engine import Database
from server.db.schema import emails, outq, recipients
from server.db.writer import Writer
from server.delivery.verdict import email_status
from server.events import log

# How many shards one claim visits: each costs a statement, and the next claim visits the next ones.
LANES_AT_ONCE = 16
# So often may a holder of the lease die with a row before it is given up: it probably kills its deliverer.
MAX_CRASHES = 5


class Key(NamedTuple):
    """A claimed row: its primary key, and the token and owner under which it was claimed."""

    org_id: str
    email_id: str
    no: int
    token: int
    owner: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row of the queue that is ours for now."""

    key: Key
    site: str
    attempts: int
    crashes: int
    uncertain: bool


@dataclass(frozen=True, slots=True)
class Settlement:
    """The record of one attempt for one recipient; times are milliseconds since 1970 UTC.

    `due_at` is when the next attempt is due, None if there is none. `alone` says that the email has no
    other recipient, so that its own status need not be worked out.
    """

    key: Key
    address: str
    status: str
    attempts: int
    due_at: int | None
    code: int | None
    enhanced: str
    text: str
    host: str
    uncertain: bool
    possible_duplicate: bool
    alone: bool


@dataclass(frozen=True, slots=True)
class Release:
    """A row given back without an attempt; fields that are None stay as they are."""

    key: Key
    due_at: int | None = None
    crashes: int | None = None
    uncertain: bool | None = None


@dataclass(frozen=True, slots=True)
class Leftover:
    """A row whose holder is gone, with what is needed to settle it."""

    key: Key
    address: str
    accepted_at: int
    attempts: int
    crashes: int
    uncertain: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """An email with its content, as its rows say, and the address of each of its recipients by number."""

    email: Any
    addresses: dict[int, str]
    kinds: dict[int, str]

    @property
    def accepted_at(self) -> int:
        """Milliseconds since 1970 UTC."""
        return int(self.email.created_at)

    @property
    def alone(self) -> bool:
        """Whether there is only one recipient."""
        return len(self.addresses) == 1


_KEYS_SQLITE = (
    "(SELECT json_extract(value, '$[0]') AS org_id, json_extract(value, '$[1]') AS email_id,"
    " json_extract(value, '$[2]') AS no FROM json_each(:keys)) AS k CROSS JOIN"
)
_KEYS_POSTGRESQL = (
    "(SELECT value->>0 AS org_id, value->>1 AS email_id, CAST(value->>2 AS integer) AS no"
    " FROM jsonb_array_elements(CAST(:keys AS jsonb)) AS elements(value)) AS k CROSS JOIN"
)
# The comparison with the list of keys drives the look-up: SQLite would scan the table for `IN (VALUES ...)`.
_HELD = (
    "SELECT q.org_id, q.email_id, q.no, q.lease_token, q.lease_owner FROM {keys} outq AS q"
    " WHERE q.org_id = k.org_id AND q.email_id = k.email_id AND q.no = k.no{lock}"
)
_EMAILS = (
    'SELECT e.org_id, e.id, e.domain_id, e.sender, e.subject, e."to", e.cc, e.reply_to, e.message_id,'
    " e.created_at, c.html, c.text, c.headers FROM {keys} emails AS e"
    " JOIN email_contents AS c ON c.org_id = e.org_id AND c.email_id = e.id"
    " WHERE e.org_id = k.org_id AND e.id = k.email_id"
)
_LOCK_EMAILS = (
    "SELECT e.id FROM {keys} emails AS e WHERE e.org_id = k.org_id AND e.id = k.email_id ORDER BY e.id"
    " FOR UPDATE OF e"
)
_RECIPIENTS = (
    "SELECT r.org_id, r.email_id, r.no, r.kind, r.address, r.status FROM {keys} recipients AS r"
    " WHERE r.org_id = k.org_id AND r.email_id = k.email_id"
)
# Which shards have something due: from each shard straight to the next, so that the length of one
# organisation's queue does not matter (a loose index scan).
_LANES = text(
    "WITH RECURSIVE shards(shard) AS ("
    " SELECT min(shard) FROM outq WHERE lease_until IS NULL"
    " UNION ALL"
    " SELECT (SELECT min(q.shard) FROM outq AS q WHERE q.lease_until IS NULL AND q.shard > shards.shard)"
    " FROM shards WHERE shards.shard IS NOT NULL),"
    " priorities(priority) AS (VALUES (0), (1), (2))"
    " SELECT priority, shard FROM priorities CROSS JOIN shards WHERE shard IS NOT NULL AND EXISTS ("
    " SELECT 1 FROM outq AS q WHERE q.lease_until IS NULL AND q.shard = shards.shard"
    " AND q.priority = priorities.priority AND q.due_at <= :now) ORDER BY priority, shard"
)
_CLAIM = (
    "UPDATE outq SET lease_owner = :owner, lease_token = lease_token + 1, lease_until = :until"
    " WHERE (org_id, email_id, no) IN ("
    " SELECT org_id, email_id, no FROM outq WHERE lease_until IS NULL AND shard = :shard"
    " AND priority = :priority AND due_at <= :now ORDER BY due_at, email_id, no LIMIT :limit{lock})"
    " RETURNING org_id, email_id, no, lease_token, site, attempts, crashes, uncertain"
)
_PK = (
    outq.c.org_id == bindparam("b_org_id"),
    outq.c.email_id == bindparam("b_email_id"),
    outq.c.no == bindparam("b_no"),
)
_DELETE = delete(outq).where(*_PK)
_RESCHEDULE = (
    update(outq)
    .where(*_PK)
    .values(
        due_at=bindparam("b_due_at"),
        attempts=bindparam("b_attempts"),
        uncertain=bindparam("b_uncertain"),
        lease_owner=None,
        lease_until=None,
    )
)
_RENEW = update(outq).where(*_PK).values(lease_until=bindparam("b_until"))
_SETTLE = (
    update(recipients)
    .where(
        recipients.c.org_id == bindparam("b_org_id"),
        recipients.c.email_id == bindparam("b_email_id"),
        recipients.c.no == bindparam("b_no"),
    )
    .values(
        status=bindparam("b_status"),
        attempts=bindparam("b_attempts"),
        reply_code=bindparam("b_code"),
        reply_status=bindparam("b_enhanced"),
        reply_text=bindparam("b_text"),
        remote_host=bindparam("b_host"),
        updated_at=bindparam("b_now"),
    )
)
_SET_STATUS = (
    update(emails)
    .where(emails.c.org_id == bindparam("b_org_id"), emails.c.id == bindparam("b_email_id"))
    .values(status=bindparam("b_status"))
)


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

    async def load(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Stored]:
        """The emails with these organisations and ids."""
        async with self._database.read() as connection:
            given = _json(keys)
            found = await connection.execute(_of(connection, _EMAILS), {"keys": given})
            stored = {(row.org_id, row.id): Stored(row, {}, {}) for row in found}
            for row in await connection.execute(_of(connection, _RECIPIENTS), {"keys": given}):
                email = stored.get((row.org_id, row.email_id))
                if email is not None:
                    email.addresses[row.no] = row.address
                    email.kinds[row.no] = row.kind
        return stored

    async def leftovers(self, owner: str) -> list[Leftover]:
        """The rows that `owner`, who is gone, still holds."""
        return await self._leftovers(outq.c.lease_until.is_not(None) & (outq.c.lease_owner == owner))

    async def expired(self, limit: int) -> list[Leftover]:
        """Rows whose leases have run out, whoever held them; the oldest first."""
        return await self._leftovers(outq.c.lease_until < self._clock.now_ms(), limit)

    async def _leftovers(self, condition: Any, limit: int | None = None) -> list[Leftover]:
        query = (
            select(outq, recipients.c.address, emails.c.created_at)
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
                row.created_at,
                row.attempts,
                row.crashes,
                row.uncertain,
            )
            for row in rows
        ]

    async def _claim(self, connection: AsyncConnection, limits: list[int]) -> list[list[Claimed]]:
        now = self._clock.now_ms()
        lanes = list(await connection.execute(_LANES, {"now": now}))
        claim = _claim_of(connection)
        answers = []
        for limit in limits:
            claimed: list[Claimed] = []
            for lane, share in self._shares(lanes, limit):
                values = {
                    "owner": self.owner,
                    "until": now + self._lease_ms,
                    "now": now,
                    "limit": min(share, limit - len(claimed)),
                    "shard": lane.shard,
                    "priority": lane.priority,
                }
                claimed += [
                    Claimed(
                        Key(org_id, email_id, no, token, self.owner),
                        site,
                        attempts,
                        crashes,
                        bool(uncertain),
                    )
                    for org_id, email_id, no, token, site, attempts, crashes, uncertain in (
                        await connection.execute(claim, values)
                    )
                ]
                if len(claimed) >= limit:
                    break
            answers.append(claimed)
        return answers

    def _shares(self, lanes: Sequence[Any], limit: int) -> Iterable[tuple[Any, int]]:
        """The lanes that a claim visits, and how many rows it may take from each.

        Urgent lanes come first; within a priority the visits go round, so that each shard has its turn.
        """
        if not lanes:
            return
        share = max(1, -(-limit // min(len(lanes), LANES_AT_ONCE)))
        self._next_lane += LANES_AT_ONCE
        by_priority: dict[int, list[Any]] = {}
        for lane in lanes:
            by_priority.setdefault(lane.priority, []).append(lane)
        for same in by_priority.values():
            start = self._next_lane % len(same)
            for lane in same[start:] + same[:start]:
                yield lane, share

    async def _renew(self, connection: AsyncConnection, keys: list[Key]) -> list[bool]:
        ours = await _held(connection, keys)
        until = self._clock.now_ms() + self._lease_ms
        kept = [{**_pk(key), "b_until": until} for key in keys if key in ours]
        if kept:
            await connection.execute(_RENEW, kept)
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
                update(outq).where(*_PK).values(lease_owner=None, lease_until=None, **changes), rows
            )
        return [release.key in ours for release in releases]

    async def _settle(self, connection: AsyncConnection, settlements: list[Settlement]) -> list[bool]:
        ours = await _held(connection, [settlement.key for settlement in settlements])
        now = self._clock.now_ms()
        live = [settlement for settlement in settlements if settlement.key in ours]
        if not live:
            return [False] * len(settlements)
        done = [_pk(settlement.key) for settlement in live if settlement.due_at is None]
        if done:
            await connection.execute(_DELETE, done)
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
        if again:
            await connection.execute(_RESCHEDULE, again)
        await connection.execute(_SETTLE, [_recipient(settlement, now) for settlement in live])
        await self._set_statuses(connection, live)
        await log.append(connection, [_entry(settlement, now) for settlement in live])
        return [settlement.key in ours for settlement in settlements]

    async def _set_statuses(self, connection: AsyncConnection, live: Sequence[Settlement]) -> None:
        statuses = {s.key[:2]: {s.status} for s in live if s.alone}
        others = sorted({s.key[:2] for s in live if not s.alone})
        if others:
            given = {"keys": _json(others)}
            if connection.dialect.name == "postgresql":
                # Whoever settles another recipient of the same email at this moment waits here, and then
                # sees what we wrote.
                await connection.execute(_of(connection, _LOCK_EMAILS), given)
            for row in await connection.execute(_of(connection, _RECIPIENTS), given):
                statuses.setdefault((row.org_id, row.email_id), set()).add(row.status)
        await connection.execute(
            _SET_STATUS,
            [
                {"b_org_id": org_id, "b_email_id": email_id, "b_status": email_status(found)}
                for (org_id, email_id), found in statuses.items()
            ],
        )


async def _held(connection: AsyncConnection, keys: Sequence[Key]) -> set[Key]:
    """Those of the keys whose rows still carry their token and owner; PostgreSQL locks these rows."""
    rows = await connection.execute(_of(connection, _HELD), {"keys": _json([key[:3] for key in keys])})
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


def _entry(settlement: Settlement, now: int) -> log.Entry:
    return log.Entry(
        org_id=settlement.key.org_id,
        email_id=settlement.key.email_id,
        type=f"email.{settlement.status}",
        created_at=now,
        recipient=settlement.address,
        attempt=settlement.attempts,
        reply_code=settlement.code,
        reply_status=settlement.enhanced,
        reply_text=settlement.text,
        remote_host=settlement.host or None,
        possible_duplicate=settlement.possible_duplicate,
    )


def _pk(key: Key) -> dict[str, Any]:
    return {"b_org_id": key.org_id, "b_email_id": key.email_id, "b_no": key.no}


def _json(keys: Iterable[Sequence[Any]]) -> str:
    return orjson.dumps([list(key) for key in keys]).decode()


_statements: dict[tuple[str, str], TextClause] = {}


def _of(connection: AsyncConnection, template: str) -> TextClause:
    """The statement of this engine that a template stands for."""
    dialect = connection.dialect.name
    statement = _statements.get((dialect, template))
    if statement is None:
        is_sqlite = dialect == "sqlite"
        sql = template.format(
            keys=_KEYS_SQLITE if is_sqlite else _KEYS_POSTGRESQL, lock="" if is_sqlite else " FOR UPDATE OF q"
        )
        statement = _statements[dialect, template] = text(sql)
    return statement


def _claim_of(connection: AsyncConnection) -> TextClause:
    dialect = connection.dialect.name
    statement = _statements.get((dialect, _CLAIM))
    if statement is None:
        lock = "" if dialect == "sqlite" else " FOR UPDATE SKIP LOCKED"
        statement = _statements[dialect, _CLAIM] = text(_CLAIM.format(lock=lock))
    return statement
