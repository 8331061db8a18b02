"""Checks of published DNS records (contract row Z-33; RFC 6376, 7208, 9989)."""

import pytest

from server.domains.checks import check_dkim, check_dmarc, check_return_path, check_spf, dmarc_names
from server.domains.rules import PublicKey

MECHANISM = "include:_spf.platform.example"
KEY = PublicKey("zm1r", "rsa", "TUlJQklqQU5CZ2txaGtpRzl3MEJBUUVGQUFPQ0FROEE=")
P = KEY.data


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 include:_spf.platform.example ~all",
        "v=spf1 mx include:other.example include:_spf.platform.example -all",
        "V=SPF1 INCLUDE:_SPF.Platform.Example ~ALL",
        "v=spf1  +include:_spf.platform.example   -all ",
        "v=spf1 include:_spf.platform.example. redirect=other.example",
        "v=spf1 include:_spf.platform.example",
    ],
)
def test_spf_record_that_admits_us(record: str) -> None:
    assert check_spf(["google-site-verification=x", record, "v=spf10 -all"], MECHANISM) == "verified"


@pytest.mark.parametrize(
    "found",
    [
        [],
        ["unrelated"],
        ["v=spf1 -all"],
        ["v=spf1"],
        ["v=spf1 include:other.example ~all"],
        ["v=spf1 include:_spf.platform.example.evil.test ~all"],
        ["v=spf1 -include:_spf.platform.example ~all"],
        ["v=spf1 ~include:_spf.platform.example ~all"],
        ["v=spf1 ?include:_spf.platform.example ~all"],
        ["v=spf1 -all include:_spf.platform.example"],
        ["v=spf1 all include:_spf.platform.example"],
        ["v=spf10 include:_spf.platform.example ~all"],
        ["spf1 include:_spf.platform.example ~all"],
        # Two records are an error to every receiver (RFC 7208 section 4.5).
        ["v=spf1 include:_spf.platform.example ~all", "v=spf1 mx -all"],
    ],
)
def test_spf_record_that_does_not_admit_us(found: list[str]) -> None:
    assert check_spf(found, MECHANISM) == "failed"


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
    assert check_dkim([record], KEY) == "verified"
    assert check_dkim(["v=spf1 -all", record], KEY) == "verified"


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
    assert check_dkim(found, KEY) == "failed"


def test_a_record_without_a_key_type_is_of_an_rsa_key() -> None:
    assert check_dkim([f"v=DKIM1; p={P}"], PublicKey("zm1e", "ed25519", P)) == "failed"


@pytest.mark.parametrize(
    "record",
    ["v=DMARC1; p=none;", "v=DMARC1;p=Reject", "v = DMARC1 ; p = quarantine", "v=DMARC1; rua=mailto:a@b.c"],
)
def test_a_dmarc_policy_at_the_domain_or_above(record: str) -> None:
    assert check_dmarc([[record], []]) == "verified"
    assert check_dmarc([["unrelated"], None, [record]]) == "verified"


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
    assert check_dmarc([found, []]) == "failed"
    assert check_dmarc([found, None]) == "temporary_failure"


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


def test_bounces_come_back_when_the_best_exchange_is_ours() -> None:
    spf = ["v=spf1 include:_spf.platform.example ~all"]

    def judge(exchanges: list[tuple[int, str]] | None, found: list[str] | None = spf) -> str:
        return check_return_path(exchanges, found, "mx.platform.example", MECHANISM)

    assert judge([(10, "MX.platform.example")]) == "verified"
    assert judge([(20, "backup.example"), (10, "mx.platform.example")]) == "verified"
    assert judge([(10, "backup.example"), (10, "mx.platform.example")]) == "failed"
    assert judge([(5, "other.example"), (10, "mx.platform.example")]) == "failed"
    assert judge([]) == "failed"
    assert judge([(10, "mx.platform.example")], []) == "failed"
    assert judge(None) == "temporary_failure"
    assert judge([(10, "mx.platform.example")], None) == "temporary_failure"
    assert judge(None, []) == "failed"


def test_dns_timeout_is_a_temporary_failure() -> None:
    assert check_spf(None, MECHANISM) == "temporary_failure"
    assert check_dkim(None, KEY) == "temporary_failure"
    assert check_dmarc([None]) == "temporary_failure"
