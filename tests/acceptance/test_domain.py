"""A domain from its addition to its first mail: published, and verified by DNS (Z-30, Z-33)."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness.dns_server import DnsFault, DnsServer
from tests.harness.rest import Rest
from tests.harness.stack import Stack


@pytest.fixture
def published(stack_dns: DnsServer) -> Iterator[DnsServer]:
    """The resolver of the stack; what a test publishes is taken back afterwards."""
    yield stack_dns
    stack_dns.zones.clear()


def publish(dns: DnsServer, domain: dict[str, Any], *purposes: str) -> None:
    """Does what the answer of CreateDomain tells to do, for the records of these purposes."""
    for record in domain["dns_records"]:
        if record["record"] in purposes:
            values = dns.zones.setdefault((record["name"].lower(), record["type"]), [])
            assert isinstance(values, list)
            is_mx = record["type"] == "MX"
            values.append(f"{record['priority']} {record['value']}." if is_mx else record["value"])


async def test_a_domain_may_send_once_its_spf_and_dkim_records_are_seen(
    stack: Stack, published: DnsServer
) -> None:
    email = {"from": "a@fresh.example.com", "to": "you@example.org", "subject": "Hi", "text": "x"}
    async with Rest(stack.http, stack.api_key) as rest:
        made = await rest.post("/v1/domains", {"domain": "fresh.example.com"})
        assert made.status == 201, made
        domain = made.body
        assert not domain["verified"]
        assert {record["record"] for record in domain["dns_records"]} == {
            "SPF",
            "DKIM",
            "DMARC",
            "RETURN_PATH",
        }
        refused = await rest.post("/v1/emails", email)
        assert (refused.status, refused.body["name"]) == (422, "validation_error")
        assert refused.body["action"]

        unseen = (await rest.post(f"/v1/domains/{domain['id']}/verify")).body
        assert (unseen["verified"], unseen["checks"]["spf"], unseen["checks"]["dkim"]) == (
            False,
            "failed",
            "failed",
        )
        publish(published, domain, "SPF")
        half = (await rest.post(f"/v1/domains/{domain['id']}/verify")).body
        assert (half["verified"], half["checks"]["spf"], half["checks"]["dkim"]) == (
            False,
            "verified",
            "failed",
        )
        publish(published, domain, "DKIM")
        seen = (await rest.post(f"/v1/domains/{domain['id']}/verify")).body
        assert (seen["verified"], seen["checks"]["dkim"], seen["checks"]["dmarc"]) == (
            True,
            "verified",
            "failed",
        )
        assert (await rest.post("/v1/emails", email)).status == 200


async def test_verified_domain_stays_verified_while_dns_does_not_answer(
    stack: Stack, published: DnsServer
) -> None:
    async with Rest(stack.http, stack.api_key) as rest:
        domain = (await rest.post("/v1/domains", {"domain": "steady.example.com"})).body
        publish(published, domain, "SPF", "DKIM")
        assert (await rest.post(f"/v1/domains/{domain['id']}/verify")).body["verified"]
        for place in list(published.zones):
            published.zones[place] = DnsFault.SERVFAIL
        later = (await rest.post(f"/v1/domains/{domain['id']}/verify")).body
        assert later["verified"]
        assert later["checks"]["spf"] == later["checks"]["dkim"] == "temporary_failure"


async def test_domain_is_added_once_and_the_first_organisation_to_verify_owns_it(
    stack: Stack, published: DnsServer
) -> None:
    """C-45."""
    async with Rest(stack.http, stack.api_key) as a, Rest(stack.http, stack.other.api_key) as b:
        first = (await a.post("/v1/domains", {"domain": "Contested.Example.com"})).body
        again = await a.post("/v1/domains", {"domain": "contested.example.com"})
        assert (again.status, again.body["statusCode"]) == (409, 409)
        second = (await b.post("/v1/domains", {"domain": "contested.example.com"})).body
        publish(published, second, "SPF", "DKIM")
        assert (await b.post(f"/v1/domains/{second['id']}/verify")).body["verified"]
        publish(published, first, "DKIM")
        assert (await a.post(f"/v1/domains/{first['id']}/verify")).status == 409
