"""Domains on both engines: ownership, permission to send, and verification by DNS."""

import asyncio

import pytest

from server.db.database import Database
from server.db.listing import PageRequest
from server.db.tables.domains import dkim_keys
from server.db.tx import Tx
from server.db.writer import Writer
from server.domains import store
from server.domains.faults import DomainAlreadyExists, DomainOwnedElsewhere
from server.domains.findings import load
from server.domains.keys import new_keys, private_key
from server.domains.recording import mark_verified
from server.domains.rules import FAILING_MS, Checks, PublicKey, dkim_value
from server.domains.verify import Verification, Verifier
from server.faults import DomainNotFound
from server.ids import new_id
from tests.harness.clock import ManualClock
from tests.harness.dns_server import DnsFault, DnsServer
from tests.harness.rows import row_count
from tests.harness.sqlite_plans import plans_of, scans
from tests.store.own_domains import (
    BOTH_SEEN,
    DOMAIN,
    HOSTNAME,
    NEVER_SIGNS,
    ORG,
    OTHER,
    SEAL,
    add,
    get,
    published,
    record,
    signing,
    verify_until_it_counts,
)


def _statuses(verification: Verification) -> tuple[str, ...]:
    row = verification.domain
    return row.spf, row.dkim, row.dmarc, row.return_path


# Ownership of domains.


async def test_an_organisation_adds_a_domain_once(database: Database, writer: Writer) -> None:
    """Z-30."""
    id = await add(writer)
    with pytest.raises(DomainAlreadyExists):
        await add(writer)
    row = await get(database, id)
    assert (row.domain, row.status, row.verified, row.created_at) == (DOMAIN, "pending", False, 1_000)


async def test_adding_a_domain_many_times_at_once_adds_it_once(database: Database, writer: Writer) -> None:
    outcomes = await asyncio.gather(*(add(writer) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, DomainAlreadyExists) for outcome in outcomes) == 9
    part = await database.read(store.page, ORG, PageRequest(50))
    keys = await row_count(database, dkim_keys)
    assert (len(part.rows), part.total, keys) == (1, 1, len(NEVER_SIGNS))


async def test_first_of_two_organisations_to_verify_owns_the_domain(
    database: Database, writer: Writer
) -> None:
    """C-45."""
    first, second = await add(writer), await add(writer, OTHER)
    assert (await record(writer, second, BOTH_SEEN, OTHER)).verified
    with pytest.raises(DomainOwnedElsewhere):
        await record(writer, first, BOTH_SEEN)
    row = await get(database, first)
    assert (row.verified, row.status, row.checked_at) == (False, "pending", None)
    with pytest.raises(DomainOwnedElsewhere):
        await add(writer, new_id())


async def test_one_of_two_concurrent_verifications_owns_the_domain(
    database: Database, writer: Writer
) -> None:
    """C-45."""
    orgs = [new_id() for _ in range(8)]
    ids = [await add(writer, org) for org in orgs]
    outcomes = await asyncio.gather(
        *(record(writer, id, BOTH_SEEN, org) for id, org in zip(ids, orgs, strict=True)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, DomainOwnedElsewhere) for outcome in outcomes) == 7
    owners = await database.read(store.verified_domains, [(org, DOMAIN) for org in orgs])
    assert len(owners) == 1


async def test_removed_domain_can_be_added_again(database: Database, writer: Writer) -> None:
    """Z-34."""
    id = await add(writer)
    await record(writer, id, BOTH_SEEN)
    await writer.run(store.remove, ORG, id)
    with pytest.raises(DomainNotFound):
        await get(database, id)
    assert await row_count(database, dkim_keys) == 0
    other = await add(writer, OTHER)
    assert (await record(writer, other, BOTH_SEEN, OTHER)).verified


async def test_subdomain_is_a_domain_of_its_own(database: Database, writer: Writer) -> None:
    """C-45: the exact host only."""
    parent = await add(writer, domain="example.com")
    await record(writer, parent, BOTH_SEEN)
    await add(writer, OTHER, "sub.example.com")
    found = await database.read(
        store.verified_domains,
        [(ORG, "example.com"), (ORG, "sub.example.com"), (OTHER, "sub.example.com")],
    )
    assert found == {(ORG, "example.com"): parent}


async def test_domain_of_another_organisation_is_not_found(database: Database, writer: Writer) -> None:
    """C-48."""
    id = await add(writer)
    await record(writer, id, BOTH_SEEN)
    with pytest.raises(DomainNotFound):
        await get(database, id, OTHER)
    with pytest.raises(DomainNotFound):
        await record(writer, id, Checks(spf="failed", dkim="failed"), OTHER)
    with pytest.raises(DomainNotFound):
        await writer.run(store.remove, OTHER, id)
    assert (await database.read(store.page, OTHER, PageRequest(50))).total == 0
    assert await database.read(store.public_keys, OTHER, id) == []
    assert await database.read(store.verified_domains, [(OTHER, DOMAIN)]) == {}
    assert await database.read(store.signing_keys, [(OTHER, id)]) == {}
    assert (await get(database, id)).verified


async def test_domains_are_listed_newest_first(database: Database, writer: Writer) -> None:
    """Z-31."""
    ids = [await add(writer, domain=f"d{n}.example.com") for n in range(5)]
    await add(writer, OTHER)
    first = await database.read(store.page, ORG, PageRequest(3))
    second = await database.read(store.page, ORG, PageRequest(3, offset=3))
    assert [row.id for row in (*first.rows, *second.rows)] == ids[::-1]
    assert (first.has_more, second.has_more, first.total) == (True, False, 5)


# Senders and signing keys.


async def test_many_senders_are_looked_up_in_one_query(database: Database, writer: Writer) -> None:
    """Z-12."""
    orgs = [new_id() for _ in range(100)]
    ids = {}
    for n, org in enumerate(orgs):
        ids[org, f"d{n}.example.com"] = id = await add(writer, org, f"d{n}.example.com")
        if n % 2 == 0:
            await record(writer, id, BOTH_SEEN, org)
    everything = [(org, f"d{n}.example.com") for org in orgs[:20] for n in range(100)] + list(ids)
    assert await database.read(store.verified_domains, []) == {}
    found = await database.read(store.verified_domains, everything)
    assert found == {pair: id for n, (pair, id) in enumerate(ids.items()) if n % 2 == 0}


async def test_only_the_requested_pairs_are_found(database: Database, writer: Writer) -> None:
    first = await add(writer, domain="a.example.com")
    second = await add(writer, domain="b.example.com")
    for id in (first, second):
        await record(writer, id, BOTH_SEEN)
    found = await database.read(store.verified_domains, [(ORG, "a.example.com"), (OTHER, "b.example.com")])
    keys = await database.read(store.signing_keys, [(ORG, first), (OTHER, second)])
    assert found == {(ORG, "a.example.com"): first}
    assert keys.keys() == {(ORG, first)}


def test_senders_are_looked_up_by_index_on_sqlite(sqlite_url: str) -> None:
    """A scan would slow every accepted email down by every domain there is; PostgreSQL's planner counts."""
    pairs = [(new_id(), "a.example.com"), (new_id(), "b.example.com")]
    assert scans(plans_of(sqlite_url, store.verified_domains, pairs)) == []
    assert scans(plans_of(sqlite_url, store.signing_keys, pairs)) == []


async def test_key_signs_only_while_dns_publishes_it(database: Database, writer: Writer) -> None:
    """F-11."""
    id = await add(writer)
    selectors = [key.selector for key in NEVER_SIGNS]
    assert await signing(database, (ORG, id)) == {}
    await record(writer, id, Checks(spf="failed", dkim="temporary_failure"))
    assert await signing(database, (ORG, id)) == {}
    await record(writer, id, BOTH_SEEN)
    assert await signing(database, (ORG, id), (OTHER, id), (ORG, new_id())) == {(ORG, id): selectors}
    await record(writer, id, Checks(spf="verified", dkim="temporary_failure"))
    assert await signing(database, (ORG, id)) == {(ORG, id): selectors}
    for at_ms in (0, 1_000, FAILING_MS):
        assert await signing(database, (ORG, id)) == {(ORG, id): selectors}
        await record(writer, id, Checks(spf="verified", dkim="failed"), at_ms=at_ms)
    assert await signing(database, (ORG, id)) == {}
    await record(writer, id, Checks(spf="verified", dkim="temporary_failure"))
    assert await signing(database, (ORG, id)) == {}


async def test_a_signing_key_opens_for_its_domain(database: Database, writer: Writer) -> None:
    id = new_id()
    keys = await new_keys(id, SEAL)

    def add(tx: Tx) -> None:
        store.add(tx, ORG, id, DOMAIN, keys, 1_000)
        mark_verified(tx, ORG, id, 2_000)

    await writer.run(add)
    signing = (await database.read(store.signing_keys, [(ORG, id)]))[ORG, id]
    assert [(key.domain, key.algorithm) for key in signing] == [(DOMAIN, "rsa"), (DOMAIN, "ed25519")]
    for key in signing:
        assert b"BEGIN PRIVATE KEY" in private_key(SEAL, id, key.selector, key.private_key)


# Verification by DNS.


async def test_domain_with_all_records_is_verified(
    database: Database, writer: Writer, verifier: Verifier, dns_server: DnsServer, clock: ManualClock
) -> None:
    """Z-33."""
    id = await published(database, writer, dns_server)
    verification = await verifier.verify(ORG, id)
    assert _statuses(verification) == ("verified",) * 4
    assert [key.status for key in verification.keys] == ["verified", "verified"]
    row = await get(database, id)
    assert (row.verified, row.status, row.checked_at) == (True, "verified", clock.now_ms())
    assert await database.read(store.verified_domains, [(ORG, DOMAIN)]) == {(ORG, DOMAIN): id}


async def test_spf_and_dkim_suffice(
    database: Database, writer: Writer, verifier: Verifier, dns_server: DnsServer
) -> None:
    """Z-33: DMARC and the return path are reported, and not needed."""
    id = await published(database, writer, dns_server)
    for name in (f"_dmarc.{DOMAIN}", f"rp.{DOMAIN}"):
        for kind in ("TXT", "MX"):
            dns_server.zones.pop((name, kind), None)
    verification = await verifier.verify(ORG, id)
    assert _statuses(verification) == ("verified", "verified", "failed", "failed")
    assert verification.domain.verified


async def test_dmarc_policy_of_the_parent_domain_counts(
    database: Database, writer: Writer, verifier: Verifier, dns_server: DnsServer
) -> None:
    id = await published(database, writer, dns_server)
    del dns_server.zones[f"_dmarc.{DOMAIN}", "TXT"]
    dns_server.zones["_dmarc.example.com", "TXT"] = ["v=DMARC1; p=reject"]
    assert (await verifier.verify(ORG, id)).domain.dmarc == "verified"


async def test_domain_without_records_fails(database: Database, writer: Writer, verifier: Verifier) -> None:
    id = await add(writer)
    verification = await verifier.verify(ORG, id)
    assert _statuses(verification) == ("failed",) * 4
    assert (verification.domain.verified, verification.domain.status) == (False, "failed")


async def test_one_wrong_key_fails_dkim_and_is_named(
    database: Database, writer: Writer, verifier: Verifier, dns_server: DnsServer
) -> None:
    id = await published(database, writer, dns_server)
    stranger = PublicKey("zm1e", "ed25519", "AAAA")
    dns_server.zones[f"zm1e._domainkey.{DOMAIN}", "TXT"] = [dkim_value(stranger)]
    verification = await verifier.verify(ORG, id)
    assert _statuses(verification)[:2] == ("verified", "failed")
    assert {key.selector: key.status for key in verification.keys} == {"zm1r": "verified", "zm1e": "failed"}
    assert not verification.domain.verified


@pytest.mark.parametrize("fault", [DnsFault.SERVFAIL, DnsFault.REFUSED])
async def test_verified_domain_stays_verified_while_dns_does_not_answer(
    database: Database, writer: Writer, verifier: Verifier, dns_server: DnsServer, fault: DnsFault
) -> None:
    """Z-33: not now is never no."""
    id = await published(database, writer, dns_server)
    await verifier.verify(ORG, id)
    for question in list(dns_server.zones):
        dns_server.zones[question] = fault
    verification = await verifier.verify(ORG, id)
    assert _statuses(verification)[:2] == ("temporary_failure",) * 2
    assert (verification.domain.verified, verification.domain.status) == (True, "verified")
    assert await signing(database, (ORG, id)) == {(ORG, id): ["zm1r", "zm1e"]}


async def test_new_domain_stays_pending_while_dns_does_not_answer(
    database: Database, writer: Writer, verifier: Verifier, dns_server: DnsServer
) -> None:
    id = await published(database, writer, dns_server)
    dns_server.zones[DOMAIN, "TXT"] = DnsFault.SERVFAIL
    verification = await verifier.verify(ORG, id)
    assert _statuses(verification) == ("temporary_failure", "verified", "verified", "verified")
    assert (verification.domain.verified, verification.domain.status) == (False, "pending")


async def test_verified_domain_without_its_record_may_send_for_an_hour(
    database: Database, writer: Writer, verifier: Verifier, dns_server: DnsServer, clock: ManualClock
) -> None:
    """C-53: one wrong answer may be a name server's; three over an hour are not."""
    id = await published(database, writer, dns_server)
    await verifier.verify(ORG, id)
    dns_server.zones[DOMAIN, "TXT"] = ["v=spf1 -all"]
    row = (await verifier.verify(ORG, id)).domain
    assert (row.verified, row.status, row.spf) == (True, "verified", "failed")
    assert (row.failed_checks, row.failing_since) == (1, clock.now_ms())
    assert await signing(database, (ORG, id)) == {(ORG, id): ["zm1r", "zm1e"]}
    dns_server.zones[DOMAIN, "TXT"] = [f"v=spf1 include:_spf.{HOSTNAME} ~all"]
    row = (await verifier.verify(ORG, id)).domain
    assert (row.failed_checks, row.failing_since) == (0, None)

    dns_server.zones[DOMAIN, "TXT"] = ["v=spf1 -all"]
    row = (await verify_until_it_counts(verifier, clock, id)).domain
    assert (row.verified, row.status) == (False, "failed")
    assert await database.read(store.verified_domains, [(ORG, DOMAIN)]) == {}


async def test_findings_are_kept_with_the_domain(
    database: Database, writer: Writer, verifier: Verifier, dns_server: DnsServer
) -> None:
    """C-53."""
    id = await published(database, writer, dns_server)
    assert load((await get(database, id)).findings) == {}
    dns_server.zones[DOMAIN, "TXT"] = ["token", "v=spf1 -all"]
    dns_server.zones[f"rp.{DOMAIN}", "MX"] = ["5 mx.other.example."]
    dns_server.zones[f"zm1e._domainkey.{DOMAIN}", "TXT"] = DnsFault.SERVFAIL
    await verifier.verify(ORG, id)
    findings = load((await get(database, id)).findings)
    assert {place: finding.status for place, finding in findings.items()} == {
        (DOMAIN, "TXT"): "failed",
        (f"zm1r._domainkey.{DOMAIN}", "TXT"): "verified",
        (f"zm1e._domainkey.{DOMAIN}", "TXT"): "temporary_failure",
        (f"_dmarc.{DOMAIN}", "TXT"): "verified",
        (f"rp.{DOMAIN}", "MX"): "failed",
        (f"rp.{DOMAIN}", "TXT"): "verified",
    }
    assert findings[DOMAIN, "TXT"].found == ("v=spf1 -all",)
    assert findings[f"rp.{DOMAIN}", "MX"].found == ("5 mx.other.example",)


async def test_verification_sees_records_published_a_moment_ago(
    database: Database, writer: Writer, verifier: Verifier, dns_server: DnsServer
) -> None:
    id = await published(database, writer, dns_server)
    shown = dict(dns_server.zones)
    dns_server.zones.clear()
    assert not (await verifier.verify(ORG, id)).domain.verified
    dns_server.zones |= shown
    assert (await verifier.verify(ORG, id)).domain.verified


async def test_a_domain_removed_during_its_verification_is_not_found(
    database: Database, writer: Writer, verifier: Verifier, dns_server: DnsServer
) -> None:
    id = await published(database, writer, dns_server)
    with dns_server.holding_answers() as asked:
        verifying = asyncio.create_task(verifier.verify(ORG, id))
        await asked.wait()
        await writer.run(store.remove, ORG, id)
    with pytest.raises(DomainNotFound):
        await verifying


async def test_no_connection_is_held_while_dns_is_asked(
    database: Database, writer: Writer, verifier: Verifier, dns_server: DnsServer
) -> None:
    """DESIGN 2.6: more verifications than connections wait for DNS, and the store stays free."""
    ids = [await add(writer, domain=f"d{n}.example.com") for n in range(30)]
    with dns_server.holding_answers():
        verifying = asyncio.gather(*(verifier.verify(ORG, id) for id in ids))
        while len(dns_server.queries) < 100:
            await asyncio.sleep(0)
            await database.read(store.page, ORG, PageRequest(1))
        assert not verifying.done()
    assert {verification.domain.spf for verification in await verifying} == {"failed"}


# Sending options.


async def test_settings_change_one_by_one(database: Database, writer: Writer) -> None:
    id = await add(writer)

    async def change(org_id: str = ORG, **settings: bool) -> tuple[bool, ...]:
        row = await writer.run(store.change, org_id, id, store.DomainSettings(**settings))
        return row.open_tracking, row.click_tracking, row.tls_enforced

    assert await change() == (False, False, False)
    assert await change(open_tracking=True) == (True, False, False)
    assert await change(tls_enforced=True, open_tracking=False) == (False, False, True)
    pairs = [(ORG, id), (OTHER, id), (ORG, new_id())]
    assert await database.read(store.enforcing_tls, pairs) == {(ORG, id)}
    with pytest.raises(DomainNotFound):
        await change(OTHER, open_tracking=True)
