"""Stores the results of a verification and decides which keys sign from then on (contract row F-11)."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import takewhile
from types import MappingProxyType

from sqlalchemy import bindparam, func, select, update

from server.db.tables.domains import dkim_keys, domains
from server.db.tx import Tx
from server.domains import store
from server.domains.checks import check_keys
from server.domains.findings import Findings, dump
from server.domains.keys import NewKey
from server.domains.rules import Checks, PublicKey, Standing, decide, signing_generation

_NO_FINDINGS: Findings = MappingProxyType({})


def add_generation(tx: Tx, org_id: str, id: str, keys: Sequence[NewKey], now_ms: int) -> store.DomainRow:
    """Adds a generation of keys beside the one that signs; a generation that DNS has not shown is replaced.

    Raises `DomainNotFound`.
    """
    row = store.get(tx, org_id, id, lock=True)
    present = store.public_keys(tx, org_id, id)
    first = present[0].generation if present else ""
    store.delete_keys(tx, org_id, id, (key for key in present if key.generation != first))
    made = tx.scalar(
        int,
        select(func.max(dkim_keys.c.created_at)).where(
            dkim_keys.c.org_id == org_id, dkim_keys.c.domain_id == id
        ),
    )
    # Always later than the others: generations are ordered by this time.
    store.add_keys(tx, org_id, id, keys, max(now_ms, (made or 0) + 1))
    return row


def record_checks(
    tx: Tx,
    org_id: str,
    id: str,
    checks: Checks,
    keys: Sequence[PublicKey],
    now_ms: int,
    findings: Findings = _NO_FINDINGS,
) -> store.DomainRow:
    """Stores the results of a verification and returns the domain with them.

    A new generation of keys signs as soon as DNS shows all of it; then the older ones are deleted (F-11), so
    that there is always a key that signs. While the domain stays verified, a key that DNS has shown signs on
    after a wrong answer (C-53).

    Raises `DomainNotFound` if the domain was removed meanwhile, and `DomainOwnedElsewhere`, storing nothing,
    if it would become verified although another organisation has verified it.
    """
    before = store.get(tx, org_id, id, lock=True)
    # Keys may have been replaced during the look-ups: a deleted key must not replace the older ones.
    present = {key.selector for key in store.public_keys(tx, org_id, id)}
    if any(key.selector not in present for key in keys):
        keys = [key for key in keys if key.selector in present]
        checks = replace(checks, dkim=check_keys(keys))
    standing = Standing(before.verified, before.status, before.failed_checks, before.failing_since)
    standing = decide(checks, standing, now_ms)
    if standing.verified and not before.verified:
        store.check_unowned(tx, org_id, before.domain)
    tx.change(
        update(domains)
        .where(domains.c.org_id == org_id, domains.c.id == id)
        .values(checked_at=now_ms, findings=dump(findings), **asdict(standing), **asdict(checks))
    )
    _record_keys(tx, org_id, id, keys, now_ms, keep=standing.verified)
    return store.get(tx, org_id, id)


def mark_verified(tx: Tx, org_id: str, id: str, now_ms: int) -> None:
    """Makes a domain verified by order of the operator, without a look-up in DNS.

    Raises what `record_checks` does.
    """
    keys = [key._replace(status="verified") for key in store.public_keys(tx, org_id, id)]
    record_checks(tx, org_id, id, Checks(spf="verified", dkim="verified"), keys, now_ms)


def _record_keys(tx: Tx, org_id: str, id: str, keys: Sequence[PublicKey], now_ms: int, *, keep: bool) -> None:
    mine = update(dkim_keys).where(
        dkim_keys.c.org_id == org_id,
        dkim_keys.c.domain_id == id,
        dkim_keys.c.selector == bindparam("of_selector"),
    )
    signing = signing_generation(keys)
    if older := list(takewhile(lambda key: key not in signing, keys)):
        store.delete_keys(tx, org_id, id, older)
    known = {"verified"} if keep else {"verified", "failed"}
    found = [key for key in signing if key.status in known]
    # A generation does not sign until DNS shows every key of it.
    unknown = [key for key in keys if key not in older and key not in found]
    if found:
        tx.change(
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
        # `seen_at` stays: a key that DNS has shown keeps signing while DNS does not answer, or if `keep`.
        tx.change(
            mine.values(status=bindparam("found")),
            [{"of_selector": key.selector, "found": key.status} for key in unknown],
        )
