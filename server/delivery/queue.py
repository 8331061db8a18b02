"""The delivery queue in a transaction: claiming, renewing, releasing and removing rows, a list at a time.

A row belongs to the engine whose id and token it carries. Whatever changes leased rows checks both first
(`leased`), so that a result that comes after another engine took a row over changes nothing (fencing).
"""

from collections.abc import Collection, Iterator, Sequence

from server.db.tx import Tx
from server.delivery import statements as sql
from server.delivery.rows import Claimed, Key, Leftover, Release, Settlement
from server.delivery.statements import DueShard, LeftoverRow

# The number of shards that one claim visits: each costs a statement, and the next claim visits the next ones.
SHARDS_PER_CLAIM = 16
# Each class of priority gets at least one row of this number, however much more urgent mail there is.
_PART_OF_EACH_CLASS = 8


def claim(tx: Tx, limit: int, *, owner: str, now: int, until: int, turn: int) -> list[Claimed]:
    """Up to `limit` rows that are due, leased to `owner` until the time `until`.

    Urgent mail comes first; within a class of priority the shards have their turns, from number `turn` on.
    """
    claimed: list[Claimed] = []
    for due, share, ceiling in _shares(sql.DUE_SHARDS.all(tx, now=now), limit, turn):
        room = min(share, ceiling - len(claimed))
        if room > 0:
            rows = sql.CLAIM.all(
                tx, shard=due.shard, priority=due.priority, now=now, limit=room, owner=owner, until=until
            )
            # PostgreSQL returns them in the order in which it found them.
            rows.sort(key=lambda row: (row.email_id, row.no))
            claimed += [Claimed(Key(*row[:5]), *row[5:]) for row in rows]
    return claimed


def leased(tx: Tx, keys: Sequence[Key]) -> set[Key]:
    """Those of the keys whose rows still carry their token and owner; PostgreSQL locks these rows."""
    found = sql.LEASES.all(tx, keys=[key[:3] for key in keys])
    return set(found).intersection(keys)


def renew(tx: Tx, keys: Sequence[Key], until: int) -> None:
    """Extends the leases of rows that are `leased`."""
    sql.RENEW.run(tx, [_primary_key(key) | {"until": until} for key in keys])


def release(tx: Tx, releases: Sequence[Release]) -> None:
    """Gives rows that are `leased` back without an attempt."""
    sql.RELEASE.run(
        tx,
        [
            _primary_key(release.key)
            | {"due_at": release.due_at, "crashes": release.crashes, "uncertain": release.uncertain}
            for release in releases
        ],
    )


def finish(tx: Tx, settlements: Collection[Settlement]) -> None:
    """Ends the leases of rows that are `leased` after their attempts.

    Those with a next attempt become due at its time; the others leave the queue.
    """
    sql.REMOVE.run(tx, [_primary_key(done.key) for done in settlements if done.due_at is None])
    sql.RESCHEDULE.run(
        tx,
        [
            _primary_key(later.key)
            | {"due_at": later.due_at, "attempts": later.attempts, "uncertain": later.uncertain}
            for later in settlements
            if later.due_at is not None
        ],
    )


def leased_by(tx: Tx, owner: str) -> list[Leftover]:
    """The rows that `owner` holds; those whose leases end first come first."""
    return _leftovers(sql.LEASED_BY.all(tx, owner=owner))


def expired(tx: Tx, now: int, limit: int) -> list[Leftover]:
    """Rows whose leases ended before `now`, whoever held them; those whose leases ended first come first."""
    return _leftovers(sql.EXPIRED.all(tx, now=now, limit=limit))


def _shares(due: Sequence[DueShard], limit: int, turn: int) -> Iterator[tuple[DueShard, int, int]]:
    """The shards to visit, each with the most rows to take from it and the most to have claimed after it.

    Urgent mail comes first, but leaves a part for each class behind it.
    """
    classes: dict[int, list[DueShard]] = {}
    for shard in due:
        classes.setdefault(shard.priority, []).append(shard)
    for behind, shards in zip(reversed(range(len(classes))), classes.values(), strict=True):
        ceiling = limit - behind * (limit // _PART_OF_EACH_CLASS)
        share = -(-limit // min(len(shards), SHARDS_PER_CLAIM))
        start = turn % len(shards)
        for shard in shards[start:] + shards[:start]:
            yield shard, share, ceiling


def _leftovers(rows: Sequence[LeftoverRow]) -> list[Leftover]:
    return [Leftover(Key(*row[:5]), *row[5:]) for row in rows]


def _primary_key(key: Key) -> dict[str, object]:
    return {"org_id": key.org_id, "email_id": key.email_id, "no": key.no}
