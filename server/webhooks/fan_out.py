"""Reads the log and adds the calls about its events, one for each webhook that subscribes to the type."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import structlog

from server.clock import Clock
from server.db.database import Database
from server.db.tx import Tx
from server.db.writer import Writer
from server.events import log
from server.events.follower import Follower
from server.events.rows import ACCOUNT, BEGINNING, CONTACT, EventRow, Place
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


class FanOut(Follower):
    """The reader of the log that fills the queue of webhook calls.

    Its place in the log is stored in the same transaction as the calls, and only if it is still where this
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
        # The stored place, and the place up to which this process has read: no event between has calls.
        self._stored: Place | None = None
        self._reached = BEGINNING
        self._unsaved = 0

    async def step(self) -> bool:
        """Reads one page and adds its calls; returns whether there may be more events."""
        if self._stored is None and not await self._load():
            return True
        assert self._stored is not None
        entries, calls = await self._database.read(_page, self._reached, self._page_size, self._formats)
        if not entries:
            return False
        reached = entries[-1].place
        self._unsaved += len(entries)
        if not calls and self._unsaved < _MAX_UNSAVED:
            self._reached = reached
            return len(entries) == self._page_size
        step = Advance(self._stored, reached, calls, self._clock.now_ms())
        if not (await self._writer.submit(intake.advance, [step]))[0]:
            # Another process was faster: go on from where it is.
            self._stored = None
            return False
        self._stored = self._reached = reached
        self._unsaved = 0
        if calls:
            self._webhook_calls_due.notify()
        return len(entries) == self._page_size

    async def _load(self) -> bool:
        """Loads the stored place; False if the reader had to be registered first."""
        place = await self._database.read(intake.READER.place)
        if place is None:
            await self._writer.submit(intake.READER.register, [None])
            return False
        self._stored, self._reached, self._unsaved = place, max(place, self._reached), 0
        return True


def _page(
    tx: Tx, after: Place, page_size: int, formats: Mapping[str, Format]
) -> tuple[Sequence[EventRow], list[NewCall]]:
    """The next events of the log, and the calls about them."""
    entries = log.read(tx, after, page_size)
    found = subscriptions.of_organisations(tx, {entry.org_id for entry in entries}) if entries else []
    if not found:
        return entries, []
    subscribed = list(_subscribed(entries, found))
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
    return entries, calls


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
            if entry.place > (subscription.since_tx, subscription.since_seq)
        ]
        if subscribers:
            yield entry, subscribers
