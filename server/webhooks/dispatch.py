"""Makes the calls: claims those that are due, signs and posts them, records what came of each."""

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import Sequence

import structlog
from cryptography.exceptions import InvalidTag

from server.clock import Clock
from server.db.engine import Database
from server.db.writer import Writer
from server.ids import new_id
from server.net.dns import Resolver
from server.net.http import CONNECT_S, TOTAL_S, GuardedClient, NoResponse, Response
from server.sealing import Seal
from server.settings import Settings
from server.webhooks import queue, settling, store
from server.webhooks.lanes import Lanes
from server.webhooks.queue import CallKey, Claim, Claimed, Renewal
from server.webhooks.schedule import MAX_AGE_S, Verdict, seconds_of, verdict
from server.webhooks.settling import Settled
from server.webhooks.signing import signed_headers
from server.webhooks.store import Key
from server.work.lease import Leases
from server.work.loop import Loop

CONCURRENCY = 256
PER_ORGANISATION = 64
PER_WEBHOOK = 8
# How many webhooks one look at the queue visits, and how many it claims calls for.
_LINES = 256
_CLAIMED_LINES = 32
_POLL_S = 0.25
_MAX_DETAIL_CHARS = 500
_FIRST: Key = ("", "")
_FOREVER = 2**62
_USER_AGENT = "ZidiMail-Webhooks/1"
_log = structlog.get_logger()


class Dispatcher:
    """Makes the calls of the queue, as one of any number of processes that do."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        settings: Settings,
        clock: Clock,
        seal: Seal,
        resolver: Resolver,
        *,
        tls: ssl.SSLContext | None = None,
        lanes: Lanes | None = None,
        connect_s: float = CONNECT_S,
        total_s: float = TOTAL_S,
    ) -> None:
        self._database = database
        self._writer = writer
        self._settings = settings
        self._clock = clock
        self._seal = seal
        self._client = GuardedClient(
            resolver,
            allow_private_networks=settings.allow_private_networks,
            user_agent=_USER_AGENT,
            tls=tls,
            connect_s=connect_s,
            total_s=total_s,
        )
        self._owner = new_id()
        self._lease_ms = round(settings.lease_s * 1000)
        self._lanes = lanes or Lanes(CONCURRENCY, PER_ORGANISATION, PER_WEBHOOK)
        self._leases = Leases[CallKey]("webhooks.leases", self._renew, settings.lease_s)
        self._loop = Loop("webhooks.dispatch", self.step, pause_s=_POLL_S)
        self._calls: set[asyncio.Task[None]] = set()
        # Where the next look at the queue goes on, and webhooks whose calls wait for room here.
        self._after = _FIRST
        self._starved: set[Key] = set()
        self._released_at: int | None = None

    async def start(self) -> None:
        """Begins to make calls."""
        self._leases.start()
        self._loop.start()

    def wake(self) -> None:
        """There are new calls: do not wait for the next poll."""
        self._loop.wake()

    async def stop(self) -> None:
        """Gives back what was not begun and waits for what was, as long as a drain may take."""
        await self._loop.stop()
        await self._give_back(self._lanes.withdraw_all())
        if self._calls:
            _, late = await asyncio.wait(self._calls, timeout=self._settings.drain_s)
            for call in late:
                call.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._leases.stop()
        await self._client.close()

    async def step(self) -> bool:
        """Claims due calls and starts what may start; whether there may be more to claim at once."""
        now = self._clock.now_ms()
        await self._release_expired(now)
        if self._after == _FIRST:
            self._starved.clear()
        async with self._database.read() as connection:
            lines = await queue.lines(connection, self._after, _LINES)
            wanted = self._wanted(lines, now)
            calls = await queue.due(connection, wanted, now) if wanted else []
        stale_before = now - round(MAX_AGE_S * 1000)
        if stale := [(line.org_id, line.webhook_id) for line in lines if line.due_at < stale_before]:
            await self._give_up_stale(stale, stale_before)
        claimed = await self._claim(calls) if calls else []
        counts = Counter(call[:2] for call in calls)
        self._starved |= {key for key, room in wanted if counts[key] >= room}
        self._lanes.add(claimed)
        self._begin()
        return bool(claimed) or self._after != _FIRST

    def _wanted(self, lines: Sequence[store.WebhookRow], now: int) -> list[tuple[Key, int]]:
        """The webhooks to claim calls for, and how many; notes where the next look goes on."""
        self._after = (lines[-1].org_id, lines[-1].webhook_id) if len(lines) == _LINES else _FIRST
        wanted: list[tuple[Key, int]] = []
        for line in lines:
            key = (line.org_id, line.webhook_id)
            if line.due_at > now:
                continue
            room = self._lanes.room(key)
            if not room:
                self._starved.add(key)
                continue
            wanted.append((key, room))
            if len(wanted) == _CLAIMED_LINES:
                self._after = key
                break
        return wanted

    async def _release_expired(self, now: int) -> None:
        """Takes calls back from processes that died, now and then; an only process takes all at its start."""
        if self._released_at is None and self._database.is_sqlite:
            await self._writer.submit(queue.release_expired, [_FOREVER])
        elif self._released_at is not None and now - self._released_at < self._lease_ms // 3:
            return
        else:
            await self._writer.submit(queue.release_expired, [now])
        self._released_at = now

    async def _give_back(self, keys: list[CallKey]) -> None:
        try:
            await self._writer.submit(queue.release, keys)
        except Exception:
            _log.exception("webhook calls were not given back; their leases run out", calls=len(keys))
        self._leases.drop(keys)

    async def _claim(self, wanted: list[tuple[str, str, str]]) -> list[Claimed]:
        at = self._leases.now()
        claim = Claim(self._owner, self._clock.now_ms() + self._lease_ms, wanted)
        claimed = (await self._writer.submit(queue.claim, [claim]))[0]
        self._leases.hold((call.key for call in claimed), at)
        return claimed

    async def _renew(self, keys: list[CallKey]) -> set[CallKey]:
        renewal = Renewal(self._owner, self._clock.now_ms() + self._lease_ms, keys)
        return (await self._writer.submit(queue.renew, [renewal]))[0]

    async def _give_up_stale(self, keys: list[Key], before: int) -> None:
        given_up = await self._writer.submit(queue.give_up_stale, [(key, before) for key in keys])
        _log.warning("webhook calls were too old to be made", webhooks=len(keys), calls=sum(given_up))

    def _begin(self) -> None:
        for call in self._lanes.start():
            task = asyncio.create_task(self._make(call), name="webhooks.call")
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)

    async def _make(self, call: Claimed) -> None:
        succeeded: bool | None = None
        try:
            # Another process may have taken a call over that waited here too long.
            if self._leases.holds(call.key):
                succeeded = await self._attempt(call)
        except Exception:
            # Its lease runs out, and it is made again.
            _log.exception("a webhook call was not recorded", webhook_id=call.key.webhook_id)
        finally:
            webhook = (call.key.org_id, call.key.webhook_id)
            self._leases.drop([call.key])
            self._lanes.finish(call.key, succeeded=succeeded)
            # What waits here for a webhook in trouble, or gone, would wait long.
            back = self._lanes.withdraw(webhook) if succeeded is False else []
            if not self._loop.stopping:
                self._begin()
        if back:
            await self._give_back(back)
            self._starved.add(webhook)
        if webhook in self._starved and self._lanes.room(webhook):
            self._starved.discard(webhook)
            self._loop.wake()

    async def _attempt(self, call: Claimed) -> bool:
        """Makes one attempt and records it; whether the webhook took it."""
        attempted_at, began = self._clock.now_ms(), time.monotonic()
        response, failure = await self._post(call, attempted_at // 1000)
        duration_ms = round((time.monotonic() - began) * 1000)
        now = self._clock.now_ms()
        attempt = call.attempts + 1
        judged = verdict(
            attempt,
            response.status if response else None,
            seconds_of(response.retry_after, now) if response else None,
            (now - call.created_at) / 1000,
        )
        succeeded = judged.outcome == "delivered"
        (disabled,) = await self._writer.submit(
            settling.settle,
            [
                Settled(
                    key=call.key,
                    attempt=attempt,
                    earlier=call.earlier,
                    began_at=call.created_at,
                    succeeded=succeeded,
                    status_code=response.status if response else None,
                    error=failure.kind if failure else "",
                    detail=_storable(str(failure)) if failure else "",
                    response=response.body if response else b"",
                    duration_ms=duration_ms,
                    attempted_at=attempted_at,
                    next_at=_next_at(judged, now),
                    gone=judged.outcome == "gone",
                )
            ],
        )
        if disabled is not None:
            org_id, webhook_id, *_ = call.key
            _log.warning("a webhook was disabled", org_id=org_id, webhook_id=webhook_id, reason=disabled)
        return succeeded

    async def _post(self, call: Claimed, timestamp_s: int) -> tuple[Response | None, NoResponse | None]:
        try:
            secrets = [self._opened(call, sealed) for sealed in _secrets(call, timestamp_s * 1000)]
        except (InvalidTag, ValueError):
            return None, NoResponse("sealed", "the secret was sealed under another ZIDIMAIL_SECRET")
        headers = signed_headers(secrets, call.key.event_id, call.type, timestamp_s, call.body)
        headers["Content-Type"] = "application/json"
        try:
            return await self._client.post(call.url, call.body, headers), None
        except NoResponse as failure:
            return None, failure

    def _opened(self, call: Claimed, sealed: bytes) -> str:
        return self._seal.open(sealed, store.seal_context(call.key.webhook_id)).decode()


def _secrets(call: Claimed, now_ms: int) -> list[bytes]:
    """The sealed secrets that are good now, the newest first."""
    until = call.secret_before_until
    if call.secret_before is None or until is None or until <= now_ms:
        return [call.secret]
    return [call.secret, call.secret_before]


def _next_at(judged: Verdict, now_ms: int) -> int | None:
    return None if judged.delay_s is None else now_ms + round(judged.delay_s * 1000)


def _storable(text: str) -> str:
    """A text that may quote a receiver's bytes, without what a store refuses."""
    return text[:_MAX_DETAIL_CHARS].replace("\0", "").encode("utf-8", "replace").decode()
