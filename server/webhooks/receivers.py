"""The receivers of calls as they are when a call begins (contract row C-95).

A process begins no call with a receiver that it read longer than `FRESH_S` ago: when the call has its
connection it looks again. So whoever changes a webhook answers later than that: no call of any process begins
with what was before.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from server.db.database import Database
from server.faults import Unavailable
from server.newest import Newest
from server.webhooks import store
from server.webhooks.store import Endpoint, WebhookKey
from server.work.gathered import Gathered

FRESH_S = 0.25
# The time from the commit of a change to its answer. It is longer by the time that a busy process may take
# from its look at the receiver to the first byte.
_SETTLED_S = 2 * FRESH_S
# Of reads that take longer than `FRESH_S`: the store is in trouble.
_MAX_READS = 3
_MAX_KNOWN = 10_000


@dataclass(frozen=True, slots=True)
class _Known:
    """A receiver, None if its webhook is gone, and when the read of it began."""

    endpoint: Endpoint | None
    read_at: float


class Superseded(Exception):
    """The webhook was changed while its call waited for a connection."""


class Receivers:
    """The receivers of this process; the servicer and the dispatcher share it."""

    def __init__(self, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._known: Newest[WebhookKey, _Known] = Newest(_MAX_KNOWN)
        self._gathered = Gathered[WebhookKey, _Known]("webhook receivers", self._read)
        self._changed_at = float("-inf")

    async def current(self, webhook: WebhookKey) -> Endpoint | None:
        """The receiver of a call that begins now; None if it may not be called any more.

        The call must begin before the caller waits for anything else. Raises `Unavailable`.
        """
        for _ in range(_MAX_READS):
            known = self._known.get(webhook)
            if known is not None and self._is_fresh(known):
                called = known.endpoint is not None and known.endpoint.is_called
                return known.endpoint if called else None
            self._known.keep(webhook, (await self._gathered.of([webhook]))[webhook])
        raise Unavailable(1.0)

    async def confirm(self, receiver: Endpoint) -> None:
        """To be awaited just before the first byte of a call: the receiver is as the call takes it to be.

        Raises `Superseded`, `Unavailable`.
        """
        if await self.current((receiver.org_id, receiver.id)) != receiver:
            raise Superseded

    async def changed(self) -> None:
        """To be awaited between the commit of a change and its answer: until no process uses what was before.

        SQLite has one process, which reads again at once.
        """
        self._changed_at = self._monotonic()
        if not self._database.is_sqlite:
            await asyncio.sleep(_SETTLED_S)

    def _is_fresh(self, known: _Known) -> bool:
        return known.read_at > self._changed_at and self._monotonic() - known.read_at < FRESH_S

    async def _read(self, webhooks: Collection[WebhookKey]) -> Mapping[WebhookKey, _Known]:
        read_at = self._monotonic()
        found = await self._database.read(store.endpoints, webhooks)
        return {webhook: _Known(found.get(webhook), read_at) for webhook in webhooks}
