"""Bounces that suppress the address they came from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import delete, select

from server.db.keys import in_keys
from server.db.statements import Change, Statement
from server.db.tables.emails import emails
from server.db.tables.suppressions import unclear_bounces
from server.db.tx import Tx
from server.suppressions import store
from server.suppressions.rules import UNCLEAR_WITHIN_MS, blame
from server.suppressions.store import NewSuppression

_KEY = (unclear_bounces.c.org_id, unclear_bounces.c.address)
_EMAIL = (emails.c.org_id, emails.c.id)
_MAX_SWEPT = 1000


class _BouncedAddress(NamedTuple):
    org_id: str
    address: str


class _EmailKey(NamedTuple):
    org_id: str
    id: str


# Remembers bounces, and returns those that are the first of their address within the time. The database
# decides: of two servers the second waits, and finds what the first one wrote.
_FIRST = Statement(
    _BouncedAddress,
    """
    INSERT INTO unclear_bounces (org_id, address, bounced_at)
    SELECT k.org_id, k.address, CAST(:now AS bigint) FROM {keys} AS k WHERE TRUE
    ORDER BY k.org_id, k.address
    ON CONFLICT (org_id, address) DO UPDATE SET bounced_at = excluded.bounced_at
        WHERE unclear_bounces.bounced_at <= :old
    RETURNING org_id, address
    """,
    keys={"org_id": "text", "address": "text"},
)
# The row is locked since `_FIRST`.
_AGAIN = Change("UPDATE unclear_bounces SET bounced_at = :now WHERE org_id = :org_id AND address = :address")


@dataclass(frozen=True, slots=True)
class Bounce:
    """A recipient that bounced: its bare address, the reply's enhanced status code and text."""

    org_id: str
    email_id: str
    address: str
    enhanced_status: str
    text: str


def suppress_bounced(tx: Tx, bounces: Sequence[Bounce], now_ms: int) -> None:
    """Suppresses the addresses that bounced for good, in the transaction that records the bounces.

    A bounce without a clear reason suppresses if it is the second one in 72 hours. Test mail, which is
    never sent out, suppresses no address.
    """
    blamed = [(bounce, blame(bounce.enhanced_status, bounce.text)) for bounce in bounces]
    blamed = [(bounce, cause) for bounce, cause in blamed if cause != "other"]
    if not blamed:
        return
    real = _of_real_mail(tx, [bounce for bounce, _ in blamed])
    gone = [bounce for bounce, cause in blamed if cause == "mailbox" and bounce in real]
    unclear = [bounce for bounce, cause in blamed if cause == "unclear" and bounce in real]
    if unclear:
        gone += _repeated(tx, unclear, now_ms)
    store.add(
        tx,
        [
            NewSuppression(
                org_id=bounce.org_id,
                address=bounce.address.lower(),
                origin="bounce",
                created_at=now_ms,
                source_id=bounce.email_id,
            )
            for bounce in gone
        ],
    )


def sweep(tx: Tx, now_ms: int) -> bool:
    """Deletes unclear bounces that are too old to count; True if more may be left."""
    is_old = unclear_bounces.c.bounced_at <= now_ms - UNCLEAR_WITHIN_MS
    found = tx.all(_BouncedAddress, select(*_KEY).where(is_old).limit(_MAX_SWEPT))
    if found:
        tx.change(delete(unclear_bounces).where(in_keys(tx, _KEY, found), is_old))
    return len(found) == _MAX_SWEPT


def _of_real_mail(tx: Tx, bounces: Sequence[Bounce]) -> set[Bounce]:
    """The bounces of emails that are not test mail."""
    keys = {(bounce.org_id, bounce.email_id) for bounce in bounces}
    real = set(tx.all(_EmailKey, select(*_EMAIL).where(in_keys(tx, _EMAIL, keys), ~emails.c.test)))
    return {bounce for bounce in bounces if (bounce.org_id, bounce.email_id) in real}


def _repeated(tx: Tx, bounces: Sequence[Bounce], now_ms: int) -> list[Bounce]:
    """The bounces that are not the first of their address within 72 hours; remembers all of them."""
    keys = {(bounce.org_id, bounce.address.lower()) for bounce in bounces}
    first: set[tuple[str, str]] = set(_FIRST.all(tx, keys, now=now_ms, old=now_ms - UNCLEAR_WITHIN_MS))
    seen = keys - first
    _AGAIN.run(
        tx, [{"org_id": org_id, "address": address, "now": now_ms} for org_id, address in sorted(seen)]
    )
    repeated = []
    for bounce in bounces:
        key = (bounce.org_id, bounce.address.lower())
        if key in seen:
            repeated.append(bounce)
        seen.add(key)
    return repeated
