"""Bounces that count against an address (DELIVERY rows 27 and 28)."""

import pytest

from server.suppressions.rules import blame


@pytest.mark.parametrize("status", ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"])
def test_unknown_mailbox_counts_against_the_address(status: str) -> None:
    assert blame(status, "550 no such user") == "mailbox"


@pytest.mark.parametrize(
    "text",
    [
        "Recipient address rejected: Access denied. AS(201806281) [AM4.prod.outlook.com]",
        "[gone@r.test]: Recipient address rejected: Access denied",
        "All recipient addresses rejected : Access denied",
    ],
)
def test_address_that_microsofts_directory_does_not_have_is_a_dead_mailbox(text: str) -> None:
    assert blame("5.4.1", text) == "mailbox"
    assert blame("5.7.1", text) == "other"


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ("5.4.1", "no answer from host"),
        ("5.4.1", "Relay access denied"),
        ("5.5.1", "bad sequence of commands"),
        ("5.5.3", "too many recipients"),
        ("5.7.1", "not allowed"),
        ("5.7.26", "unauthenticated mail"),
        ("5.7.515", "access denied"),
        ("5.2.2", "mailbox full"),
        ("5.2.3", "too large for this mailbox"),
        ("5.3.4", "message too big"),
        ("5.3.0", "system trouble"),
        ("5.4.6", "routing loop"),
        ("5.6.0", "the message cannot be built"),
        ("5.1.8", "bad sender address"),
        ("5.1.1", "rejected as SPAM"),
        ("5.0.0", "listed in a DNSBL"),
        ("5.0.0", "client host blocked using zen"),
        ("5.1.0", "sender on our block list"),
        ("5.5.0", "poor reputation"),
        ("5.1.1", "SPF check failed"),
    ],
)
def test_policy_authentication_and_size_do_not_count_against_the_address(status: str, text: str) -> None:
    assert blame(status, text) == "other"


@pytest.mark.parametrize("status", ["5.0.0", "5.1.0", "5.2.0", "5.5.0", "5.9.9"])
def test_a_refusal_without_a_reason_is_unclear(status: str) -> None:
    assert blame(status, "no") == "unclear"


@pytest.mark.parametrize("status", ["4.2.2", "2.0.0", "", "5", "5.1.1 ", "5.1.1111", "x5.1.1"])
def test_temporary_failure_counts_against_no_address(status: str) -> None:
    assert blame(status, "no such user") == "other"
