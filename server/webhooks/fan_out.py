"""Reads the log and adds the calls about its events, one for each webhook that subscribes to the type."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog

from server.clock import Clock
from server.db.database import Database
from server.db.tx import Tx
from server.db.writer import Writer
from server.events import log
from server.events.follower import Follower
from server.events.rows import ACCOUNT, CONTACT, EventRow, Place
from server.webhooks import intake, subscriptions
from server.webhooks.formats.format import EmailRow, Format
from server.webhooks.formats.table import FORMATS
from server.webhooks.intake import Advance, NewCall
from server.webhooks.subscriptions import Subscription
from server.work.backpressure import Backpressure
from server.work.notifier import Notifier

PAGE_SIZE = 500
# The delay after a notification, in which more events come to be read together.
_GATHER_S = 0.01
# The same while many sends are being accepted.
_HIGH_GATHER_S = 0.1
# Events without calls that are read before the place of the reader is stored: a busy organisation without
# webhooks should not cost a write for each of its emails.
_MAX_UNSAVED = 5_000
_log = structlog.get_logger()


@dataclass(slots=True)
class _Progress:
    """The stored place in a unit, and the place up to which this process has read.

    Between them are `unsaved` events without calls.
    """

    stored: Place
    reached: Place
    unsaved: int = 0


class FanOut(Follower):
    """The reader of the log that fills the queue of webhook calls.

    Its place in a unit is stored in the same transaction as the calls, and only if it is still where this
    process read from: any number of processes may run one, no event is skipped and none is taken twice.
    """

    def __init__(
        self,
        database: Database,
        writer: Writer,
        clock: Clock,
        events_appended: Notifier,
        webhook_calls_due: Notifier,
        backpressure: Backpressure,
        page_size: int = PAGE_SIZE,
        formats: Mapping[str, Format] = FORMATS,
    ) -> None:
        super().__init__(
            "webhooks.fan_out",
            events_appended,
            backpressure,
            gather_s=_GATHER_S,
            high_gather_s=_HIGH_GATHER_S,
        )
        self._database = database
        self._writer = writer
        self._clock = clock
        self._webhook_calls_due = webhook_calls_due
        self._page_size = page_size
        self._formats = formats
        # By unit; empty before the stored places are read.
        self._progress: dict[int, _Progress] = {}

    async def step(self) -> bool:
        """Reads a page of each unit and adds its calls; returns whether there may be more events."""
        if not self._progress and not await self._load():
            return True
        reached = {unit: progress.reached for unit, progress in self._progress.items()}
        pages = await self._database.read(_pages, reached, self._page_size, self._formats)
        steps = []
        for page, calls in pages:
            progress = self._progress[page.unit]
            progress.reached = page.to
            progress.unsaved += len(page.entries)
            if calls or progress.unsaved >= _MAX_UNSAVED:
                progress.unsaved = 0
                steps.append(Advance(page.unit, progress.stored, page.to, calls, self._clock.now_ms()))
        try:
            moved = await self._writer.submit(intake.advance, steps)
        except Exception:
            # They may have been stored: go on from what is.
            self._progress.clear()
            raise
        if not all(moved):
            # Another process was faster: go on from where it is.
            self._progress.clear()
        else:
            for step in steps:
                self._progress[step.unit].stored = step.to
        if any(step.calls for step in steps):
            self._webhook_calls_due.notify()
        return any(len(page.entries) == self._page_size for page, _ in pages)

    async def _load(self) -> bool:
        """Loads the stored places; False if the reader had to be registered first."""
        places = await self._database.read(intake.READER.places)
        if not places:
            await self._writer.submit(intake.READER.register, [None])
        self._progress = {unit: _Progress(place, place) for unit, place in places.items()}
        return bool(places)


def _pages(
    tx: Tx, places: Mapping[int, Place], page_size: int, formats: Mapping[str, Format]
) -> list[tuple[log.Page, list[NewCall]]]:
    """The next events of each unit that has some, and the calls about them."""
    pages = log.pages(tx, places, page_size)
    org_ids = {entry.org_id for page in pages for entry in page.entries}
    found = subscriptions.of_organisations(tx, org_ids) if org_ids else []
    return [(page, _calls(tx, page.entries, found, formats)) for page in pages]


def _calls(
    tx: Tx, entries: Sequence[EventRow], found: Iterable[Subscription], formats: Mapping[str, Format]
) -> list[NewCall]:
    """The calls about events."""
    subscribed = list(_subscribed(entries, found))
    if not subscribed:
        return []
    emails = subscriptions.emails(tx, {(entry.org_id, entry.email_id) for entry, _ in subscribed})
    calls: list[NewCall] = []
    for entry, subscribers in subscribed:
        email = emails.get((entry.org_id, entry.email_id))
        if email is None and not entry.type.startswith((ACCOUNT, CONTACT)):
            _log.warning("no webhook is notified of an event, because its email is gone", event_id=entry.id)
            continue
        # Each format once, however many webhooks have it.
        bodies = {name: _body(entry, email, name, formats) for name in {one.format for one in subscribers}}
        calls += [
            NewCall(
                *(entry.org_id, subscriber.id, entry.id, entry.type, body, entry.created_at), test=entry.test
            )
            for subscriber in subscribers
            if (body := bodies[subscriber.format]) is not None
        ]
    return calls


def _body(event: EventRow, email: EmailRow | None, name: str, formats: Mapping[str, Format]) -> bytes | None:
    """The body about an event in a format, of no email for one of the account or a contact; None for none.

    One broken event, or one webhook of an unknown format, must not hold up all others: the webhooks miss the
    event, and the log says so.
    """
    format = formats.get(name)
    if format is None:
        _log.error(
            "webhooks are not notified of an event, because their format is unknown",
            org_id=event.org_id,
            event_id=event.id,
            format=name,
        )
        return None
    try:
        if email is not None:
            return format.body(event, email)
        return format.contact_body(event) if event.type.startswith(CONTACT) else format.account_body(event)
    except (TypeError, ValueError):
        _log.exception(
            "webhooks are not notified of an event, because it cannot be rendered",
            event_id=event.id,
            format=name,
        )
        return None


def _subscribed(
    entries: Iterable[EventRow], found: Iterable[Subscription]
) -> Iterator[tuple[EventRow, list[Subscription]]]:
    """The events to which webhooks subscribe, with their subscriptions."""
    by_type: dict[tuple[str, str], list[Subscription]] = defaultdict(list)
    for subscription in found:
        for event_type in json.loads(subscription.events):
            by_type[subscription.org_id, event_type].append(subscription)
    for entry in entries:
        subscribers = [
            subscription
            for subscription in by_type.get((entry.org_id, entry.type), ())
            if entry.place > (subscription.since_stamp, subscription.since_seq)
        ]
        if subscribers:
            yield entry, subscribers
