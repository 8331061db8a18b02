"""Which webhooks are taken (contract row Z-38)."""

import pytest

from server.faults import ValidationFailed
from server.webhooks.rules import check

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


def test_private_hosts_need_the_operators_leave() -> None:
    assert _violations("http://127.0.0.1:9000/hook", ["email.sent"]) == ["url"]
    assert check("http://127.0.0.1:9000/hook", ["email.sent"], allow_private_networks=True)
