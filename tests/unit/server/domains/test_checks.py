"""Checks of published DNS records (contract rows Z-33, C-53; RFC 6376, 9989)."""

import pytest

from server.domains.checks import check_dkim, check_dmarc, check_mx, dmarc_names
from server.domains.findings import unanswered
from server.domains.rules import PublicKey

NAME = "zm1r._domainkey.shop.example"
KEY = PublicKey("zm1r", "rsa", "TUlJQklqQU5CZ2txaGtpRzl3MEJBUUVGQUFPQ0FROEE=")
P = KEY.data
SILENT = unanswered("_dmarc.example", "SERVFAIL")


@pytest.mark.parametrize(
    "record",
    [
        f"v=DKIM1; k=rsa; p={P}",
        f"v=DKIM1;k=rsa;p={P};",
        f"  v = DKIM1 ; p = {P} ; k = rsa ; ",
        f"p={P}",
        f"v=DKIM1; h=sha1:sha256; s=email; t=y; n=note; p={P}",
        f"v=DKIM1; k=rsa; p={P[:20]} \t {P[20:]}",
    ],
)
def test_dkim_record_with_our_key(record: str) -> None:
    assert check_dkim([record], KEY, NAME).status == "verified"
    assert check_dkim(["v=spf1 -all", record], KEY, NAME).status == "verified"


@pytest.mark.parametrize(
    "found",
    [
        [],
        ["v=spf1 -all"],
        ["v=DKIM1; k=rsa; p="],
        [f"v=DKIM1; k=rsa; p={P[:-8]}"],
        [f"v=DKIM1; k=rsa; p={P.swapcase()}"],
        [f"v=DKIM1; k=rsa; p=!{P}"],
        [f"v=DKIM1; k=ed25519; p={P}"],
        [f"v=DKIM2; k=rsa; p={P}"],
        [f"k=rsa; v=DKIM1; p={P}"],
        [f"v=DKIM1; h=sha1; p={P}"],
        [f"v=DKIM1; s=tlsrpt; p={P}"],
        [f"v=DKIM1; p={P}; p={P}"],
        [f'"v=DKIM1; k=rsa; p={P}"'],
        # RFC 6376 section 3.6.2.2 does not define which of two records a receiver takes.
        [f"v=DKIM1; k=rsa; p={P}", "v=DKIM1; k=rsa; p=AAAA"],
    ],
)
def test_dkim_record_without_our_key(found: list[str]) -> None:
    assert check_dkim(found, KEY, NAME).status == "failed"


def test_a_record_without_a_key_type_is_of_an_rsa_key() -> None:
    assert check_dkim([f"v=DKIM1; p={P}"], PublicKey("zm1e", "ed25519", P), NAME).status == "failed"


@pytest.mark.parametrize(
    "record",
    ["v=DMARC1; p=none;", "v=DMARC1;p=Reject", "v = DMARC1 ; p = quarantine", "v=DMARC1; rua=mailto:a@b.c"],
)
def test_a_dmarc_policy_at_the_domain_or_above(record: str) -> None:
    assert check_dmarc({"a": [record], "b": []}).status == "verified"
    assert check_dmarc({"a": ["unrelated"], "c": [record]}, [SILENT]).status == "verified"


@pytest.mark.parametrize(
    "found",
    [
        [],
        ["v=DMARC1"],
        ["v=DMARC1; p=some"],
        ["p=none; v=DMARC1"],
        ["v=dmarc1; p=none"],
        ["v=DMARC1; p=none"] * 2,
        [""],
    ],
)
def test_no_dmarc_policy(found: list[str]) -> None:
    assert check_dmarc({"a": found, "b": []}).status == "failed"
    assert check_dmarc({"a": found}, [SILENT]) == SILENT


def test_names_looked_up_for_a_dmarc_policy() -> None:
    assert dmarc_names("a.b.example.com") == [
        "_dmarc.a.b.example.com",
        "_dmarc.b.example.com",
        "_dmarc.example.com",
    ]
    assert dmarc_names("example.com") == ["_dmarc.example.com"]
    long = dmarc_names("1.2.3.4.5.6.7.8.9.example.com")
    assert long[:2] == ["_dmarc.1.2.3.4.5.6.7.8.9.example.com", "_dmarc.5.6.7.8.9.example.com"]
    assert len(long) <= 8


@pytest.mark.parametrize(
    ("found", "part"),
    [
        ([], f"no TXT record at {NAME}"),
        (["v=DKIM1; k=rsa; p="], "revoked"),
        ([f"v=DKIM1; p={P[:-8]}"], f"first {len(P) - 8} of {len(P)} characters"),
        ([f"v=DKIM1; p={P[:9]}x{P[10:]}"], "from character 10 on"),
        ([f"v=DKIM1; k=ed25519; p={P}"], "k=ed25519"),
        ([f"v=DKIM1; h=sha1; p={P}"], "h=sha1"),
        ([f"v=DKIM1; p={P}"] * 2, "2 DKIM keys"),
        (["hello"], "no DKIM key"),
    ],
)
def test_wrong_part_of_a_key_record_is_named(found: list[str], part: str) -> None:
    finding = check_dkim(found, KEY, NAME)
    assert part in finding.problem
    assert finding.found == tuple(found)


@pytest.mark.parametrize(
    ("found", "part"),
    [
        ([], "no DMARC policy at _dmarc.shop.example"),
        (["v=DMARC1"], 'needs "p=none"'),
        (["v=DMARC1; p=none"] * 2, "2 DMARC records"),
    ],
)
def test_wrong_part_of_a_dmarc_record_is_named(found: list[str], part: str) -> None:
    assert part in check_dmarc({"_dmarc.shop.example": found, "_dmarc.example": []}).problem


def test_bounces_come_back_when_the_best_exchange_is_ours() -> None:
    def judge(*found: tuple[int, str]) -> str:
        return check_mx(found, "rp.shop.example", "mx.platform.example").status

    assert judge((10, "mx.platform.example")) == "verified"
    assert judge((20, "backup.example"), (10, "mx.platform.example")) == "verified"
    assert judge((10, "backup.example"), (10, "mx.platform.example")) == "failed"
    assert judge((5, "other.example"), (10, "mx.platform.example")) == "failed"
    assert judge() == "failed"


def test_wrong_exchange_is_named() -> None:
    other = check_mx([(10, "other.example")], "rp.shop.example", "mx.platform.example")
    assert (other.found, "other.example" in other.problem) == (("10 other.example",), True)
    zone = check_mx([(10, "mx.platform.example.shop.example")], "rp.shop.example", "mx.platform.example")
    assert "final dot" in zone.problem
