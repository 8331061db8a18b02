"""Domains that can be added, and the records that they publish (contract rows Z-30, C-45)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domains.rules import (
    FAILED_CHECKS,
    FAILING_MS,
    Checks,
    CheckStatus,
    DomainStatus,
    PublicKey,
    Standing,
    decide,
    host_name,
    records,
)
from server.faults import ValidationFailed

RSA = PublicKey("zm0a1b2cr", "rsa", "MIIB", "verified")
ED25519 = PublicKey("zm0a1b2ce", "ed25519", "11qY", "failed")


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("mail.example.com", "mail.example.com"),
        ("  Mail.EXAMPLE.com ", "mail.example.com"),
        ("example.com.", "example.com"),
        ("example.com。", "example.com"),
        ("a-1.b--2.example.co.uk", "a-1.b--2.example.co.uk"),
        ("münchen.de", "xn--mnchen-3ya.de"),
        ("MÜNCHEN.DE", "xn--mnchen-3ya.de"),
        ("XN--MNCHEN-3YA.de", "xn--mnchen-3ya.de"),
        ("straße.de", "xn--strae-oqa.de"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("mail。example。com", "mail.example.com"),
        ("１２３.example.com", "123.example.com"),
        ("1.2.3.example", "1.2.3.example"),
    ],
)
def test_host_name_is_stored_as_an_a_label(written: str, known: str) -> None:
    assert host_name(written) == known
    assert host_name(known) == known


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "..",
        "localhost",
        "a.localhost",
        "com",
        "192.0.2.1",
        "192.0.2.1.",
        "1.2.3.4.5",
        "mail.0x7f",
        "mail.0x",
        "2001:db8::1",
        "[2001:db8::1]",
        "*.example.com",
        "mail..example.com",
        ".example.com",
        "example.com..",
        "-mail.example.com",
        "mail-.example.com",
        "_spf.example.com",
        "mail example.com",
        "mail.example.com/path",
        "https://example.com",
        "user@example.com",
        "mail.example.com:25",
        "mail\x00.example.com",
        "mail.example.com\r\nX: y",
        "xn--a.example.com",
        "xn--mnchen-3y.de-",
        "a‍b.example.com",
        "x" * 64 + ".example.com",
        ".".join(["x" * 60] * 4),
        "x." * 500 + "com",
        "é" * 100_000,
        "\ud800.example.com",
    ],
)
def test_invalid_host_name_is_refused(text: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        host_name(text)
    assert [violation.field for violation in refused.value.violations] == ["domain"]


@given(st.text())
def test_any_text_is_a_host_name_or_refused(text: str) -> None:
    try:
        name = host_name(text)
    except ValidationFailed:
        return
    assert name.isascii()
    assert name == name.lower()
    assert host_name(name) == name


def test_every_record_of_the_longest_domain_fits_into_dns() -> None:
    longest = ".".join(["x" * 59] * 4)[:232]
    for record in records(host_name(longest), "mx.example.net", [RSA, ED25519], Checks()):
        assert len(record.name) <= 253


def test_the_records_to_publish() -> None:
    checks = Checks(spf="verified", dkim="failed", dmarc="temporary_failure", return_path="pending")
    spf = "v=spf1 include:_spf.platform.example ~all"
    published = records("mail.example.com", "platform.example", [RSA, ED25519], checks)
    assert [(r.purpose, r.name, r.type, r.value, r.priority, r.status, r.required) for r in published] == [
        ("SPF", "mail.example.com", "TXT", spf, None, "verified", True),
        (
            "DKIM",
            "zm0a1b2cr._domainkey.mail.example.com",
            "TXT",
            "v=DKIM1; k=rsa; p=MIIB",
            None,
            "verified",
            True,
        ),
        (
            "DKIM",
            "zm0a1b2ce._domainkey.mail.example.com",
            "TXT",
            "v=DKIM1; k=ed25519; p=11qY",
            None,
            "failed",
            True,
        ),
        (
            "DMARC",
            "_dmarc.mail.example.com",
            "TXT",
            "v=DMARC1; p=none;",
            None,
            "temporary_failure",
            False,
        ),
        ("RETURN_PATH", "rp.mail.example.com", "MX", "mx.platform.example", 10, "pending", False),
        ("RETURN_PATH", "rp.mail.example.com", "TXT", spf, None, "pending", False),
    ]


@pytest.mark.parametrize(
    ("spf", "dkim", "before", "after"),
    [
        ("verified", "verified", (False, "pending"), (True, "verified")),
        ("verified", "verified", (False, "failed"), (True, "verified")),
        ("verified", "failed", (True, "verified"), (True, "verified")),
        ("failed", "verified", (True, "verified"), (True, "verified")),
        ("failed", "temporary_failure", (True, "verified"), (True, "verified")),
        ("verified", "temporary_failure", (True, "verified"), (True, "verified")),
        ("temporary_failure", "verified", (True, "verified"), (True, "verified")),
        ("temporary_failure", "temporary_failure", (True, "verified"), (True, "verified")),
        ("verified", "temporary_failure", (False, "pending"), (False, "pending")),
        ("temporary_failure", "verified", (False, "failed"), (False, "failed")),
    ],
)
def test_spf_and_dkim_decide_and_a_dns_timeout_changes_nothing(
    spf: CheckStatus, dkim: CheckStatus, before: tuple[bool, DomainStatus], after: tuple[bool, DomainStatus]
) -> None:
    """Z-33."""
    for other in ("failed", "verified", "temporary_failure"):
        checks = Checks(spf=spf, dkim=dkim, dmarc=other, return_path=other)  # type: ignore[arg-type]
        decided = decide(checks, Standing(*before), 1_000)
        assert (decided.verified, decided.status) == after


WRONG, RIGHT, SILENT = (
    Checks(spf=spf, dkim="verified") for spf in ("failed", "verified", "temporary_failure")
)  # type: ignore[arg-type]


def _after(*checks: tuple[int, Checks]) -> Standing:
    """The standing of a verified domain after these checks, each with its minute."""
    standing = Standing(True, "verified")
    for minute, check in checks:
        standing = decide(check, standing, minute * 60_000)
    return standing


def test_three_failed_checks_over_an_hour_take_the_right_to_send() -> None:
    """C-53."""
    assert (FAILED_CHECKS, FAILING_MS) == (3, 3_600_000)
    assert _after((0, WRONG)) == Standing(True, "verified", 1, 0)
    assert _after((0, WRONG), (1, WRONG), (59, WRONG)).verified
    assert _after((0, WRONG), (90, WRONG)).verified
    assert _after((0, WRONG), (30, WRONG), (60, WRONG)) == Standing(False, "failed")
    assert not _after((0, WRONG), (1, WRONG), (2, WRONG), (61, WRONG)).verified


def test_right_answer_ends_a_run_of_failed_checks_and_silence_neither_ends_nor_lengthens_it() -> None:
    """C-53."""
    assert _after((0, WRONG), (30, WRONG), (60, RIGHT)) == Standing(True, "verified")
    assert _after((0, WRONG), (30, WRONG), (60, RIGHT), (90, WRONG)).verified
    assert _after((0, WRONG), (30, SILENT), (60, SILENT), (90, SILENT)) == Standing(True, "verified", 1, 0)
    assert not _after((0, WRONG), (30, WRONG), (60, SILENT), (90, WRONG)).verified


@pytest.mark.parametrize("hostname", ["localhost", "mail", "192.0.2.1", "mail.localdomain", "-a.example"])
def test_record_that_points_to_a_host_without_a_public_name_says_so(hostname: str) -> None:
    """C-61."""
    noted = [
        (record.purpose, record.type)
        for record in records("mail.example.com", hostname, [RSA], Checks())
        if "ZIDIMAIL_HOSTNAME" in record.note
    ]
    assert noted == [("SPF", "TXT"), ("RETURN_PATH", "MX"), ("RETURN_PATH", "TXT")]


@pytest.mark.parametrize("hostname", ["platform.example", "Mail.Example.com", "a-1.b2.xn--bcher-kva.example"])
def test_records_have_no_note_with_a_public_name(hostname: str) -> None:
    assert not [record for record in records("a.example", hostname, [RSA, ED25519], Checks()) if record.note]
