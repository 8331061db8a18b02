"""The parts of a process that its packages are built from, and what a package gives back."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from google.protobuf.descriptor import ServiceDescriptor

from server.clock import Clock
from server.db.database import Database
from server.db.installation import check_secret
from server.db.migrate import is_current
from server.db.stalled import end_stalled
from server.db.writer import Writer
from server.net.dns import Resolver
from server.sealing import Seal
from server.settings import Settings, SettingsError
from server.work.backpressure import Backpressure
from server.work.long_work import LongWork
from server.work.loop import Loop
from server.work.notifier import Notifier
from server.work.service import Service

# Seconds between two looks for transactions that stand still.
_STALLED_S = 2.0


class Kernel:
    """One of each part in a process. As a service it opens the store, and closes it last."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.seal = Seal(settings.secret)
        self.database = Database(settings.database_url)
        self.writer = Writer(self.database)
        self.resolver = Resolver(settings, clock)
        self._stalled = Loop("stalled transactions", self._end_stalled, pause_s=_STALLED_S)
        self.backpressure = Backpressure(share=settings.background_share)
        self.long_work = LongWork()
        # Hints between packages; whoever depends on one polls as well.
        self.mail_queued = Notifier()
        self.events_appended = Notifier()
        self.webhook_calls_due = Notifier()

    async def start(self) -> None:
        """Begins to write. Raises `SettingsError` if the schema is old or the secret is another store's."""
        if not await asyncio.to_thread(is_current, self.settings.database_url):
            raise SettingsError("The store's schema is not current. Run `python -m server migrate` first.")
        self.writer.start()
        await self.writer.run(check_secret, self.seal)
        self._stalled.start()

    def hurry(self) -> None:
        """The process is to stop within its drain time, whether the store answers or not: what does not end
        within half of it is given up."""
        self.database.watchdog.hurry(self.settings.drain_s / 2)

    async def stop(self) -> None:
        """Writes what waits, then closes every connection."""
        await self._stalled.stop()
        await self.resolver.close()
        self.long_work.close()
        await self.writer.close()
        await self.database.close()

    async def _end_stalled(self) -> bool:
        await end_stalled(self.database)
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package, built by its `wiring.py`."""

    # The servicers of its gRPC services; several of one service share its methods.
    servicers: Mapping[ServiceDescriptor, object | tuple[object, ...]] = field(default_factory=dict)
    # Services of every process that delivers mail.
    delivering: Sequence[Service] = ()
    # Services of processes that serve calls; they stop after the calls in progress.
    serving: Sequence[Service] = ()
    # Services that end calls without an end of their own; they stop before the others.
    streams: Sequence[Service] = ()
