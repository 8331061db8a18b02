"""Bounces that suppress the address they came from."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.keys import among
from server.db.schema import emails, unclear_bounces
from server.db.upsert import upserting
from server.suppressions import store
from server.suppressions.rules import UNCLEAR_WITHIN_MS, blame
from server.suppressions.store import NewSuppression

_KEY = (unclear_bounces.c.org_id, unclear_bounces.c.address)
_EMAIL = (emails.c.org_id, emails.c.id)
_SWEPT_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Bounce:
    """A recipient that bounced: its bare address, the reply's enhanced status code and text."""

    org_id: str
    email_id: str
    address: str
    enhanced_status: str
    text: str


async def suppress_bounced(connection: AsyncConnection, bounces: Sequence[Bounce], now_ms: int) -> None:
    """Suppresses the addresses that bounced for good, in the transaction that records the bounces.

    A bounce that does not say why suppresses if it is the second one in 72 hours. Test mail, which never
    left the building, suppresses nobody.
    """
    blamed = [(bounce, blame(bounce.enhanced_status, bounce.text)) for bounce in bounces]
    blamed = [(bounce, whom) for bounce, whom in blamed if whom != "other"]
    if not blamed:
        return
    real = await _of_real_mail(connection, [bounce for bounce, _ in blamed])
    gone = [bounce for bounce, whom in blamed if whom == "mailbox" and bounce in real]
    unclear = [bounce for bounce, whom in blamed if whom == "unclear" and bounce in real]
    if unclear:
        gone += await _repeated(connection, unclear, now_ms)
    await store.add(
        connection,
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


async def sweep(connection: AsyncConnection, now_ms: int) -> bool:
    """Forgets unclear bounces that are too old to count; True if there may be more of them."""
    is_old = unclear_bounces.c.bounced_at <= now_ms - UNCLEAR_WITHIN_MS
    rows = (await connection.execute(select(*_KEY).where(is_old).limit(_SWEPT_AT_ONCE))).all()
    if rows:
        await connection.execute(delete(unclear_bounces).where(among(connection, _KEY, rows), is_old))
    return len(rows) == _SWEPT_AT_ONCE


async def _of_real_mail(connection: AsyncConnection, bounces: Sequence[Bounce]) -> set[Bounce]:
    keys = {(bounce.org_id, bounce.email_id) for bounce in bounces}
    rows = await connection.execute(select(*_EMAIL).where(among(connection, _EMAIL, keys), ~emails.c.test))
    real = {(org_id, email_id) for org_id, email_id in rows}
    return {bounce for bounce in bounces if (bounce.org_id, bounce.email_id) in real}


async def _repeated(connection: AsyncConnection, bounces: Sequence[Bounce], now_ms: int) -> list[Bounce]:
    """Those of the bounces that are not the first of their address within 72 hours; remembers the others."""
    keys = {(bounce.org_id, bounce.address.lower()) for bounce in bounces}
    rows = await connection.execute(
        select(*_KEY).where(
            among(connection, _KEY, keys), unclear_bounces.c.bounced_at > now_ms - UNCLEAR_WITHIN_MS
        )
    )
    seen = {(org_id, address) for org_id, address in rows}
    repeated = []
    for bounce in bounces:
        key = (bounce.org_id, bounce.address.lower())
        if key in seen:
            repeated.append(bounce)
        seen.add(key)
    statement = upserting(connection.dialect.name, unclear_bounces)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=_KEY, set_={"bounced_at": statement.excluded.bounced_at}
        ),
        [{"org_id": org_id, "address": address, "bounced_at": now_ms} for org_id, address in sorted(keys)],
    )
    return repeated
