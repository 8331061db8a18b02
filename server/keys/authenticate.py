"""Recognises the owner of an API key (contract rows Z-1, Z-2)."""

import asyncio
import hmac
import json
from collections import OrderedDict
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import cast

from server.clock import Clock
from server.db.engine import Database
from server.keys.mint import hash_of, id_of
from server.keys.store import live_keys
from server.keys.uses import MINUTE_MS, KeyUses
from server.wire.caller import KeyCaller, PermissionName
from server.wire.faults import InvalidCredentials

# How long another process's revocation may go unnoticed here: with the second of a stream, 5 (F-7).
CACHE_MS = 4_000
MAX_CACHED = 10_000
# Compared with when there is no such key, so that the answer takes the same path either way.
_NO_HASH = bytes(32)


@dataclass(slots=True)
class _Known:
    """What the store said about an id, and when it was asked; `caller` is None for no live key."""

    asked_at: int
    caller: KeyCaller | None = None
    secret_hash: bytes = field(default=_NO_HASH, repr=False)
    last_used_at: int = 0


class _Recent:
    """The most recently used entries, so many at most."""

    def __init__(self, size: int) -> None:
        self._entries: OrderedDict[str, _Known] = OrderedDict()
        self._size = size

    def get(self, id: str, now_ms: int) -> _Known | None:
        entry = self._entries.get(id)
        # A clock that was set back must not lengthen an entry's life.
        if entry is None or not 0 <= now_ms - entry.asked_at < CACHE_MS:
            return None
        self._entries.move_to_end(id)
        return entry

    def put(self, id: str, entry: _Known) -> None:
        self._entries[id] = entry
        self._entries.move_to_end(id)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def drop(self, id: str) -> None:
        self._entries.pop(id, None)


class ApiKeyAuthenticator:
    """Finds the caller that an API key belongs to.

    What the store says about a key's id is believed for 4 seconds; concurrent questions about one id are
    asked once.
    """

    def __init__(self, database: Database, clock: Clock, uses: KeyUses | None = None) -> None:
        self._database = database
        self._clock = clock
        self._uses = uses
        self._live = _Recent(MAX_CACHED)
        # Apart, so that a flood of invented ids does not push the real ones out.
        self._unknown = _Recent(MAX_CACHED)
        self._flights: dict[str, asyncio.Task[_Known]] = {}

    async def authenticate(self, token: str) -> KeyCaller:
        """The caller whose key this is. Raises `InvalidCredentials`."""
        id = id_of(token)
        if id is None:
            raise InvalidCredentials
        now = self._clock.now_ms()
        known = self._live.get(id, now) or self._unknown.get(id, now) or await self._ask(id)
        proved = hmac.compare_digest(hash_of(token), known.secret_hash)
        caller = known.caller
        if not proved or caller is None:
            raise InvalidCredentials
        if caller.expires_at_ms is not None and caller.expires_at_ms <= now:
            raise InvalidCredentials
        self._note_use(known, caller, now)
        return caller

    def forget(self, id: str) -> None:
        """Makes the next call ask the store about this key: it was made or revoked here."""
        self._live.drop(id)
        self._unknown.drop(id)
        # An answer that is under way may be older than the change: it must not be kept.
        self._flights.pop(id, None)

    async def _ask(self, id: str) -> _Known:
        flight = self._flights.get(id)
        if flight is None:
            flight = self._flights[id] = asyncio.create_task(self._load(id))
            flight.add_done_callback(lambda done: self._landed(id, done))
        # Shielded: a caller who gives up must not take the answer from the others.
        return await asyncio.shield(flight)

    async def _load(self, id: str) -> _Known:
        asked_at = self._clock.now_ms()
        async with self._database.read() as connection:
            row = (await live_keys(connection, [id])).get(id)
        if row is None:
            return _Known(asked_at)
        caller = KeyCaller(
            row.org_id,
            id,
            cast(PermissionName, row.permission),
            allowed_domains=frozenset(json.loads(row.allowed_domains)),
            allowed_networks=tuple(ip_network(text) for text in json.loads(row.allowed_ips)),
            test=row.style == "test",
            expires_at_ms=row.expires_at,
        )
        return _Known(asked_at, caller, row.secret_hash, row.last_used_at or 0)

    def _landed(self, id: str, flight: "asyncio.Task[_Known]") -> None:
        failed = flight.cancelled() or flight.exception() is not None
        if self._flights.get(id) is not flight:
            return
        del self._flights[id]
        if not failed:
            known = flight.result()
            (self._unknown if known.caller is None else self._live).put(id, known)

    def _note_use(self, known: _Known, caller: KeyCaller, now: int) -> None:
        minute = now - now % MINUTE_MS
        if self._uses is not None and known.last_used_at < minute:
            known.last_used_at = minute
            self._uses.note(caller.org_id, caller.key_id, minute)
