"""Authenticates API keys (contract rows Z-1, Z-2)."""

import asyncio
import hmac
import json
from dataclasses import dataclass, field
from ipaddress import ip_network

from server.clock import Clock
from server.db.database import Database
from server.keys.mint import hash_of, id_of
from server.keys.store import live_keys
from server.keys.uses import MINUTE_MS, KeyUses
from server.newest import Newest
from server.wire.caller import KeyCaller
from server.wire.faults import InvalidCredentials

# Time in which a revocation by another process may go unnoticed; with a stream's second, 5 seconds (F-7).
CACHE_MS = 4_000
MAX_CACHED = 10_000
# Compared when there is no such key, so that both cases take the same time.
_NO_HASH = bytes(32)


@dataclass(slots=True)
class _Known:
    """A cached look-up of a key id, with its time; `caller` is None if no live key has the id."""

    asked_at: int
    caller: KeyCaller | None = None
    secret_hash: bytes = field(default=_NO_HASH, repr=False)
    last_used_at: int = 0


class _Recent(Newest[str, _Known]):
    """A cache of look-ups, the least recently used ones evicted first."""

    def fresh(self, id: str, now_ms: int) -> _Known | None:
        entry = self.get(id)
        # A clock that was set back must not lengthen an entry's life.
        if entry is None or not 0 <= now_ms - entry.asked_at < CACHE_MS:
            return None
        self.move_to_end(id)
        return entry


class ApiKeyAuthenticator:
    """Finds the caller of an API key.

    A look-up is cached for 4 seconds; concurrent look-ups of one id are joined into one.
    """

    def __init__(
        self, database: Database, clock: Clock, uses: KeyUses | None = None, *, max_cached: int = MAX_CACHED
    ) -> None:
        self._database = database
        self._clock = clock
        self._uses = uses
        self._live = _Recent(max_cached)
        # Separate, so that a flood of invented ids does not evict the real ones.
        self._unknown = _Recent(max_cached)
        self._look_ups: dict[str, asyncio.Task[_Known]] = {}

    async def authenticate(self, token: str) -> KeyCaller:
        """The caller of the key `token`. Raises `InvalidCredentials`."""
        id = id_of(token)
        if id is None:
            raise InvalidCredentials
        now = self._clock.now_ms()
        known = self._live.fresh(id, now) or self._unknown.fresh(id, now) or await self._look_up(id)
        proved = hmac.compare_digest(hash_of(token), known.secret_hash)
        caller = known.caller
        if not proved or caller is None:
            raise InvalidCredentials
        if caller.expires_at_ms is not None and caller.expires_at_ms <= now:
            raise InvalidCredentials
        self._note_use(known, caller, now)
        return caller

    def forget(self, id: str) -> None:
        """Removes this key from the cache, because it was created or revoked in this process."""
        self._live.pop(id, None)
        self._unknown.pop(id, None)
        # A look-up in progress may be older than the change: its result must not be cached.
        self._look_ups.pop(id, None)

    async def _look_up(self, id: str) -> _Known:
        look_up = self._look_ups.get(id)
        if look_up is None:
            look_up = self._look_ups[id] = asyncio.create_task(self._load(id))
            look_up.add_done_callback(lambda done: self._keep(id, done))
        # Shielded: a call that is cancelled must not cancel the look-up for the others.
        return await asyncio.shield(look_up)

    async def _load(self, id: str) -> _Known:
        asked_at = self._clock.now_ms()
        row = (await self._database.read(live_keys, [id])).get(id)
        if row is None:
            return _Known(asked_at)
        caller = KeyCaller(
            row.org_id,
            id,
            row.permission,
            allowed_domains=frozenset(json.loads(row.allowed_domains)),
            allowed_networks=tuple(ip_network(text) for text in json.loads(row.allowed_ips)),
            test=row.style == "test",
            expires_at_ms=row.expires_at,
        )
        return _Known(asked_at, caller, row.secret_hash, row.last_used_at or 0)

    def _keep(self, id: str, look_up: "asyncio.Task[_Known]") -> None:
        failed = look_up.cancelled() or look_up.exception() is not None
        if self._look_ups.get(id) is not look_up:
            return
        del self._look_ups[id]
        if not failed:
            known = look_up.result()
            (self._unknown if known.caller is None else self._live).keep(id, known)

    def _note_use(self, known: _Known, caller: KeyCaller, now: int) -> None:
        minute = now - now % MINUTE_MS
        if self._uses is not None and known.last_used_at < minute:
            known.last_used_at = minute
            self._uses.note(caller.org_id, caller.key_id, minute)
