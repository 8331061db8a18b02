"""Statistics of an email's events (contract row C-46)."""

from collections import Counter
from dataclasses import dataclass

import pytest

from server.stats.tally import DAY_MS, EMAILS, RECIPIENTS, TEST_EMAILS, TEST_RECIPIENTS, Counted, changes

ORG, EMAIL = "0" * 24, "1" * 24
KEY = (ORG, EMAIL)


@dataclass(frozen=True)
class Event:
    type: str
    recipient: str = ""
    created_at: int = 20_000 * DAY_MS
    org_id: str = ORG
    email_id: str = EMAIL
    test: bool = False


def events(*names: str) -> list[Event]:
    """`delivered a` is an event of recipient a, `sent` one of the email."""
    return [Event(f"email.{what}", recipient) for what, _, recipient in (one.partition(" ") for one in names)]


def counted(*names: str, recipients: int = 2) -> dict[str, int]:
    """The counters after these events, in short: `emails.delivered`."""
    found = changes([], events(*names), {KEY: recipients})
    return {f"{key.unit}.{key.name}": count for key, count in found.items()}


def test_an_accepted_email_is_queued_and_its_recipients_sent_to() -> None:
    assert counted("sent") == {"emails.queued": 1, "recipients.sent": 2}


def test_test_mail_is_counted_apart() -> None:
    """C-58."""
    sent = Event("email.sent", test=True)
    assert {(key.unit, key.name): n for key, n in changes([], [sent], {KEY: 2}).items()} == {
        (TEST_EMAILS, "queued"): 1,
        (TEST_RECIPIENTS, "sent"): 2,
    }


def test_an_email_has_the_status_of_all_its_recipients() -> None:
    assert counted("sent", "delivered a")["emails.queued"] == 1
    assert counted("sent", "delivered a", "delivered b") == {
        "emails.delivered": 1,
        "recipients.sent": 2,
        "recipients.delivered": 2,
    }


def test_skipped_recipient_does_not_count_as_sent() -> None:
    assert counted("sent", "suppressed a") == {
        "emails.queued": 1,
        "recipients.sent": 1,
        "recipients.suppressed": 1,
    }


def test_repeated_events_of_a_recipient_count_once() -> None:
    names = (
        "sent",
        "delivery_delayed a",
        "delivery_delayed a",
        "opened a",
        "opened a",
        "OPENED A".lower(),
    )
    assert counted(*names, recipients=1) == {
        "emails.delivery_delayed": 1,
        "recipients.sent": 1,
        "recipients.opened": 1,
    }


def test_a_scheduled_email_is_sent_when_its_time_has_come() -> None:
    assert counted("scheduled") == {"emails.scheduled": 1}
    assert counted("scheduled", "canceled") == {"emails.canceled": 1}
    assert counted("scheduled", "suppressed a", "sent") == {
        "emails.queued": 1,
        "recipients.sent": 1,
        "recipients.suppressed": 1,
    }
    assert counted("scheduled", "failed a", "failed b") == {"emails.failed": 1, "recipients.failed": 2}


def test_a_late_bounce_and_a_complaint_are_counted_beside_the_delivery() -> None:
    names = ("sent", "delivered a", "bounced a", "complained a")
    assert counted(*names, recipients=1) == {
        "emails.complained": 1,
        "recipients.sent": 1,
        "recipients.delivered": 1,
        "recipients.bounced": 1,
        "recipients.complained": 1,
    }


def test_everything_is_counted_on_the_day_of_acceptance() -> None:
    late = Event("email.delivered", "a", 20_003 * DAY_MS)
    assert changes(events("sent"), [late], {KEY: 1}) == {
        Counted(ORG, 20_000, EMAILS, "queued"): -1,
        Counted(ORG, 20_000, EMAILS, "delivered"): 1,
        Counted(ORG, 20_000, RECIPIENTS, "delivered"): 1,
    }


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_page_size_of_the_log_does_not_change_counts(size: int) -> None:
    names = events(
        "scheduled", "suppressed c", "sent", "delivery_delayed a", "delivered b", "bounced a", "bounced b"
    )
    total: Counter[Counted] = Counter()
    for start in range(0, len(names), size):
        part = changes(names[:start], names[start : start + size], {KEY: 3})
        for key, count in part.items():
            total[key] += count
    assert Counter({key: count for key, count in total.items() if count}) == changes([], names, {KEY: 3})
