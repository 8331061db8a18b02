"""DKIM keys change without a gap, on both engines (F-11).

At no moment is there a key that signs and that DNS does not show, or none that signs.
"""

import pytest

from server.db.database import Database
from server.db.writer import Writer
from server.domains import store
from server.domains.keys import NewKey
from server.domains.recording import add_generation, record_checks
from server.domains.rules import PublicKey, dkim_value
from server.domains.verify import Verifier
from server.faults import DomainNotFound
from tests.harness.clock import ManualClock
from tests.harness.dns_server import DnsFault, DnsServer
from tests.store.own_domains import (
    BOTH_SEEN,
    DOMAIN,
    NEVER_SIGNS,
    ORG,
    OTHER,
    add,
    published,
    record,
    signing,
    verify_until_it_counts,
)

SECOND = [NewKey("zm2r", "rsa", b"sealed", "MIIC"), NewKey("zm2e", "ed25519", b"sealed", "22qY")]
THIRD = [NewKey("zm3r", "rsa", b"sealed", "MIID"), NewKey("zm3e", "ed25519", b"sealed", "33qY")]


async def _rotate(writer: Writer, id: str, keys: list[NewKey] = SECOND, org_id: str = ORG) -> None:
    await writer.run(add_generation, org_id, id, keys, 1_000)


async def _selectors(database: Database, id: str) -> list[str]:
    return [key.selector for key in await database.read(store.public_keys, ORG, id)]


def _show(dns_server: DnsServer, *keys: NewKey) -> None:
    for key in keys:
        public = PublicKey(key.selector, key.algorithm, key.public_key)
        dns_server.zones[f"{key.selector}._domainkey.{DOMAIN}", "TXT"] = [dkim_value(public)]


def _hide(dns_server: DnsServer, *keys: NewKey) -> None:
    for key in keys:
        del dns_server.zones[f"{key.selector}._domainkey.{DOMAIN}", "TXT"]


async def test_new_keys_sign_alone_once_dns_publishes_all_of_them(
    database: Database, writer: Writer, verifier: Verifier, dns_server: DnsServer, clock: ManualClock
) -> None:
    id = await published(database, writer, dns_server)
    await verifier.verify(ORG, id)
    await _rotate(writer, id)
    assert await _selectors(database, id) == ["zm1r", "zm1e", "zm2r", "zm2e"]
    assert await signing(database, (ORG, id)) == {(ORG, id): ["zm1r", "zm1e"]}
    for shown in ([], [SECOND[0]]):
        _show(dns_server, *shown)
        verification = await verifier.verify(ORG, id)
        assert verification.domain.verified
        assert await signing(database, (ORG, id)) == {(ORG, id): ["zm1r", "zm1e"]}
    _show(dns_server, SECOND[1])
    verification = await verifier.verify(ORG, id)
    assert verification.domain.verified
    assert [key.selector for key in verification.keys] == ["zm2r", "zm2e"]
    assert await signing(database, (ORG, id)) == {(ORG, id): ["zm2r", "zm2e"]}
    _hide(dns_server, *NEVER_SIGNS)
    assert (await verifier.verify(ORG, id)).domain.verified
    _hide(dns_server, *SECOND)
    assert not (await verify_until_it_counts(verifier, clock, id)).domain.verified


async def test_old_keys_removed_too_early_fail_the_verification(
    database: Database, writer: Writer, verifier: Verifier, dns_server: DnsServer, clock: ManualClock
) -> None:
    id = await published(database, writer, dns_server)
    await verifier.verify(ORG, id)
    await _rotate(writer, id)
    _hide(dns_server, NEVER_SIGNS[0])
    assert not (await verify_until_it_counts(verifier, clock, id)).domain.verified


async def test_old_keys_sign_while_dns_does_not_answer_for_the_new_ones(
    database: Database, writer: Writer, verifier: Verifier, dns_server: DnsServer
) -> None:
    id = await published(database, writer, dns_server)
    await verifier.verify(ORG, id)
    await _rotate(writer, id)
    for key in SECOND:
        dns_server.zones[f"{key.selector}._domainkey.{DOMAIN}", "TXT"] = DnsFault.SERVFAIL
    verification = await verifier.verify(ORG, id)
    assert (verification.domain.verified, verification.domain.dkim) == (True, "verified")
    assert await signing(database, (ORG, id)) == {(ORG, id): ["zm1r", "zm1e"]}


async def test_a_second_rotation_replaces_the_keys_that_still_wait(
    database: Database, writer: Writer, verifier: Verifier, dns_server: DnsServer
) -> None:
    id = await published(database, writer, dns_server)
    await verifier.verify(ORG, id)
    await _rotate(writer, id)
    await _rotate(writer, id, THIRD)
    assert await _selectors(database, id) == ["zm1r", "zm1e", "zm3r", "zm3e"]
    _show(dns_server, *SECOND)
    await verifier.verify(ORG, id)
    assert await signing(database, (ORG, id)) == {(ORG, id): ["zm1r", "zm1e"]}


async def test_keys_replaced_during_a_verification_leave_the_old_ones_signing(
    database: Database, writer: Writer
) -> None:
    """The keys that were seen in DNS are gone from the store by the time that the result is recorded."""
    id = await add(writer)
    await record(writer, id, BOTH_SEEN)
    await _rotate(writer, id)
    before = await database.read(store.public_keys, ORG, id)
    seen = [PublicKey(key.selector, key.algorithm, key.data, "verified") for key in before]
    await _rotate(writer, id, THIRD)
    await writer.run(record_checks, ORG, id, BOTH_SEEN, seen, 3_000)
    assert await signing(database, (ORG, id)) == {(ORG, id): ["zm1r", "zm1e"]}
    assert await _selectors(database, id) == ["zm1r", "zm1e", "zm3r", "zm3e"]


async def test_keys_of_another_organisations_domain_are_not_rotated(writer: Writer) -> None:
    """C-48."""
    id = await add(writer)
    with pytest.raises(DomainNotFound):
        await _rotate(writer, id, org_id=OTHER)
