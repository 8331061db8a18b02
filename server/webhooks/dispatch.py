"""Makes the calls: claims those that are due, signs and posts them, and records the results."""

import asyncio
import contextlib
import ssl
import time
from collections import Counter
from collections.abc import Mapping, Sequence

import structlog

from server.clock import Clock
from server.db.database import Database
from server.db.outage import RETRY_AFTER_S, CommitUnknown, StoreAway
from server.db.writer import Writer
from server.faults import Unavailable
from server.ids import new_id
from server.net.dns import Resolver
from server.net.http import CONNECT_S, TOTAL_S, GuardedClient
from server.owner import working_for
from server.sealing import Seal
from server.settings import Settings
from server.webhooks import due, queue, settling
from server.webhooks.concurrency import ConcurrencyLimiter
from server.webhooks.due import Backlog, CallId
from server.webhooks.formats.format import Format
from server.webhooks.formats.table import FORMATS
from server.webhooks.posting import Poster
from server.webhooks.queue import CallKey, Claim, Claimed, Renewal
from server.webhooks.receivers import Receivers, Superseded
from server.webhooks.schedule import MAX_AGE_S, Verdict, seconds_of, verdict
from server.webhooks.settling import Settled
from server.webhooks.store import WebhookKey
from server.work.backoff import jittered
from server.work.lease import Leases
from server.work.loop import Loop
from server.work.notifier import Notifier
from server.work.unsure import Unsure

CONCURRENCY = 256
PER_ORGANISATION = 64
PER_WEBHOOK = 8
# Webhooks that one step visits, and the most that it claims calls for.
_VISITED = 256
_CLAIMED_FOR = 32
_POLL_S = 0.25
_MAX_DETAIL_CHARS = 500
_FIRST: WebhookKey = ("", "")
_FOREVER = 2**62
_USER_AGENT = "ZidiMail-Webhooks/1"
_log = structlog.get_logger()


class Dispatcher:
    """Makes the calls of the queue, as one of any number of processes that do.

    It looks for calls at each notification of `webhook_calls_due`, and polls for those of other processes.
    """

    def __init__(
        self,
        database: Database,
        writer: Writer,
        settings: Settings,
        clock: Clock,
        seal: Seal,
        resolver: Resolver,
        webhook_calls_due: Notifier,
        receivers: Receivers,
        *,
        formats: Mapping[str, Format] = FORMATS,
        tls: ssl.SSLContext | None = None,
        limiter: ConcurrencyLimiter | None = None,
        connect_s: float = CONNECT_S,
        total_s: float = TOTAL_S,
    ) -> None:
        self._database = database
        self._writer = writer
        self._settings = settings
        self._clock = clock
        self._client = GuardedClient(
            resolver,
            allow_private_networks=settings.allow_private_networks,
            user_agent=_USER_AGENT,
            tls=tls,
            connect_s=connect_s,
            total_s=total_s,
        )
        self._receivers = receivers
        self._poster = Poster(self._client, seal, formats, receivers)
        self._owner = new_id()
        self._lease_ms = round(settings.lease_s * 1000)
        self._limiter = limiter or ConcurrencyLimiter(CONCURRENCY, PER_ORGANISATION, PER_WEBHOOK)
        self._leases = Leases[CallKey]("webhooks.leases", self._renew, settings.lease_s)
        self._loop = Loop("webhooks.dispatch", self.step, pause_s=_POLL_S)
        self._calls: set[asyncio.Task[None]] = set()
        # The last webhook that was visited, and those with more due calls than the limits let us claim.
        self._after = _FIRST
        self._starved: set[WebhookKey] = set()
        self._released_at: int | None = None
        # Claims, releases and records whose outcome is not known.
        self._unsure = Unsure()
        webhook_calls_due.subscribe(self._loop.wake)

    async def start(self) -> None:
        """Begins to make calls."""
        self._leases.start()
        self._loop.start()

    async def stop(self) -> None:
        """Returns calls that were not begun to the queue, and waits for the others up to the drain time."""
        await self._loop.stop()
        await self._release(self._limiter.withdraw_all())
        if self._calls:
            _, late = await asyncio.wait(self._calls, timeout=self._settings.drain_s)
            for call in late:
                call.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._leases.stop()
        await self._client.close()

    async def step(self) -> bool:
        """Claims due calls and starts those that the limits allow; returns whether there may be more."""
        now = self._clock.now_ms()
        await self._return_unheld()
        await self._release_expired(now)
        if self._after == _FIRST:
            self._starved.clear()
        # Two reads, as the event loop decides what is wanted. The claim checks each call again.
        backlogs = await self._database.read(due.backlogs, self._after, _VISITED)
        wanted = self._wanted(backlogs, now)
        calls = await self._database.read(due.due, wanted, now) if wanted else []
        stale_before = now - round(MAX_AGE_S * 1000)
        if stale := [backlog.webhook for backlog in backlogs if backlog.due_at < stale_before]:
            await self._give_up_stale(stale, stale_before)
        claimed = await self._claim(calls) if calls else []
        counts = Counter((call.org_id, call.webhook_id) for call in calls)
        self._starved |= {key for key, limit in wanted if counts[key] >= limit}
        self._limiter.add(claimed)
        self._begin()
        return bool(claimed) or self._after != _FIRST

    def _wanted(self, backlogs: Sequence[Backlog], now: int) -> list[tuple[WebhookKey, int]]:
        """The webhooks to claim calls for, each with a limit; notes the last webhook that was visited."""
        self._after = backlogs[-1].webhook if len(backlogs) == _VISITED else _FIRST
        wanted: list[tuple[WebhookKey, int]] = []
        for backlog in backlogs:
            key = backlog.webhook
            if backlog.due_at > now:
                continue
            limit = self._limiter.capacity(key)
            if not limit:
                self._starved.add(key)
                continue
            wanted.append((key, limit))
            if len(wanted) == _CLAIMED_FOR:
                self._after = key
                break
        return wanted

    async def _release_expired(self, now: int) -> None:
        """Returns the calls of processes that died to the queue, three times in a lease.

        The only process of a SQLite store returns all leased calls at its start.
        """
        if self._released_at is None and self._database.is_sqlite:
            await self._writer.submit(queue.release_expired, [_FOREVER])
        elif self._released_at is not None and now - self._released_at < self._lease_ms // 3:
            return
        else:
            await self._writer.submit(queue.release_expired, [now])
        self._released_at = now

    async def _return_unheld(self) -> None:
        """After an outage, returns the calls that carry our name and are not held here."""
        if unsure := self._unsure.count:
            left = await self._database.read(queue.leased_by, self._owner)
            await self._writer.submit(queue.release, [key for key in left if key not in self._leases])
            self._unsure.made_sure(unsure)

    async def _release(self, keys: list[CallKey]) -> None:
        # Dropped first: what cannot be given back must not be renewed for ever.
        self._leases.drop(keys)
        with contextlib.suppress(Unavailable), self._unsure.change():
            await self._writer.submit(queue.release, keys)

    async def _claim(self, wanted: list[CallId]) -> list[Claimed]:
        at = self._leases.now()
        claim = Claim(self._owner, self._clock.now_ms() + self._lease_ms, wanted)
        with self._unsure.change():
            claimed = (await self._writer.submit(queue.claim, [claim]))[0]
        self._leases.hold((call.key for call in claimed), at)
        return claimed

    async def _renew(self, keys: list[CallKey]) -> set[CallKey]:
        renewal = Renewal(self._owner, self._clock.now_ms() + self._lease_ms, keys)
        return (await self._writer.submit(queue.renew, [renewal]))[0]

    async def _give_up_stale(self, keys: list[WebhookKey], before: int) -> None:
        given_up = await self._writer.submit(queue.give_up_stale, [(key, before) for key in keys])
        _log.warning("webhook calls were too old to be made", webhooks=len(keys), calls=sum(given_up))

    def _begin(self) -> None:
        for call in self._limiter.start():
            task = asyncio.create_task(self._make(call), name="webhooks.call")
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)

    async def _make(self, call: Claimed) -> None:
        succeeded: bool | None = None
        try:
            succeeded = await self._attempt(call)
        except Unavailable:
            # It comes back to the queue when the store does, and is made again.
            self._unsure.add()
        except Exception:
            # Its lease runs out, and then the call is made again.
            _log.exception("a webhook call was not recorded", webhook_id=call.key.webhook_id)
        finally:
            webhook = call.key.webhook
            self._leases.drop([call.key])
            self._limiter.finish(call.key, succeeded=succeeded)
            # The other calls would wait here for long.
            withdrawn = self._limiter.withdraw(webhook) if succeeded is False else []
            if not self._loop.stopping:
                self._begin()
        if withdrawn:
            await self._release(withdrawn)
            self._starved.add(webhook)
        if webhook in self._starved and self._limiter.capacity(webhook):
            self._starved.discard(webhook)
            self._loop.wake()

    async def _attempt(self, call: Claimed) -> bool | None:
        """Makes one attempt and records it; whether it succeeded, None if it may not be made any more."""
        # Another process may have claimed a call that waited here for too long.
        if not self._leases.holds(call.key):
            return None
        receiver = await self._receivers.current(call.key.webhook)
        if receiver is None:
            await self._release([call.key])
            return None
        attempted_at, began = self._clock.now_ms(), time.monotonic()
        try:
            with working_for(call.key.org_id):
                response, failure = await self._poster.post(call, receiver, attempted_at // 1000)
        except Superseded:
            return await self._attempt(call)
        now = self._clock.now_ms()
        judged = verdict(
            call.attempts + 1,
            response.status if response else None,
            seconds_of(response.retry_after, now) if response else None,
            (now - call.created_at) / 1000,
        )
        succeeded = judged.outcome == "delivered"
        disabled = await self._record(
            Settled(
                key=call.key,
                attempt=call.attempts + 1,
                earlier=call.earlier,
                began_at=call.created_at,
                succeeded=succeeded,
                status_code=response.status if response else None,
                error=failure.kind if failure else "",
                detail=_storable(str(failure)) if failure else "",
                response=response.body if response else b"",
                duration_ms=round((time.monotonic() - began) * 1000),
                attempted_at=attempted_at,
                next_at=_next_at(judged, now),
                gone=judged.outcome == "gone",
            )
        )
        if disabled is not None:
            org_id, webhook_id = call.key.webhook
            _log.warning("a webhook was disabled", org_id=org_id, webhook_id=webhook_id, reason=disabled)
        return succeeded

    async def _record(self, settled: Settled) -> str | None:
        """Records an attempt, in an outage repeatedly while its lease lasts: the receiver has the event."""
        while True:
            try:
                return (await self._writer.submit(settling.settle, [settled]))[0]
            except CommitUnknown:
                raise
            except StoreAway:
                if self._loop.stopping or not self._leases.holds(settled.key):
                    raise
                await asyncio.sleep(jittered(RETRY_AFTER_S))


def _next_at(judged: Verdict, now_ms: int) -> int | None:
    return None if judged.delay_s is None else now_ms + round(judged.delay_s * 1000)


def _storable(text: str) -> str:
    """A text that may quote a receiver's bytes, without characters that a store refuses."""
    return text[:_MAX_DETAIL_CHARS].replace("\0", "").encode("utf-8", "replace").decode()
