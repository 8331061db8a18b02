"""Resources that organisations share: each has a part of them, and they take turns.

An owner may take more while it then holds no more than `GREED` times what stays free. Alone it gets three
quarters, two get three sevenths each, and so on: the next one finds room, however long others hold theirs.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

GREED = 3


class Shares:
    """The parts of `size` units that owners hold, at most `most` each."""

    def __init__(self, size: int, *, most: int | None = None, greed: int = GREED) -> None:
        self._size = size
        self._most = size if most is None else most
        self._greed = greed
        self._held: Counter[str] = Counter()
        self.taken = 0

    @property
    def free(self) -> int:
        """The units that no owner holds."""
        return self._size - self.taken

    @property
    def owners(self) -> list[str]:
        """The owners that hold any."""
        return list(self._held)

    def held(self, owner: str) -> int:
        """The units that an owner holds."""
        return self._held[owner]

    def room(self, owner: str) -> int:
        """The number of units that an owner may take now."""
        held = self._held[owner]
        fair = (self._greed * self.free - held) // (self._greed + 1)
        # The first unit is free of conditions: an owner that holds nothing must be able to begin.
        return max(0, min(self.free, self._most - held, max(fair, 0 if held else 1)))

    def may_double(self, owner: str) -> bool:
        """True if an owner may take as many units again as it holds, one at least."""
        return self.room(owner) >= max(1, self._held[owner])

    def fits(self, owner: str, units: int = 1) -> bool:
        """True if an owner may take units together now; the first ones of an owner need only be free."""
        held, left = self._held[owner], self.free - units
        if left < 0 or held + units > self._most:
            return False
        return not held or held + units <= self._greed * left

    def take(self, owner: str, units: int = 1) -> None:
        """Gives units to an owner, whether it may take them or not."""
        self._held[owner] += units
        self.taken += units

    def give_back(self, owner: str, units: int = 1) -> None:
        """Takes units back from an owner that holds them."""
        self._held[owner] -= units
        self.taken -= units
        if not self._held[owner]:
            del self._held[owner]

    def copy(self) -> "Shares":
        """The same shares, to be changed on their own."""
        other = Shares(self._size, most=self._most, greed=self._greed)
        other._held, other.taken = self._held.copy(), self.taken
        return other


class Turns:
    """Units of a resource, for which owners wait: each in its own line, and the lines are served in turn.

    A time limit around the block covers the wait as well. A waiter that is cancelled leaves nothing behind.
    """

    def __init__(self, size: int, *, most: int | None = None, greed: int = GREED) -> None:
        self._shares = Shares(size, most=most, greed=greed)
        # The lines in the order of their turns, each with its waiters and the units that they want.
        self._lines: OrderedDict[str, dict[asyncio.Future[None], int]] = OrderedDict()

    @asynccontextmanager
    async def of(self, owner: str, units: int = 1) -> AsyncIterator[None]:
        """The owner's units, for the time of the block."""
        await self.take(owner, units)
        try:
            yield
        finally:
            self.give_back(owner, units)

    async def take(self, owner: str, units: int = 1) -> None:
        """Waits for units, which `give_back` has to return."""
        if owner not in self._lines and self._shares.fits(owner, units):
            self._shares.take(owner, units)
            return
        waiter = asyncio.get_running_loop().create_future()
        self._lines.setdefault(owner, {})[waiter] = units
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                # It was served and cancelled in the same moment.
                self.give_back(owner, units)
            elif waiter in self._lines.get(owner, ()):
                self._leave(owner, waiter)
                self._serve()
            raise

    def give_back(self, owner: str, units: int = 1) -> None:
        """Ends the use of units, and serves those who wait."""
        self._shares.give_back(owner, units)
        self._serve()

    def _serve(self) -> None:
        """Serves the first waiter of each line in turn, as long as any fits."""
        is_served = True
        while is_served and self._shares.free > 0:
            is_served = False
            for owner in list(self._lines):
                waiter, units = next(iter(self._lines[owner].items()))
                if not waiter.done():
                    if not self._shares.fits(owner, units):
                        continue
                    self._shares.take(owner, units)
                    waiter.set_result(None)
                    self._lines.move_to_end(owner)
                # Else it is cancelled, and its task has not noticed yet.
                self._leave(owner, waiter)
                is_served = True

    def _leave(self, owner: str, waiter: asyncio.Future[None]) -> None:
        line = self._lines[owner]
        del line[waiter]
        if not line:
            del self._lines[owner]
