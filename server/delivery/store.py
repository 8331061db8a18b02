"""The store as an engine sees it: its queue, and the emails in it."""

from collections.abc import Sequence
from typing import NamedTuple

from server.clock import Clock
from server.db.database import Database
from server.db.tx import Tx
from server.db.writer import Writer
from server.delivery import clearance, orphans
from server.delivery.clearance import Refusals
from server.delivery.orphans import Orphan
from server.delivery.record import Settlement
from server.delivery.settling import settle
from server.delivery.stored import Stored, load
from server.queue import store as queue
from server.queue.rows import Claimed, Claims, LeaseKey, Release
from server.turns import Shares
from server.work.unsure import Unsure


class _Wish(NamedTuple):
    """A claim of at most `limit` rows, and of each organisation at most its share."""

    limit: int
    shares: Shares | None


class LeasedQueue:
    """The delivery queue as one engine, known by its id `owner`, sees it: the rows that it has leased."""

    def __init__(self, database: Database, writer: Writer, clock: Clock, owner: str, lease_s: float) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._lease_ms = round(lease_s * 1000)
        # The organisation whose turn was last, and whether any had due rows since the first one's turn.
        self._after = ""
        self._has_found = False
        # False after a claim that may have left due rows behind: not every organisation had its turn.
        self.was_round = True
        self.owner = owner
        # Claims and releases whose outcome is not known.
        self.unsure = Unsure()

    async def claim(self, limit: int, shares: Shares | None = None) -> list[Claimed]:
        """Up to `limit` due rows, now leased to us: each organisation in turn, urgent mail first.

        `shares` are the rows that are held of each already, a copy that the claim may change.
        """
        with self.unsure.change():
            [claims] = await self._writer.submit(self._claim, [_Wish(limit, shares)])
        is_first, is_last = not self._after, not claims.after
        self._after = claims.after
        self._has_found = not is_first and self._has_found
        self.was_round = is_last and not self._has_found
        self._has_found |= bool(claims.rows)
        return claims.rows

    async def renew(self, keys: list[LeaseKey]) -> list[LeaseKey]:
        """Extends the leases; returns the keys of the rows that are still ours."""
        kept = await self._writer.submit(self._renew, keys)
        return [key for key, ours in zip(keys, kept, strict=True) if ours]

    async def settle(self, settlements: Sequence[Settlement]) -> Sequence[bool]:
        """Records attempts with their events; False for each row that was no longer ours."""
        return await self._writer.submit(self._settle, settlements)

    async def release(self, releases: Sequence[Release]) -> Sequence[bool]:
        """Gives rows back; False for each that was no longer ours."""
        with self.unsure.change():
            return await self._writer.submit(_release, releases)

    async def take_back(self, results: Sequence[Settlement | Release]) -> Sequence[bool]:
        """Settles or gives back rows whose leases are over; False for each that was renewed since."""
        return await self._writer.submit(self._take_back, results)

    async def load(self, rows: Sequence[Claimed]) -> tuple[dict[tuple[str, str], Stored], Refusals]:
        """The emails of claimed rows, and the rows that may not be sent to any more."""
        return await self._database.read(_load, rows, self._clock.now_ms())

    async def resume(self, limit: int) -> int:
        """Makes up to `limit` held rows due whose organisations are not paused any more; their number."""
        if not await self._database.read(queue.has_resumed):
            return 0
        return await self._writer.run(queue.resume, self._clock.now_ms(), limit)

    async def leftovers(self, owner: str) -> list[Orphan]:
        """The rows that `owner`, who is gone, still holds."""
        return await self._database.read(orphans.left_by, owner)

    async def expired(self, limit: int) -> list[Orphan]:
        """Rows whose leases have run out, whoever held them; those whose leases ended first come first."""
        return await self._database.read(orphans.expired, self._clock.now_ms(), limit)

    def _claim(self, tx: Tx, wishes: list["_Wish"]) -> list[Claims]:
        now = self._clock.now_ms()
        return [self._claim_some(tx, wish, now) for wish in wishes]

    def _claim_some(self, tx: Tx, wish: "_Wish", now: int) -> Claims:
        until = now + self._lease_ms
        return queue.claim(
            *(tx, wish.limit), owner=self.owner, now=now, until=until, after=self._after, shares=wish.shares
        )

    def _renew(self, tx: Tx, keys: list[LeaseKey]) -> list[bool]:
        ours = queue.leased(tx, keys)
        queue.renew(tx, [key for key in keys if key in ours], self._clock.now_ms() + self._lease_ms)
        return [key in ours for key in keys]

    def _take_back(self, tx: Tx, results: list[Settlement | Release]) -> list[bool]:
        now = self._clock.now_ms()
        ended = queue.leased(tx, [result.key for result in results], now)
        found = [result for result in results if result.key in ended]
        settle(tx, [one for one in found if isinstance(one, Settlement)], now)
        queue.release(tx, [one for one in found if isinstance(one, Release)])
        return [result.key in ended for result in results]

    def _settle(self, tx: Tx, settlements: list[Settlement]) -> list[bool]:
        return settle(tx, settlements, self._clock.now_ms())


def _load(tx: Tx, rows: Sequence[Claimed], now: int) -> tuple[dict[tuple[str, str], Stored], Refusals]:
    with_attachments = {row.key[:2] for row in rows if row.attached}
    emails = load(tx, {row.key[:2] for row in rows}, with_attachments)
    return emails, clearance.refusals(tx, [row.key[:3] for row in rows], now)


def _release(tx: Tx, releases: list[Release]) -> list[bool]:
    ours = queue.leased(tx, [release.key for release in releases])
    queue.release(tx, [release for release in releases if release.key in ours])
    return [release.key in ours for release in releases]
