"""Registrations and password resets in the store, until the link in their mail is used or they expire."""

from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple, TypeAlias

from sqlalchemy import bindparam, delete, func, insert, select, update

from server.accounts.one_time_tokens import GivenToken
from server.db.tables.accounts import account_requests
from server.db.tx import Tx

Kind: TypeAlias = Literal["register", "reset"]
_MAX_SWEPT = 1_000


class RequestRow(NamedTuple):
    """A request that a mail answers; `details` is JSON, times are milliseconds since 1970 UTC."""

    id: str
    kind: Kind
    email: str
    details: str
    created_at: int
    expires_at: int


class Mailed(NamedTuple):
    """A request whose mail was written; `token_hash` is None if the mail has no link, or there is none."""

    id: str
    token_hash: bytes | None


class _Waiting(NamedTuple):
    id: str
    kind: Kind
    email: str
    details: str
    created_at: int
    expires_at: int
    token_hash: bytes | None


class _Count(NamedTuple):
    email: str
    kind: Kind
    links: int


_REQUEST = (
    account_requests.c.id,
    account_requests.c.kind,
    account_requests.c.email,
    account_requests.c.details,
    account_requests.c.created_at,
    account_requests.c.expires_at,
)


def add(tx: Tx, request: RequestRow) -> None:
    """Stores a new request."""
    tx.change(insert(account_requests).values(request._asdict()))


def unmailed(tx: Tx, limit: int) -> list[RequestRow]:
    """The oldest requests without a mail, locked; another server waits, and then counts their links too."""
    query = (
        select(*_REQUEST)
        .where(account_requests.c.mailed_at.is_(None))
        .order_by(account_requests.c.id)
        .limit(limit)
    )
    return tx.all(RequestRow, query.with_for_update())


def links_since(tx: Tx, emails: Collection[str], since_ms: int) -> dict[tuple[str, Kind], int]:
    """The number of links that were mailed to these addresses since a time, by address and kind."""
    query = (
        select(account_requests.c.email, account_requests.c.kind, func.count().label("links"))
        .where(
            account_requests.c.email.in_(sorted(emails)),
            account_requests.c.created_at > since_ms,
            account_requests.c.token_hash.is_not(None),
        )
        .group_by(account_requests.c.email, account_requests.c.kind)
    )
    return {(row.email, row.kind): row.links for row in tx.all(_Count, query)}


def record_mails(tx: Tx, mailed: Sequence[Mailed], now_ms: int) -> None:
    """Stores that the mails of these requests were written."""
    if mailed:
        tx.change(
            update(account_requests)
            .where(account_requests.c.id == bindparam("of_request"))
            .values(mailed_at=now_ms, token_hash=bindparam("hash")),
            [{"of_request": one.id, "hash": one.token_hash} for one in mailed],
        )


def take(tx: Tx, kind: Kind, token: GivenToken, now_ms: int) -> RequestRow | None:
    """Removes the request of this token, which works once; None if there is none or it has expired."""
    query = select(*_REQUEST, account_requests.c.token_hash).where(
        account_requests.c.id == token.id,
        account_requests.c.kind == kind,
        account_requests.c.expires_at > now_ms,
    )
    found = tx.first(_Waiting, query.with_for_update())
    if found is None or not token.matches(found.token_hash):
        return None
    tx.change(delete(account_requests).where(account_requests.c.id == token.id))
    return RequestRow(*found[:-1])


def drop(tx: Tx, email: str, kind: Kind) -> None:
    """Removes all requests of a kind for an address, as one of them was used."""
    tx.change(
        delete(account_requests).where(account_requests.c.email == email, account_requests.c.kind == kind)
    )


def sweep(tx: Tx, now_ms: int) -> bool:
    """Deletes some requests after their time; True if more may be left."""
    old = select(account_requests.c.id).where(account_requests.c.expires_at <= now_ms).limit(_MAX_SWEPT)
    changed = tx.change(delete(account_requests).where(account_requests.c.id.in_(old.scalar_subquery())))
    return changed == _MAX_SWEPT
