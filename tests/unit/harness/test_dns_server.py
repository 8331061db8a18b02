"""The DNS server answers what its script says."""

import dns.asyncresolver
import dns.resolver
import pytest

from tests.harness.dns_server import DnsFault, DnsServer, Zones


def resolver_of(server: DnsServer) -> dns.asyncresolver.Resolver:
    """A resolver that asks only this server."""
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [server.host]
    resolver.port = server.port
    resolver.lifetime = resolver.timeout = 0.3
    return resolver


async def test_records_aliases_and_long_values_are_answered() -> None:
    long = "v=DKIM1; p=" + "A" * 1400
    zones = {
        ("a.test", "MX"): ["10 mx1.a.test.", "20 mx2.a.test."],
        ("key.a.test", "TXT"): [long],
        ("b.test", "CNAME"): ["a.test."],
    }
    async with DnsServer(zones) as server:
        resolver = resolver_of(server)
        assert {str(mx.exchange) for mx in await resolver.resolve("b.test", "MX")} == {
            "mx1.a.test.",
            "mx2.a.test.",
        }
        [text] = await resolver.resolve("key.a.test", "TXT")
        assert b"".join(text.strings).decode() == long
        server.truncated.add(("a.test", "MX"))
        assert len(await resolver.resolve("a.test", "MX")) == 2
    assert server.queries["b.test", "MX"] == 1


async def test_faults_and_absence_differ() -> None:
    zones: Zones = {
        ("fails.test", "A"): DnsFault.SERVFAIL,
        ("silent.test", "A"): DnsFault.TIMEOUT,
        ("other.test", "TXT"): ["x"],
    }
    async with DnsServer(zones) as server:
        resolver = resolver_of(server)
        for name, error in [
            ("fails.test", dns.resolver.NoNameservers),
            ("silent.test", dns.resolver.LifetimeTimeout),
            ("other.test", dns.resolver.NoAnswer),
            ("none.test", dns.resolver.NXDOMAIN),
        ]:
            with pytest.raises(error):
                await resolver.resolve(name, "A")
        server.zones["fails.test", "A"] = ["192.0.2.1"]
        assert [str(a) for a in await resolver.resolve("fails.test", "A")] == ["192.0.2.1"]
