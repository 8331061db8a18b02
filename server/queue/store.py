"""The delivery queue in a transaction: rows are enqueued, claimed, renewed, released and removed, as lists.

A row belongs to the engine whose id and token it carries. Whatever changes leased rows checks both first
(`leased`), so that a result that comes after another engine took a row over changes nothing (fencing).

Lock order: a transaction locks rows of the queue (`leased`, `remove`) before it locks emails. `enqueue` adds
rows that no other transaction can see yet, and may come after the emails.
"""

from collections.abc import Iterable, Iterator, Sequence

from server.db.statements import BulkInsert
from server.db.tables.queue import delivery_queue
from server.db.tx import Tx
from server.queue import statements as sql
from server.queue.rows import Claimed, Claims, LeaseKey, Leftover, NewRow, Release, Retry
from server.queue.rules import PRIORITY_BULK, PRIORITY_TRANSACTIONAL, PRIORITY_URGENT, site_of
from server.queue.statements import LeftoverRow, WaitingOrganisation
from server.turns import Shares

# The number of organisations that one claim looks at, and of those that it takes rows of: each of these costs
# a statement. The next claim goes on with the next ones.
VISITED_PER_CLAIM = 256
ORGANISATIONS_PER_CLAIM = 32
# An organisation gets at least this part of a claim.
_LEAST_PART = 16
# Each class of priority gets at least one row of this number, however much more urgent mail there is.
_PART_OF_EACH_CLASS = 8
# The due time of held rows, which no clock reaches.
HELD_UNTIL_MS = 2**62
_INSERT = BulkInsert(delivery_queue)
_INSERTED = (
    "org_id",
    "email_id",
    "no",
    "priority",
    "site",
    "due_at",
    "attempts",
    "crashes",
    "uncertain",
    "attached",
    "lease_token",
)


def enqueue(tx: Tx, rows: Sequence[NewRow]) -> None:
    """Adds recipients that were never tried."""
    _INSERT.values(tx, _INSERTED, list(map(_inserted, rows)))


def remove(tx: Tx, recipients: Iterable[tuple[str, str, int]]) -> None:
    """Takes recipients (organisation, email, number) out of the queue, whoever holds their leases.

    On PostgreSQL it waits for a transaction that has their rows locked. Call it before emails are locked.
    """
    sql.REMOVE.run(
        tx, [{"org_id": org_id, "email_id": email_id, "no": no} for org_id, email_id, no in recipients]
    )


def claim(
    tx: Tx,
    limit: int,
    *,
    owner: str,
    now: int,
    until: int,
    after: str = "",
    shares: Shares | None = None,
) -> Claims:
    """Up to `limit` rows that are due, leased to `owner` until the time `until`.

    Urgent mail comes first; within a class of priority the organisations have their turns, from the first one
    after `after` on. `shares` are the rows that the owner holds of each, and get the new ones. Of an
    organisation nothing is claimed until there is room for as many rows as are held: small claims cost as
    much as large ones.
    """
    visited = sql.WAITING.all(tx, now=now, after=after, limit=VISITED_PER_CLAIM)
    claimed: list[Claimed] = []
    turns = 0
    # The place in `visited` up to which every organisation had its turn.
    place = len(visited)
    for priority, due, ceiling in _classes(visited, limit):
        share = -(-limit // min(len(due), _LEAST_PART))
        for number, org_id in due:
            room = limit if shares is None else shares.room(org_id)
            if shares is not None and not shares.may_double(org_id):
                continue
            most = min(share, room, ceiling - len(claimed))
            if most <= 0 or turns == ORGANISATIONS_PER_CLAIM:
                place = min(place, number)
                break
            turns += 1
            rows = sql.CLAIM.all(
                tx, org_id=org_id, priority=priority, now=now, limit=most, owner=owner, until=until
            )
            if shares is not None:
                shares.take(org_id, len(rows))
            # PostgreSQL returns them in the order in which it found them.
            rows.sort(key=lambda row: (row.email_id, row.no))
            claimed += [Claimed(LeaseKey(*row[:5]), *row[5:]) for row in rows]
    if place == len(visited) < VISITED_PER_CLAIM:
        return Claims(claimed, "")
    return Claims(claimed, visited[place - 1].org_id if place else after)


def leased(tx: Tx, keys: Sequence[LeaseKey], ended_before: int | None = None) -> set[LeaseKey]:
    """Returns the keys whose rows still carry their token and owner.

    With `ended_before` only those whose leases ended before this time: whoever takes a lease back that it
    found to be over must not take one that was renewed since.

    PostgreSQL locks these rows until the transaction ends. Call it before emails are locked.
    """
    found = sql.LEASES.all(tx, keys=[key[:3] for key in keys], ended_before=ended_before)
    return set(found).intersection(keys)


def renew(tx: Tx, keys: Iterable[LeaseKey], until: int) -> None:
    """Extends the leases of rows that are `leased`."""
    sql.RENEW.run(tx, [_primary_key(key) | {"until": until} for key in keys])


def release(tx: Tx, releases: Iterable[Release]) -> None:
    """Gives rows that are `leased` back without an attempt."""
    sql.RELEASE.run(
        tx,
        [
            _primary_key(release.key)
            | {
                "due_at": release.due_at if release.held_since is None else HELD_UNTIL_MS,
                "crashes": release.crashes,
                "uncertain": release.uncertain,
                "held_since": release.held_since,
            }
            for release in releases
        ],
    )


def has_resumed(tx: Tx) -> bool:
    """True if rows are held whose organisations are not paused any more."""
    return bool(sql.RESUMED.all(tx))


def resume(tx: Tx, now: int, limit: int) -> int:
    """Makes up to `limit` held rows due whose organisations are not paused any more; returns their number.

    The time that they were held does not count to their lifetimes (contract row C-86).
    """
    left = limit
    for org in sql.RESUMED.all(tx):
        if left > 0:
            left -= len(sql.RESUME.all(tx, now=now, org_id=org.org_id, limit=left))
    return limit - left


def finish(tx: Tx, keys: Iterable[LeaseKey]) -> None:
    """Removes rows that are `leased`: nothing is left to be attempted."""
    sql.REMOVE.run(tx, list(map(_primary_key, keys)))


def reschedule(tx: Tx, retries: Iterable[Retry]) -> None:
    """Ends the leases of rows that are `leased` until their next attempts."""
    sql.RESCHEDULE.run(
        tx,
        [
            _primary_key(retry.key)
            | {"due_at": retry.due_at, "attempts": retry.attempts, "uncertain": retry.uncertain}
            for retry in retries
        ],
    )


def leased_by(tx: Tx, owner: str) -> list[Leftover]:
    """The rows that `owner` holds; those whose leases end first come first."""
    return _leftovers(sql.LEASED_BY.all(tx, owner=owner))


def expired(tx: Tx, now: int, limit: int) -> list[Leftover]:
    """Rows whose leases ended before `now`, whoever held them; those whose leases ended first come first."""
    return _leftovers(sql.EXPIRED.all(tx, now=now, limit=limit))


def _classes(
    visited: Sequence[WaitingOrganisation], limit: int
) -> Iterator[tuple[int, list[tuple[int, str]], int]]:
    """Each class of priority that has due rows, its organisations with their places, and the most rows to
    have claimed after it: urgent mail leaves a part for each class behind it."""
    due = {
        PRIORITY_URGENT: [(place, one.org_id) for place, one in enumerate(visited) if one.urgent],
        PRIORITY_TRANSACTIONAL: [
            (place, one.org_id) for place, one in enumerate(visited) if one.transactional
        ],
        PRIORITY_BULK: [(place, one.org_id) for place, one in enumerate(visited) if one.bulk],
    }
    classes = [(priority, found) for priority, found in due.items() if found]
    for behind, (priority, found) in zip(reversed(range(len(classes))), classes, strict=True):
        yield priority, found, limit - behind * (limit // _PART_OF_EACH_CLASS)


def _leftovers(rows: Sequence[LeftoverRow]) -> list[Leftover]:
    return [Leftover(LeaseKey(*row[:5]), *row[5:]) for row in rows]


def _inserted(row: NewRow) -> tuple[str | int | bool, ...]:
    """The values of the columns `_INSERTED`."""
    org_id, email_id, no, domain, test, due_at, attached = row
    site = site_of(domain, test=test)
    return (org_id, email_id, no, PRIORITY_TRANSACTIONAL, site, due_at, 0, 0, False, attached, 0)


def _primary_key(key: LeaseKey) -> dict[str, object]:
    return {"org_id": key.org_id, "email_id": key.email_id, "no": key.no}
