"""Reads the log and adds the calls about its events, one for each webhook that subscribes to the type."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

import structlog

from server.clock import Clock
from server.db.database import Database
from server.db.tx import Tx
from server.db.writer import Writer
from server.events import log
from server.events.bell import Bell
from server.events.log import EventRow, Place
from server.webhooks import intake, subscriptions
from server.webhooks.intake import Advance, NewCall
from server.webhooks.payload import render
from server.webhooks.subscriptions import Subscription
from server.work.crowd import Crowd
from server.work.loop import Loop

PAGE = 200
# The delay until events of other processes are seen; those of this process ring the bell.
_POLL_S = 0.25
# The wait after the bell for more commits, which are read together.
_GATHER_S = 0.01
# The wait while many sends are being accepted: they go first.
_CROWDED_PAUSE_S = 0.1
# Events without calls that are read before the place of the reader is stored: a busy organisation without
# webhooks should not cost a write for each of its emails.
_MAX_UNSAVED = 5_000
_log = structlog.get_logger()


class FanOut:
    """The reader of the log that fills the queue of webhook calls.

    Its place in the log is stored in the same transaction as the calls, and only if it is still where this
    process read from: any number of processes may run one, no event is skipped and none is taken twice.
    """

    def __init__(
        self,
        database: Database,
        writer: Writer,
        clock: Clock,
        bell: Bell,
        on_calls: Callable[[], None] = lambda: None,
        crowd: Crowd | None = None,
    ) -> None:
        self._crowd = crowd or Crowd()
        self._database = database
        self._writer = writer
        self._clock = clock
        self._bell = bell
        self._on_calls = on_calls
        # The stored place, and the place up to which this process has read: no event between has calls.
        self._stored: Place | None = None
        self._reached = log.BEGINNING
        self._unsaved = 0
        self._loop = Loop("webhooks.fan_out", self._repeat, pause_s=_POLL_S)

    async def start(self) -> None:
        """Begins to read."""
        self._loop.start()

    async def stop(self) -> None:
        """Ends after the page that is being read; a later start goes on after it."""
        await self._loop.stop()

    def wake(self) -> None:
        """Begins the next page at once, because events were appended."""
        self._bell.ring()

    async def _repeat(self) -> bool:
        if not await self.step():
            await self._bell.wait(_POLL_S)
            if not self._loop.stopping:
                await asyncio.sleep(_CROWDED_PAUSE_S if self._crowd.is_there else _GATHER_S)
        return True

    async def step(self) -> bool:
        """Reads one page and adds its calls; returns whether there may be more events."""
        if self._stored is None and not await self._load():
            return True
        assert self._stored is not None
        entries, calls = await self._database.read(_page, self._reached)
        if not entries:
            return False
        reached = entries[-1].place
        self._unsaved += len(entries)
        if not calls and self._unsaved < _MAX_UNSAVED:
            self._reached = reached
            return len(entries) == PAGE
        step = Advance(self._stored, reached, calls, self._clock.now_ms())
        if not (await self._writer.submit(intake.advance, [step]))[0]:
            # Another process was faster: go on from where it is.
            self._stored = None
            return False
        self._stored = self._reached = reached
        self._unsaved = 0
        if calls:
            self._on_calls()
        return len(entries) == PAGE

    async def _load(self) -> bool:
        """Loads the stored place; False if the reader had to be registered first."""
        place = await self._database.read(intake.READER.place)
        if place is None:
            await self._writer.submit(intake.READER.register, [None])
            return False
        self._stored, self._reached, self._unsaved = place, max(place, self._reached), 0
        return True


def _page(tx: Tx, after: Place) -> tuple[Sequence[EventRow], list[NewCall]]:
    """The next events of the log, and the calls about them."""
    entries = log.read(tx, after, PAGE)
    found = subscriptions.of_organisations(tx, {entry.org_id for entry in entries}) if entries else []
    if not found:
        return entries, []
    subscribed = list(_subscribed(entries, found))
    emails = subscriptions.emails(tx, {(entry.org_id, entry.email_id) for entry, _ in subscribed})
    calls: list[NewCall] = []
    for entry, webhook_ids in subscribed:
        email = emails.get((entry.org_id, entry.email_id))
        if email is None:
            _log.warning("no webhook is notified of an event, because its email is gone", event_id=entry.id)
            continue
        try:
            body = render(entry, email)
        except (TypeError, ValueError):
            # One broken event must not hold up all others.
            _log.exception(
                "no webhook is notified of an event, because it cannot be rendered", event_id=entry.id
            )
            continue
        calls += [
            NewCall(entry.org_id, webhook_id, entry.id, entry.type, body, entry.created_at)
            for webhook_id in webhook_ids
        ]
    return entries, calls


def _subscribed(
    entries: Iterable[EventRow], found: Iterable[Subscription]
) -> Iterator[tuple[EventRow, list[str]]]:
    """The events to which webhooks subscribe, with the ids of these webhooks."""
    by_type: dict[tuple[str, str], list[Subscription]] = defaultdict(list)
    for subscription in found:
        for event_type in json.loads(subscription.events):
            by_type[subscription.org_id, event_type].append(subscription)
    for entry in entries:
        webhook_ids = [
            subscription.id
            for subscription in by_type.get((entry.org_id, entry.type), ())
            if entry.place > (subscription.since_tx, subscription.since_seq)
        ]
        if webhook_ids:
            yield entry, webhook_ids
