"""Takes events of PayPal: they say that a subscription has changed, and PayPal is asked what it is now."""

import orjson
import structlog

from server.billing import store
from server.billing.faults import EventNotValid
from server.billing.reading import subscription_of_event
from server.billing.rules import Subscription
from server.billing.signature import Signatures, Transmission
from server.billing.subscriptions import Subscriptions
from server.clock import Clock
from server.db.database import Database
from server.db.tx import Tx
from server.db.writer import Writer

MAX_BODY = 256 * 1024
_MAX_ID = 64
# PayPal repeats an event for three days; it can be sent again by hand for a month.
KEPT_MS = 40 * 86_400_000
_MAX_SWEPT = 1_000
_log = structlog.get_logger()


class Events:
    """Takes each event once, in any order: an event alone changes nothing."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        clock: Clock,
        signatures: Signatures,
        subscriptions: Subscriptions,
    ) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._signatures = signatures
        self._subscriptions = subscriptions

    async def take(self, sent: Transmission) -> str:
        """Takes an event; its id. It counts as taken when the state of its subscription is stored.

        Raises `EventNotValid`, `ProviderUnavailable`, `ProviderRefused`: PayPal repeats it then.
        """
        if len(sent.body) > MAX_BODY:
            raise EventNotValid(f"it has more than {MAX_BODY} bytes")
        await self._signatures.verify(sent)
        id, subscription_id = _parsed(sent.body)
        if subscription_id is None:
            return id
        known = await self._database.read(_news, subscription_id, id)
        if known is not None:
            await self._subscriptions.refresh(known)
            await self._writer.run(store.add_event, known.org_id, id, self._clock.now_ms())
            _log.info("an event of PayPal was taken", org_id=known.org_id, event_id=id)
        return id

    async def sweep(self) -> bool:
        """Forgets old events; True if more may be left."""
        return await self._writer.run(store.sweep_events, self._clock.now_ms() - KEPT_MS, _MAX_SWEPT)


def _news(tx: Tx, subscription_id: str, event_id: str) -> Subscription | None:
    """The subscription that an event is about; None for one of others, and if the event was taken before."""
    known = store.by_id(tx, subscription_id)
    return None if known is None or store.has_event(tx, known.org_id, event_id) else known


def _parsed(body: bytes) -> tuple[str, str | None]:
    """The ids of an event and of its subscription. Raises `EventNotValid`."""
    try:
        event = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise EventNotValid("its body is no JSON") from None
    id = event.get("id") if isinstance(event, dict) else None
    if not isinstance(id, str) or not 0 < len(id) <= _MAX_ID or not id.isascii() or not id.isprintable():
        raise EventNotValid("it has no id")
    return id, subscription_of_event(event)
