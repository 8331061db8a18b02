"""The status of an email follows from those of its recipients."""

import pytest

from server.events.statuses import email_status


@pytest.mark.parametrize(
    ("recipients", "status"),
    [
        ({"scheduled"}, "scheduled"),
        ({"scheduled", "suppressed"}, "scheduled"),
        ({"canceled"}, "canceled"),
        ({"canceled", "suppressed"}, "canceled"),
        ({"queued"}, "queued"),
        ({"queued", "delivered"}, "queued"),
        ({"queued", "delivery_delayed", "bounced"}, "delivery_delayed"),
        ({"delivered"}, "delivered"),
        ({"delivered", "suppressed"}, "delivered"),
        ({"suppressed"}, "suppressed"),
        ({"suppressed", "bounced"}, "bounced"),
        ({"delivered", "failed"}, "failed"),
        ({"delivered", "failed", "bounced"}, "bounced"),
        ({"bounced", "complained"}, "complained"),
    ],
)
def test_email_has_the_worst_status_once_all_recipients_are_settled(
    recipients: set[str], status: str
) -> None:
    assert email_status(recipients) == status
