"""SPF records that let this platform send, asked of a real DNS server (contract row C-53)."""

from pathlib import Path

import pytest

from server.domains.findings import Finding
from server.domains.look_ups import LookUps
from server.domains.spf_check import check_spf, read_platform
from server.net.dns import Resolver
from server.settings import Settings
from tests.harness.dns_server import Answer, DnsFault, DnsServer, Zones

HOSTNAME = "platform.example"
OURS = "_spf.platform.example"
LISTED: Zones = {(OURS, "TXT"): ["v=spf1 ip4:198.51.100.4 ip4:198.51.100.8/30 ip6:2001:db8:5::/48 -all"]}
DOMAIN = "shop.example"


async def judge(record: Answer | str, zones: Zones | None = None, platform: Zones = LISTED) -> Finding:
    """The finding for an SPF record of the domain; `zones` holds the records that it leads to."""
    records = [record] if isinstance(record, str) else record
    everything: Zones = {(DOMAIN, "TXT"): records, **platform, **(zones or {})}
    async with DnsServer(everything) as server:
        settings = Settings(data_dir=Path(), database_url="", secret="", dns=server.address)
        resolver = Resolver(settings)
        look_ups = LookUps(resolver)
        finding = await check_spf(look_ups, DOMAIN, await read_platform(look_ups, HOSTNAME))
        await resolver.close()
    return finding


NESTED: Zones = {
    ("a.example", "TXT"): ["v=spf1 include:b.example ~all"],
    ("b.example", "TXT"): [f"v=spf1 include:{OURS} -all"],
    ("soft.example", "TXT"): [f"v=spf1 ~include:{OURS} -all"],
    ("flat.example", "TXT"): ["v=spf1 ip4:198.51.100.0/28 ip6:2001:db8:5::/48 -all"],
    ("other.example", "TXT"): ["v=spf1 ip4:203.0.113.1 -all"],
    ("198.51.100.4.allow.shop.example", "A"): ["127.0.0.2"],
    (DOMAIN, "MX"): ["10 mx.shop.example."],
    ("mx.shop.example", "A"): ["198.51.100.4"],
}


@pytest.mark.parametrize(
    "record",
    [
        f"v=spf1 include:{OURS} ~all",
        f"V=SPF1  +INCLUDE:{OURS.upper()}.  ~ALL",
        f"v=spf1 include:{OURS}",
        f"v=spf1 redirect={OURS}",
        "v=spf1 redirect=a.example",
        "v=spf1 include:other.example include:a.example -all",
        f"v=spf1 mx include:{OURS} -all",
        "v=spf1 include:_spf.platform.%{o1} -all",
        "v=spf1 ip4:198.51.100.4 ip4:198.51.100.8/30 ip6:2001:db8:5::/48 -all",
        "v=spf1 ip4:198.51.100.0/24 ip6:2001:db8::/32 -all",
        "v=spf1 mx ip4:198.51.100.8/31 ip4:198.51.100.10/31 ip6:2001:db8:5::/48 ?all",
        "v=spf1 ip4:198.51.100.0/24 ip6:2001:db8:5::/49 ip6:2001:db8:5:8000::/49 ?all",
        "v=spf1 redirect=flat.example",
        "v=spf1 include:flat.example -all",
        "v=spf1 exists:%{i}.allow.%{d} ip4:198.51.100.8/30 ip6:2001:db8:5::/48 -all",
        "v=spf1 +all",
    ],
)
async def test_record_that_lets_every_address_of_the_platform_pass(record: str) -> None:
    finding = await judge(record, NESTED)
    assert (finding.status, finding.problem) == ("verified", "")
    assert finding.found == (record,)


@pytest.mark.parametrize(
    ("record", "part"),
    [
        ("v=spf1 -all", "-all of shop.example gives fail"),
        ("v=spf1 include:other.example ~all", "~all of shop.example gives softfail"),
        ("v=spf1", "no term of the SPF record of shop.example matches"),
        (f"v=spf1 ~include:{OURS} ~all", f"~include:{OURS} of shop.example has a qualifier"),
        ("v=spf1 include:soft.example -all", f"~include:{OURS} of soft.example has a qualifier"),
        (f"v=spf1 -all include:{OURS}", f"include:{OURS} of shop.example stands behind -all"),
        (f"v=spf1 include:{OURS}.evil.test ~all", f"{OURS}.evil.test, which has no SPF record"),
        (f"v=spf1 inlcude:{OURS} ~all", "'inlcude:"),
        (f"v=spf1 ip4:1.2.3 include:{OURS} ~all", "'ip4:1.2.3' is wrong"),
        ("v=spf1 ip4:198.51.100.4 ip6:2001:db8:5::/48 -all", "198.51.100.8/30"),
        ("v=spf1 ip4:198.51.100.0/24 ip6:2001:db8:5::/49 -all", "2001:db8:5:8000::/49"),
        ("v=spf1 redirect=nowhere.example", "nowhere.example, which has no SPF record"),
        (
            f"v=spf1 a:1.example a:2.example a:3.example include:{OURS} -all",
            "more than 2 terms",
        ),
        ("v=spf1 redirect=shop.example", "more than 10 look-ups"),
        (f"v=spf10 include:{OURS} ~all", "no SPF record"),
    ],
)
async def test_part_that_does_not_match_is_named(record: str, part: str) -> None:
    finding = await judge(record, NESTED)
    assert finding.status == "failed"
    assert part in finding.problem
    assert finding.found == (record,)


async def test_several_records_are_an_error() -> None:
    """RFC 7208 section 4.5."""
    finding = await judge([f"v=spf1 include:{OURS} ~all", "v=spf1 mx -all", "unrelated"])
    assert finding.status == "failed"
    assert "2 SPF records" in finding.problem
    assert len(finding.found) == 2


async def test_eleventh_look_up_is_one_too_many_and_the_platforms_own_count() -> None:
    """RFC 7208 section 4.6.4."""
    hosts: Zones = {(f"h{n}.example", "A"): ["203.0.113.9"] for n in range(10)}
    nine = " ".join(f"a:h{n}.example" for n in range(9))
    assert (await judge(f"v=spf1 {nine} include:{OURS} -all", hosts)).status == "verified"
    assert (await judge(f"v=spf1 {nine} a:h9.example include:{OURS} -all", hosts)).status == "failed"
    nested: Zones = {
        (OURS, "TXT"): ["v=spf1 include:b.example -all"],
        ("b.example", "TXT"): ["v=spf1 ip4:9.9.9.9"],
    }
    assert (await judge(f"v=spf1 {nine} include:{OURS} -all", hosts, nested)).status == "failed"


@pytest.mark.parametrize("fault", [DnsFault.SERVFAIL, DnsFault.REFUSED])
async def test_failure_of_dns_is_not_a_wrong_record(fault: DnsFault) -> None:
    unanswered = await judge(fault)
    inside = await judge("v=spf1 include:b.example -all", {("b.example", "TXT"): fault})
    ours = await judge("v=spf1 ip4:198.51.100.0/24 -all", platform={(OURS, "TXT"): fault})
    assert {unanswered.status, inside.status, ours.status} == {"temporary_failure"}
    assert "b.example" in inside.problem
    before = await judge(f"v=spf1 include:{OURS} include:b.example -all", {("b.example", "TXT"): fault})
    assert before.status == "verified"


async def test_include_counts_before_the_platform_has_published_its_record() -> None:
    assert (await judge(f"v=spf1 include:{OURS} -all", platform={})).status == "verified"
    assert (await judge("v=spf1 ip4:198.51.100.4 -all", platform={})).status == "failed"


async def test_record_in_several_strings_is_one_text() -> None:
    """RFC 7208 section 3.3."""
    many = " ".join(f"ip4:203.0.113.{n}" for n in range(40))
    finding = await judge(f"v=spf1 {many} include:{OURS} -all")
    assert finding.status == "verified"
