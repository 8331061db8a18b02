"""Reads live subscriptions again from PayPal each day, and takes plans back whose time is over."""

import structlog

from server.billing import store
from server.billing.faults import ProviderRefused, ProviderUnavailable
from server.billing.rules import RETRY_MS
from server.billing.subscriptions import Subscriptions
from server.clock import Clock
from server.db.writer import Writer

# Each costs a call of PayPal.
_MAX_READ = 20
_log = structlog.get_logger()


class Rereading:
    """Looks at the subscriptions whose time has come; events of PayPal may have been lost."""

    def __init__(self, writer: Writer, clock: Clock, subscriptions: Subscriptions) -> None:
        self._writer = writer
        self._clock = clock
        self._subscriptions = subscriptions

    async def step(self) -> bool:
        """Looks at some; True if more may be due. One that PayPal does not show comes again later."""
        now = self._clock.now_ms()
        claimed = await self._writer.run(store.claim, now, now + RETRY_MS, _MAX_READ)
        for known in claimed:
            try:
                await self._subscriptions.look(known)
            except (ProviderRefused, ProviderUnavailable) as fault:
                _log.warning(
                    "a subscription cannot be read", org_id=known.org_id, id=known.id, problem=fault.message
                )
        return len(claimed) == _MAX_READ
