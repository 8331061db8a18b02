"""The rules of a webhook's URL and events (contract row Z-38)."""

import pytest

from server.faults import ValidationFailed
from server.webhooks.rules import FAILED_FOR_MS, LOST_AFTER_MS, check, check_change, is_lost, is_same

URL = "https://hooks.example.com/zidimail"


def _violations(url: str, events: list[str | None], *, private: bool = False) -> list[str]:
    with pytest.raises(ValidationFailed) as caught:
        check(url, events, allow_private_networks=private)
    return [violation.field for violation in caught.value.violations]


def test_each_event_is_kept_once() -> None:
    events = check(URL, ["email.sent", "email.bounced", "email.sent"], allow_private_networks=False)
    assert events == ["email.sent", "email.bounced"]


def test_everything_wrong_is_named_at_once() -> None:
    assert _violations("", []) == ["url", "events"]
    assert _violations("http://hooks.example.com", ["email.sent", None]) == ["url", "events[1]"]


def test_private_hosts_need_the_operators_permission() -> None:
    assert _violations("http://127.0.0.1:9000/hook", ["email.sent"]) == ["url"]
    assert check("http://127.0.0.1:9000/hook", ["email.sent"], allow_private_networks=True)


def test_webhook_cannot_subscribe_to_the_test_event() -> None:
    assert _violations(URL, ["webhook.test"]) == ["events[0]"]


def test_a_change_names_only_what_it_changes() -> None:
    assert check_change(None, [], allow_private_networks=False) == []
    assert check_change(URL, ["email.sent", "email.sent"], allow_private_networks=False) == ["email.sent"]
    with pytest.raises(ValidationFailed) as caught:
        check_change("", [None], allow_private_networks=False)
    assert [violation.field for violation in caught.value.violations] == ["url", "events[0]"]


@pytest.mark.parametrize(
    ("failing_for", "call_for", "lost"),
    [
        (LOST_AFTER_MS, FAILED_FOR_MS, True),
        (LOST_AFTER_MS - 1, FAILED_FOR_MS, False),
        (LOST_AFTER_MS, FAILED_FOR_MS - 1, False),
        (LOST_AFTER_MS * 10, 0, False),
    ],
)
def test_a_webhook_is_lost_after_days_without_success_and_hours_of_one_call(
    failing_for: int, call_for: int, lost: bool
) -> None:
    """F-3."""
    now = 10**12
    assert is_lost(now - failing_for, now - call_for, now) is lost


SPELLINGS = [
    *("HTTPS://hooks.EXAMPLE.com/zidimail", "https://hooks.example.com:443/zidimail", f"{URL}?"),
    *("https://hooks.example.com/%7aidimail", "https://hooks.example.com/./a/../zidimail"),
]


@pytest.mark.parametrize("url", SPELLINGS)
def test_a_url_is_the_same_however_it_is_written(url: str) -> None:
    """C-88, RFC 3986 section 6.2.2."""
    assert is_same(URL, ["email.sent"], url, ["email.sent"])


@pytest.mark.parametrize("end", ["/", "?a", "%2F", "%20", "x"])
def test_other_paths_and_queries_are_others(end: str) -> None:
    assert not is_same(URL, ["email.sent"], URL + end, ["email.sent"])
