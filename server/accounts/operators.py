"""Operators: users that are marked so, and tokens of programs (contract row C-76)."""

import hmac
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import insert, select, update

from server.accounts.store import UserRow, user_of
from server.clock import Clock
from server.db.database import Database
from server.db.tables.accounts import users
from server.db.tables.operators import operator_tokens
from server.db.tx import Tx
from server.ids import new_id
from server.keys.mint import hash_of
from server.newest import Newest
from server.wire.caller import OperatorCaller
from server.wire.faults import InvalidCredentials
from server.work.gathered import Gathered

PREFIX = "zo_"
# The time in which a revocation may go unnoticed; with a stream's second, 5 seconds.
CACHE_MS = 4_000
_MAX_CACHED = 1_000
_SECRET_BYTES = 32
_TOKEN = re.compile(r"zo_([0-9a-f]{24})_[0-9a-f]{64}", re.ASCII)
# Compared when there is no such token, so that both cases take the same time.
_NO_HASH = bytes(32)


class TokenRow(NamedTuple):
    """A token without its secret; times are milliseconds since 1970 UTC."""

    id: str
    name: str
    created_at: int
    revoked_at: int | None


class _LiveToken(NamedTuple):
    id: str
    name: str
    secret_hash: bytes


@dataclass(frozen=True, slots=True)
class NewToken:
    """A new token: `token` is shown once."""

    id: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Known:
    asked_at: int
    token: _LiveToken | None = field(repr=False)


class OperatorTokens:
    """Finds the callers of operator tokens, `zo_<id>_<secret>`. A look-up is cached for 4 seconds."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known: Newest[str, _Known] = Newest(_MAX_CACHED)
        self._gathered = Gathered[str, _Known]("operator tokens", self._read)

    async def authenticate(self, token: str) -> OperatorCaller:
        """The caller of `token`. Raises `InvalidCredentials`."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise InvalidCredentials
        id = match[1]
        known = self._known.get(id)
        # A clock that was set back must not lengthen an entry's life.
        if known is None or not 0 <= self._clock.now_ms() - known.asked_at < CACHE_MS:
            known = (await self._gathered.of([id]))[id]
            self._known.keep(id, known)
        live = known.token
        if (
            not hmac.compare_digest(hash_of(token), _NO_HASH if live is None else live.secret_hash)
            or live is None
        ):
            raise InvalidCredentials
        return OperatorCaller(id, live.name)

    async def _read(self, ids: Collection[str]) -> Mapping[str, _Known]:
        asked_at = self._clock.now_ms()
        live = await self._database.read(_live_tokens, ids)
        return {id: _Known(asked_at, live.get(id)) for id in ids}


def add_token(tx: Tx, name: str, now_ms: int) -> NewToken:
    """Stores the hash of a new token."""
    id = new_id()
    token = f"{PREFIX}{id}_{secrets.token_hex(_SECRET_BYTES)}"
    row = {"id": id, "name": name, "secret_hash": hash_of(token), "created_at": now_ms}
    tx.change(insert(operator_tokens).values(row))
    return NewToken(id, token)


def tokens(tx: Tx) -> list[TokenRow]:
    """All tokens, newest first: they are few, and those that were revoked stay."""
    columns = [operator_tokens.c[name] for name in TokenRow._fields]
    return tx.all(TokenRow, select(*columns).order_by(operator_tokens.c.id.desc()))


def revoke_token(tx: Tx, id: str, now_ms: int) -> bool:
    """Revokes a token; False if there is none that counts. Sessions that it opened end with it."""
    this = (operator_tokens.c.id == id, operator_tokens.c.revoked_at.is_(None))
    return tx.change(update(operator_tokens).where(*this).values(revoked_at=now_ms)) == 1


def mark(tx: Tx, email: str, since_ms: int | None) -> UserRow | None:
    """Makes the user with this address an operator, or with None an operator no more; None if there is none.

    The sessions that an operator opened on behalf of others end with the mark.
    """
    user = user_of(tx, email)
    if user is not None and (since_ms is None or user.operator_since is None):
        tx.change(update(users).where(users.c.id == user.id).values(operator_since=since_ms))
    return user


def _live_tokens(tx: Tx, ids: Collection[str]) -> dict[str, _LiveToken]:
    columns = [operator_tokens.c[name] for name in _LiveToken._fields]
    this = (operator_tokens.c.id.in_(sorted(ids)), operator_tokens.c.revoked_at.is_(None))
    return {row.id: row for row in tx.all(_LiveToken, select(*columns).where(*this))}
