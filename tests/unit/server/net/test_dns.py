"""The resolver separates "no such name", "no such record" and temporary errors (DELIVERY 1.10, 1.15)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import dns.flags
import dns.message
import dns.rrset
import pytest

from server.net.descriptors import Exhausted
from server.net.dns import MAX_CONCURRENT, DnsTemporaryError, NxDomain, Resolver
from server.owner import working_for
from server.settings import Settings, SettingsError
from tests.harness.clock import ManualClock
from tests.harness.descriptors import no_descriptor_left
from tests.harness.dns_server import DnsFault, DnsServer
from tests.harness.waiting import until


@pytest.fixture
async def dns_server() -> AsyncIterator[DnsServer]:
    """A scripted DNS server without any name."""
    async with DnsServer() as server:
        yield server


@pytest.fixture
def clock() -> ManualClock:
    """The time by which answers age."""
    return ManualClock()


@pytest.fixture
async def resolver(dns_server: DnsServer, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Resolver]:
    """A resolver that asks the scripted server, with a hosts file of its own."""
    hosts = tmp_path / "hosts"
    hosts.write_text("# comment\n192.0.2.7  Listed.test alias\n2001:db8::7 listed.test\nnonsense line\n")
    resolver = Resolver(_settings(dns_server.address), clock, hosts_file=hosts)
    yield resolver
    await resolver.close()


@pytest.fixture
async def hasty(dns_server: DnsServer, clock: ManualClock) -> AsyncIterator[Resolver]:
    """A resolver that waits a second for an answer."""
    resolver = Resolver(_settings(dns_server.address), clock, timeout_s=1.0)
    yield resolver
    await resolver.close()


def _settings(dns: str | None) -> Settings:
    return Settings(data_dir=Path(), database_url="", secret="", dns=dns)


async def test_txt_records_come_whole_however_they_are_split(
    dns_server: DnsServer, resolver: Resolver
) -> None:
    long = "v=DKIM1; p=" + "A" * 392
    dns_server.zones["a.test", "TXT"] = [long, "short"]
    assert sorted(await resolver.txt("a.test")) == ["short", long]


async def test_exchanges_come_best_first_without_final_dots(
    dns_server: DnsServer, resolver: Resolver
) -> None:
    dns_server.zones["a.test", "MX"] = ["20 Second.test.", "10 first.test."]
    assert await resolver.mx("a.test") == [(10, "first.test"), (20, "second.test")]


async def test_a_null_mx_has_no_host(dns_server: DnsServer, resolver: Resolver) -> None:
    dns_server.zones["a.test", "MX"] = ["0 ."]
    assert await resolver.mx("a.test") == [(0, "")]


async def test_addresses_are_of_both_families(dns_server: DnsServer, resolver: Resolver) -> None:
    dns_server.zones["a.test", "A"] = ["192.0.2.1"]
    dns_server.zones["a.test", "AAAA"] = ["2001:db8::1"]
    assert await resolver.addresses("A.Test.") == ["192.0.2.1", "2001:db8::1"]


@pytest.mark.parametrize("literal", ["192.0.2.1", "2001:db8::1"])
async def test_an_address_is_its_own_address(dns_server: DnsServer, resolver: Resolver, literal: str) -> None:
    assert await resolver.addresses(literal) == [literal]
    assert not dns_server.queries


@pytest.mark.parametrize("number", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1"])
async def test_other_spellings_of_an_address_are_names_that_do_not_exist(
    resolver: Resolver, number: str
) -> None:
    with pytest.raises(NxDomain):
        await resolver.addresses(number)


async def test_localhost_and_the_hosts_file_need_no_dns(dns_server: DnsServer, resolver: Resolver) -> None:
    assert "127.0.0.1" in await resolver.addresses("localhost")
    assert await resolver.addresses("LISTED.test") == ["192.0.2.7", "2001:db8::7"]
    assert await resolver.addresses("alias") == ["192.0.2.7"]
    assert not dns_server.queries


async def test_a_name_that_does_not_exist_is_not_found(resolver: Resolver) -> None:
    for look_up in (resolver.txt, resolver.mx, resolver.addresses):
        with pytest.raises(NxDomain):
            await look_up("missing.test")


@pytest.mark.parametrize("name", ["", ".", "a..test", "x" * 64 + ".test", "x." * 150 + "test", "\ud800.test"])
async def test_a_name_that_cannot_exist_is_not_found(resolver: Resolver, name: str) -> None:
    with pytest.raises(NxDomain):
        await resolver.txt(name)


async def test_a_name_without_such_records_has_none(dns_server: DnsServer, resolver: Resolver) -> None:
    dns_server.zones["a.test", "TXT"] = ["text"]
    assert await resolver.mx("a.test") == []
    assert await resolver.addresses("a.test") == []


@pytest.mark.parametrize("fault", [DnsFault.SERVFAIL, DnsFault.REFUSED, DnsFault.TIMEOUT])
async def test_dns_failure_is_never_reported_as_no_such_name(
    dns_server: DnsServer, hasty: Resolver, clock: ManualClock, fault: DnsFault
) -> None:
    for kind in ("TXT", "MX", "A", "AAAA"):
        dns_server.zones["a.test", kind] = fault
    for look_up in (hasty.txt, hasty.mx, hasty.addresses):
        with pytest.raises(DnsTemporaryError):
            await look_up("a.test")
    dns_server.zones["a.test", "TXT"] = ["back"]
    clock.advance(60)
    assert await hasty.txt("a.test") == ["back"]


@pytest.mark.parametrize("fault", [DnsFault.SERVFAIL, DnsFault.TIMEOUT])
async def test_a_failure_is_kept_for_half_a_minute_and_for_a_minute_at_most(
    dns_server: DnsServer, hasty: Resolver, clock: ManualClock, fault: DnsFault
) -> None:
    dns_server.zones["a.test", "MX"] = fault
    for _ in range(3):
        with pytest.raises(DnsTemporaryError, match=r"^a\.test\. MX: "):
            await hasty.mx("a.test")
        queries = dns_server.queries["a.test", "MX"]
        clock.advance(14)
    with pytest.raises(DnsTemporaryError):
        await hasty.mx("a.test")
    assert dns_server.queries["a.test", "MX"] == queries, "one look-up in 42 seconds"
    dns_server.zones["a.test", "MX"] = ["10 mx.test."]
    clock.advance(18)
    assert await hasty.mx("a.test") == [(10, "mx.test")]


async def test_a_fresh_look_up_that_fails_leaves_the_cached_answer(
    dns_server: DnsServer, resolver: Resolver
) -> None:
    dns_server.zones["a.test", "MX"] = ["10 mx.test."]
    await resolver.mx("a.test")
    dns_server.zones["a.test", "MX"] = DnsFault.SERVFAIL
    with pytest.raises(DnsTemporaryError):
        await resolver.mx("a.test", fresh=True)
    assert await resolver.mx("a.test") == [(10, "mx.test")]


async def test_a_look_up_without_a_socket_is_no_answer_and_not_kept(
    dns_server: DnsServer, resolver: Resolver
) -> None:
    dns_server.zones["a.test", "MX"] = ["10 mx.test."]
    with no_descriptor_left():
        with pytest.raises(Exhausted):
            await resolver.mx("a.test")
        with pytest.raises(Exhausted):
            await resolver.addresses("a.test")
    assert await resolver.mx("a.test") == [(10, "mx.test")]


async def test_a_silent_server_is_asked_again_in_time(dns_server: DnsServer, hasty: Resolver) -> None:
    dns_server.zones["a.test", "TXT"] = DnsFault.TIMEOUT
    with pytest.raises(DnsTemporaryError):
        await hasty.txt("a.test")
    assert dns_server.queries["a.test", "TXT"] == 2


async def test_timeout_of_one_family_does_not_hide_the_other(
    dns_server: DnsServer, resolver: Resolver
) -> None:
    dns_server.zones["a.test", "A"] = ["192.0.2.1"]
    dns_server.zones["a.test", "AAAA"] = DnsFault.SERVFAIL
    assert await resolver.addresses("a.test") == ["192.0.2.1"]


@pytest.mark.parametrize("other", [DnsFault.NXDOMAIN, []])
async def test_timeout_of_one_family_and_no_address_in_the_other_is_temporary(
    dns_server: DnsServer, resolver: Resolver, other: DnsFault | list[str]
) -> None:
    dns_server.zones["a.test", "A"] = other
    dns_server.zones["a.test", "AAAA"] = DnsFault.SERVFAIL
    with pytest.raises(DnsTemporaryError):
        await resolver.addresses("a.test")


async def test_a_truncated_answer_is_fetched_over_tcp(dns_server: DnsServer, resolver: Resolver) -> None:
    dns_server.zones["a.test", "TXT"] = ["whole"]
    dns_server.truncated.add(("a.test", "TXT"))
    assert await resolver.txt("a.test") == ["whole"]
    dns_server.zones["big.test", "TXT"] = [f"{n}" * 200 for n in range(9)]
    assert len(await resolver.txt("big.test")) == 9


async def test_an_alias_is_followed(dns_server: DnsServer, resolver: Resolver) -> None:
    dns_server.zones["alias.test", "CNAME"] = ["target.test."]
    dns_server.zones["target.test", "TXT"] = ["text"]
    assert await resolver.txt("alias.test") == ["text"]
    assert await resolver.mx("alias.test") == []


async def test_an_alias_to_nothing_is_not_found(dns_server: DnsServer, resolver: Resolver) -> None:
    dns_server.zones["alias.test", "CNAME"] = ["missing.example."]
    with pytest.raises(NxDomain):
        await resolver.txt("alias.test")


async def test_cname_loop_is_a_temporary_error(dns_server: DnsServer, resolver: Resolver) -> None:
    dns_server.zones["a.test", "CNAME"] = ["b.test."]
    dns_server.zones["b.test", "CNAME"] = ["a.test."]
    with pytest.raises(DnsTemporaryError):
        await resolver.txt("a.test")


class _Altered(DnsServer):
    """A server whose answers are changed by `alter` on their way out."""

    def alter(self, response: dns.message.Message) -> bytes:
        raise NotImplementedError

    def answer(self, wire: bytes, *, udp: bool) -> bytes | None:
        answer = super().answer(wire, udp=udp)
        return None if answer is None else self.alter(dns.message.from_wire(answer))


async def test_a_referral_is_no_answer(tmp_path: Path) -> None:
    class Referring(_Altered):
        def alter(self, response: dns.message.Message) -> bytes:
            response.set_rcode(0)
            response.flags &= ~dns.flags.AA
            response.authority.append(dns.rrset.from_text("test.", 60, "IN", "NS", "ns.elsewhere.test."))
            return response.to_wire()

    async with Referring() as server:
        with pytest.raises(DnsTemporaryError):
            await Resolver(_settings(server.address), timeout_s=0.4).mx("a.test")


async def test_an_answer_that_ends_at_an_alias_is_followed() -> None:
    """Taken as "no such record", a missing MX would send the mail to the domain's own address."""

    class Leaving(_Altered):
        def alter(self, response: dns.message.Message) -> bytes:
            del response.answer[1:]
            return response.to_wire()

    zones = {("alias.test", "CNAME"): ["target.test."], ("target.test", "MX"): ["10 mx.test."]}
    async with Leaving(zones) as server:
        assert await Resolver(_settings(server.address)).mx("alias.test") == [(10, "mx.test")]


async def test_a_temporary_error_names_the_failure_and_not_the_resolver(
    dns_server: DnsServer, resolver: Resolver
) -> None:
    dns_server.zones["a.test", "TXT"] = DnsFault.REFUSED
    with pytest.raises(DnsTemporaryError, match=r"^a\.test\. TXT: REFUSED$"):
        await resolver.txt("a.test")


async def test_answer_to_another_question_is_ignored(tmp_path: Path) -> None:
    class Confused(_Altered):
        def alter(self, response: dns.message.Message) -> bytes:
            response.id ^= 1
            return response.to_wire()

    async with Confused({("a.test", "TXT"): ["forged"]}) as server:
        with pytest.raises(DnsTemporaryError):
            await Resolver(_settings(server.address), timeout_s=0.4).txt("a.test")


async def test_malformed_answer_is_a_temporary_error(tmp_path: Path) -> None:
    class Garbled(_Altered):
        def alter(self, response: dns.message.Message) -> bytes:
            return response.to_wire()[:-3]

    async with Garbled({("a.test", "TXT"): ["garbled"]}) as server:
        with pytest.raises(DnsTemporaryError):
            await Resolver(_settings(server.address), timeout_s=0.4).txt("a.test")


async def test_an_answer_is_kept_for_half_a_minute_at_least(
    dns_server: DnsServer, resolver: Resolver, clock: ManualClock
) -> None:
    dns_server.zones["a.test", "TXT"] = ["old"]  # served with a TTL of one second
    assert await resolver.txt("a.test") == ["old"]
    dns_server.zones["a.test", "TXT"] = ["new"]
    clock.advance(29)
    assert await resolver.txt("A.test.") == ["old"]
    clock.advance(2)
    assert await resolver.txt("a.test") == ["new"]


async def test_no_answer_is_kept_longer_than_an_hour_and_no_absence_longer_than_a_minute(
    clock: ManualClock,
) -> None:
    class Lasting(_Altered):
        def alter(self, response: dns.message.Message) -> bytes:
            for rrset in response.answer:
                rrset.ttl = 604_800
            response.authority.append(
                dns.rrset.from_text("test.", 86_400, "IN", "SOA", "ns.test. h.test. 1 2 3 4 86400")
            )
            return response.to_wire()

    async with Lasting({("a.test", "TXT"): ["old"]}) as server:
        resolver = Resolver(_settings(server.address), clock)
        assert (await resolver.answer("a.test", "TXT")).ttl_s == 3600
        with pytest.raises(NxDomain):
            await resolver.txt("missing.test")
        server.zones["missing.test", "TXT"] = ["there"]
        clock.advance(59)
        with pytest.raises(NxDomain):
            await resolver.txt("missing.test")
        clock.advance(2)
        assert await resolver.txt("missing.test") == ["there"]
        server.zones["a.test", "TXT"] = ["new"]
        clock.advance(3600)
        assert await resolver.txt("a.test") == ["new"]


async def test_fresh_lookup_bypasses_the_cache(dns_server: DnsServer, resolver: Resolver) -> None:
    with pytest.raises(NxDomain):
        await resolver.txt("a.test")
    dns_server.zones["a.test", "TXT"] = ["published"]
    assert await resolver.txt("a.test", fresh=True) == ["published"]
    assert await resolver.txt("a.test") == ["published"]


async def test_concurrent_look_ups_of_one_name_are_one_query(
    dns_server: DnsServer, resolver: Resolver
) -> None:
    dns_server.zones["a.test", "TXT"] = ["text"]
    answers = await asyncio.gather(*(resolver.txt("a.test", fresh=True) for _ in range(50)))
    assert answers == [["text"]] * 50
    assert dns_server.queries["a.test", "TXT"] == 1


async def test_cancelled_lookup_does_not_fail_other_callers(
    dns_server: DnsServer, resolver: Resolver
) -> None:
    dns_server.zones["a.test", "TXT"] = ["text"]
    impatient, patient = (asyncio.create_task(resolver.txt("a.test")) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == ["text"]


async def test_many_names_at_once_are_all_answered(dns_server: DnsServer, resolver: Resolver) -> None:
    names = [f"n{n}.test" for n in range(300)]
    dns_server.zones |= {(name, "TXT"): [name] for name in names}
    patient = Resolver(_settings(dns_server.address), timeout_s=10)
    assert await asyncio.gather(*(patient.txt(name) for name in names)) == [[name] for name in names]


async def test_look_ups_of_one_owner_leave_slots_for_another(
    dns_server: DnsServer, clock: ManualClock
) -> None:
    """Ten times as many silent names as there are slots; the other's answer does not wait for one of them."""
    dns_server.zones |= {(f"n{n}.silent.test", "TXT"): DnsFault.TIMEOUT for n in range(10 * MAX_CONCURRENT)}
    dns_server.zones["other.test", "TXT"] = ["found"]
    patient = Resolver(_settings(dns_server.address), clock, timeout_s=60.0)
    with working_for("greedy"):
        silent = [
            asyncio.create_task(patient.txt(f"n{n}.silent.test", fresh=True))
            for n in range(10 * MAX_CONCURRENT)
        ]
    await until(lambda: len(dns_server.queries) > 64)
    with working_for("modest"):
        assert await patient.txt("other.test", fresh=True) == ["found"]
    assert not any(task.done() for task in silent)
    await patient.close()
    await asyncio.gather(*silent, return_exceptions=True)


async def test_time_limit_covers_the_wait_for_a_slot_and_blames_no_name_for_it(
    dns_server: DnsServer, hasty: Resolver
) -> None:
    names = [f"n{n}.silent.test" for n in range(2 * MAX_CONCURRENT)]
    dns_server.zones |= {(name, "TXT"): DnsFault.TIMEOUT for name in names}
    dns_server.zones["last.test", "TXT"] = ["found"]
    names.append("last.test")
    found = await asyncio.gather(*map(hasty.txt, names), return_exceptions=True)
    assert {type(error) for error in found} == {DnsTemporaryError}
    assert "too many look-ups" in str(found[-1])
    assert await hasty.txt("last.test") == ["found"], "the failure was not kept"


async def test_the_least_recently_used_answer_is_dropped_first(dns_server: DnsServer) -> None:
    resolver = Resolver(_settings(dns_server.address), max_cached=2)
    for name in ("a.test", "b.test", "a.test", "c.test", "a.test", "b.test"):
        dns_server.zones[name, "TXT"] = [name]
        assert await resolver.txt(name) == [name]
    asked = {name: dns_server.queries[name, "TXT"] for name in ("a.test", "b.test", "c.test")}
    assert asked == {"a.test": 1, "b.test": 2, "c.test": 1}


@pytest.mark.parametrize(
    "text", ["localhost:53", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "dns", ":53"]
)
def test_a_resolver_is_named_by_its_address(text: str) -> None:
    with pytest.raises(SettingsError, match="ZIDIMAIL_DNS"):
        Resolver(_settings(text))


@pytest.mark.parametrize("text", ["127.0.0.1", "127.0.0.1:5353", "[::1]:5353", "::1", None])
def test_a_resolver_may_have_a_port_or_be_the_systems(text: str | None) -> None:
    Resolver(_settings(text))
