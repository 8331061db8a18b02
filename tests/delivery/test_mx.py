"""The host that gets the mail, by real DNS queries and connections (RFC 5321 section 5, RFC 7505)."""

from collections.abc import Mapping

import dns.message
import pytest

from server.delivery.route import MAX_ADDRESSES, NoRoute, Router, in_order, interleaved, without_loop
from server.delivery.verdict import Verdict
from server.net.dns import Resolver
from tests.delivery.letters import Dots, letter, settings
from tests.delivery.receivers import World
from tests.harness.dns_server import Answer, DnsFault, DnsServer

NOBODY = "127.0.0.9"  # loopback, where nothing listens


def route(world: World, **options: bool) -> Router:
    configured = settings("mx", dns=world.dns.address)
    return Router(Resolver(configured), "me.test", **{"allow_private_networks": True} | options)


async def test_mail_goes_to_the_best_exchanger(world: World) -> None:
    best, other = await world.host("127.0.0.1"), await world.host("127.0.0.2")
    world.dns.zones |= {
        ("r.test", "MX"): ["20 other.test.", "10 best.test."],
        ("best.test", "A"): ["127.0.0.1"],
        ("other.test", "A"): ["127.0.0.2"],
    }
    outcome = await world.deliver()
    assert outcome.verdict is Verdict.DELIVERED
    assert outcome.host == "best.test"
    assert (len(best.messages), len(other.messages)) == (1, 0)


@pytest.mark.parametrize("trouble", ["nobody", "busy", "listed", "hangs up"])
async def test_next_exchanger_is_tried_when_the_best_one_does_not_answer(world: World, trouble: str) -> None:
    other = await world.host("127.0.0.2")
    if trouble != "nobody":
        best = await world.host("127.0.0.1")
        best.banner = {"busy": "421 busy", "listed": "554 5.7.1 listed"}.get(trouble, best.banner)
        if trouble == "hangs up":
            best.replies["MAIL"] = "421 4.3.2 closing"
    world.dns.zones |= {
        ("r.test", "MX"): ["10 best.test.", "20 other.test."],
        ("best.test", "A"): [NOBODY if trouble == "nobody" else "127.0.0.1"],
        ("other.test", "A"): ["127.0.0.2"],
    }
    assert (await world.deliver()).verdict is Verdict.DELIVERED
    assert len(other.messages) == 1


async def test_a_refused_recipient_is_not_offered_to_the_next_exchanger(world: World) -> None:
    best, other = await world.host("127.0.0.1"), await world.host("127.0.0.2")
    best.replies["RCPT"] = "550 5.1.1 no such user"
    world.dns.zones |= {
        ("r.test", "MX"): ["10 best.test.", "20 other.test."],
        ("best.test", "A"): ["127.0.0.1"],
        ("other.test", "A"): ["127.0.0.2"],
    }
    outcome = await world.deliver()
    assert (outcome.verdict, outcome.status) == (Verdict.BOUNCED, "5.1.1")
    assert other.connections == 0


async def test_a_lost_reply_to_the_dot_is_not_followed_by_the_next_exchanger(world: World) -> None:
    """A time-out after the dot must never fall through: the first host may have the message."""
    await world.host("127.0.0.1")
    other = await world.host("127.0.0.2")
    world.dns.zones |= {
        ("r.test", "MX"): ["10 best.test.", "20 other.test."],
        ("best.test", "A"): ["127.0.0.1"],
        ("other.test", "A"): ["127.0.0.2"],
    }
    mx = world.mx()
    [outcome] = (await mx.deliver(letter(), {1: "drop-after-dot@r.test"}, "r.test", Dots())).values()
    assert outcome.uncertain
    assert other.connections == 0


async def test_domain_without_mx_records_is_its_own_exchanger(world: World) -> None:
    """RFC 5321 section 5.1: the implicit MX."""
    sink = await world.host()
    world.dns.zones[("r.test", "A")] = ["127.0.0.1"]
    assert (await world.deliver()).verdict is Verdict.DELIVERED
    assert len(sink.messages) == 1


@pytest.mark.parametrize(
    ("zones", "verdict", "status"),
    [
        ({}, Verdict.BOUNCED, "5.1.2"),
        ({("r.test", "TXT"): ["no host at all"]}, Verdict.BOUNCED, "5.1.2"),
        ({("r.test", "MX"): ["0 ."]}, Verdict.BOUNCED, "5.1.10"),
        ({("r.test", "MX"): DnsFault.SERVFAIL}, Verdict.DEFERRED, "4.4.3"),
        ({("r.test", "MX"): DnsFault.REFUSED}, Verdict.DEFERRED, "4.4.3"),
        (
            {
                ("r.test", "TXT"): ["x"],
                ("r.test", "A"): DnsFault.SERVFAIL,
                ("r.test", "AAAA"): DnsFault.SERVFAIL,
            },
            Verdict.DEFERRED,
            "4.4.3",
        ),
        ({("r.test", "MX"): ["10 gone.test."]}, Verdict.DEFERRED, "4.4.4"),
        (
            {
                ("r.test", "MX"): ["10 mx.test."],
                ("mx.test", "A"): DnsFault.SERVFAIL,
                ("mx.test", "AAAA"): DnsFault.SERVFAIL,
            },
            Verdict.DEFERRED,
            "4.4.3",
        ),
        ({("r.test", "MX"): ["10 127.0.0.1."]}, Verdict.DEFERRED, "4.4.4"),
    ],
)
async def test_only_a_definite_dns_answer_is_final(
    world: World, zones: Mapping[tuple[str, str], Answer], verdict: Verdict, status: str
) -> None:
    world.dns.zones |= zones
    outcome = await world.deliver()
    assert (outcome.verdict, outcome.status, outcome.code) == (verdict, status, 0)


async def test_dns_failure_does_not_fall_back_to_the_domains_own_address(
    world: World,
) -> None:
    sink = await world.host()
    world.dns.zones |= {("r.test", "MX"): DnsFault.SERVFAIL, ("r.test", "A"): ["127.0.0.1"]}
    assert (await world.deliver()).verdict is Verdict.DEFERRED
    assert sink.connections == 0


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1"])
async def test_no_private_address_is_connected_to(world: World, address: str) -> None:
    sink = await world.host()
    world.dns.zones |= {("r.test", "MX"): ["10 mx.test."], ("mx.test", "A"): [address]}
    outcome = await world.deliver(world.mx(allow_private_networks=False))
    assert (outcome.verdict, outcome.status) == (Verdict.DEFERRED, "4.4.4")
    assert sink.connections == 0


async def test_pooled_connection_needs_no_dns_query(world: World) -> None:
    sink = await world.host()
    world.dns.zones |= {("r.test", "MX"): ["10 mx.test."], ("mx.test", "A"): ["127.0.0.1"]}
    mx = world.mx()
    for _ in range(3):
        assert (await world.deliver(mx)).verdict is Verdict.DELIVERED
    assert sink.connections == 1
    assert world.dns.queries["r.test", "MX"] == 1


async def test_at_most_five_addresses_are_tried(world: World) -> None:
    names = [f"mx{n}.test" for n in range(9)]
    world.dns.zones[("r.test", "MX")] = [f"{n} {name}." for n, name in enumerate(names)]
    for n, name in enumerate(names):
        world.dns.zones[name, "A"] = [f"127.0.{n}.{k}" for k in (1, 2, 3)]
    found = await route(world).route("r.test")
    assert len(found) == MAX_ADDRESSES
    assert [host for host, _ in found] == ["mx0.test", "mx0.test", "mx1.test", "mx1.test", "mx2.test"]


async def test_a_thousand_exchangers_without_an_address_cost_few_queries(world: World) -> None:
    """No mail may cost more look-ups than the few hosts that a real domain has."""
    world.dns.zones["r.test", "MX"] = [f"{n} mx{n}.test." for n in range(1_500)]
    with pytest.raises(NoRoute):
        await route(world).route("r.test")
    assert world.dns.queries.total() <= 50


async def test_hosts_of_a_domain_are_looked_up_together() -> None:
    """A name server that does not answer costs its time once, and not for each host."""
    names = ["a.test", "b.test", "c.test"]

    class Patient(DnsServer):
        """Answers for no host before all are asked for."""

        def answer(self, wire: bytes, *, udp: bool) -> bytes | None:
            answer = super().answer(wire, udp=udp)
            name = dns.message.from_wire(wire).question[0].name.to_text(omit_final_dot=True)
            return answer if name == "r.test" or all(self.queries[each, "A"] for each in names) else None

    zones: dict[tuple[str, str], Answer] = {(name, "A"): ["127.0.0.1"] for name in names}
    async with Patient(zones | {("r.test", "MX"): ["10 a.test.", "20 b.test.", "30 c.test."]}) as server:
        resolver = Resolver(settings("mx", dns=server.address), timeout_s=1.0)
        found = await Router(resolver, "me.test", allow_private_networks=True).route("r.test")
    assert [host for host, _ in found] == names


async def test_mail_to_our_own_exchanger_does_not_loop(world: World) -> None:
    world.dns.zones |= {("r.test", "MX"): ["10 me.test.", "20 mx.test."], ("mx.test", "A"): ["127.0.0.1"]}
    with pytest.raises(NoRoute) as none:
        await route(world).route("r.test")
    assert none.value.outcome.status == "4.4.6"


def test_exchangers_of_lower_priority_than_ours_are_left_out() -> None:
    exchangers = [(10, "a"), (20, "me"), (20, "b"), (30, "c")]
    assert without_loop(exchangers, "me") == [(10, "a")]
    assert without_loop(exchangers, "nobody") == exchangers


def test_equal_exchangers_are_shuffled_and_unequal_ones_are_not() -> None:
    exchangers = [(20, "d"), (10, "a"), (10, "b"), (10, "c")]
    assert in_order(exchangers, lambda names: names.reverse()) == ["c", "b", "a", "d"]


def test_both_address_families_are_tried() -> None:
    found = interleaved(["1.1.1.1", "2.2.2.2", "::1", "::2", "::3"], lambda family: family.reverse())
    assert found == ["2.2.2.2", "::3", "1.1.1.1", "::2", "::1"]
