"""Records what a verification found, and which keys sign from then on."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import takewhile

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.schema import dkim_keys, domains
from server.domains import store
from server.domains.judging import judge_keys
from server.domains.keys import NewKey
from server.domains.rules import Checks, PublicKey, decide, signing_generation


async def add_generation(
    connection: AsyncConnection, org_id: str, id: str, keys: Sequence[NewKey], now_ms: int
) -> store.DomainRow:
    """Adds a new generation of keys beside the one that signs, in place of any that waits to be seen.

    Raises `DomainNotFound`.
    """
    row = await store.get(connection, org_id, id, lock=True)
    present = await store.public_keys(connection, org_id, id)
    first = present[0].generation if present else ""
    await store.drop_keys(connection, org_id, id, (key for key in present if key.generation != first))
    made = await connection.scalar(
        select(func.max(dkim_keys.c.created_at)).where(
            dkim_keys.c.org_id == org_id, dkim_keys.c.domain_id == id
        )
    )
    # Later than the others in any case, as that is how generations are told apart.
    await store.add_keys(connection, org_id, id, keys, max(now_ms, (made or 0) + 1))
    return row


async def record_checks(
    connection: AsyncConnection,
    org_id: str,
    id: str,
    checks: Checks,
    keys: Sequence[PublicKey],
    now_ms: int,
) -> store.DomainRow:
    """Stores what a verification found and returns the domain as it is then.

    Once DNS shows a whole new generation of keys, it signs from now on and the older ones are forgotten
    (F-11): at no moment is there none that signs.

    Raises `DomainNotFound` if it was removed meanwhile, `DomainOwnedElsewhere` if it would become verified
    while another organisation has verified it: then nothing is stored.
    """
    before = await store.get(connection, org_id, id, lock=True)
    # While DNS was asked, keys may have been replaced: what is gone must not take its elders' place.
    present = {key.selector for key in await store.public_keys(connection, org_id, id)}
    if any(key.selector not in present for key in keys):
        keys = [key for key in keys if key.selector in present]
        checks = replace(checks, dkim=judge_keys(keys))
    verified, status = decide(checks, verified=before.verified, status=before.status)
    if verified and not before.verified:
        await store.check_unowned(connection, org_id, before.domain)
    await connection.execute(
        update(domains)
        .where(domains.c.org_id == org_id, domains.c.id == id)
        .values(verified=verified, status=status, checked_at=now_ms, **asdict(checks))
    )
    await _record_keys(connection, org_id, id, keys, now_ms)
    return await store.get(connection, org_id, id)


async def take_as_verified(connection: AsyncConnection, org_id: str, id: str, now_ms: int) -> None:
    """Makes a domain verified on the operator's word, as if SPF and DKIM had been seen.

    Raises what `record_checks` does.
    """
    keys = [replace(key, status="verified") for key in await store.public_keys(connection, org_id, id)]
    await record_checks(connection, org_id, id, Checks(spf="verified", dkim="verified"), keys, now_ms)


async def _record_keys(
    connection: AsyncConnection, org_id: str, id: str, keys: Sequence[PublicKey], now_ms: int
) -> None:
    mine = update(dkim_keys).where(
        dkim_keys.c.org_id == org_id,
        dkim_keys.c.domain_id == id,
        dkim_keys.c.selector == bindparam("of_selector"),
    )
    signing = signing_generation(keys)
    if older := list(takewhile(lambda key: key not in signing, keys)):
        await store.drop_keys(connection, org_id, id, older)
    known = {"verified", "failed"}
    found = [key for key in signing if key.status in known]
    # A generation of which DNS does not show every key yet does not sign.
    unknown = [key for key in keys if key not in older and key not in found]
    if found:
        await connection.execute(
            mine.values(status=bindparam("found"), seen_at=bindparam("seen")),
            [
                {
                    "of_selector": key.selector,
                    "found": key.status,
                    "seen": now_ms if key.status == "verified" else None,
                }
                for key in found
            ],
        )
    if unknown:
        # A key that was seen signs on while DNS does not answer.
        await connection.execute(
            mine.values(status=bindparam("found")),
            [{"of_selector": key.selector, "found": key.status} for key in unknown],
        )
