"""The event and the email that test calls show, in every format (C-59)."""

from server.events.rows import EventRow
from server.webhooks.formats.format import TEST_TYPE, EmailRow


def example_event(webhook_id: str, now_ms: int) -> EventRow:
    """The delivery of an email that was never sent."""
    return EventRow(
        *("", 0, 0, "", webhook_id, TEST_TYPE, "you@example.net", 1),
        *(250, "2.0.0", "This is a test: no email was sent.", "mx.example.net", False, now_ms),
    )


def example_email(webhook_id: str, now_ms: int) -> EmailRow:
    """The email that it tells of."""
    return EmailRow(
        *("", "", "Test <test@example.com>", '["you@example.net"]', "[]", "[]", "[]", "Test of a webhook"),
        *('[["test","webhook"]]', "{}", f"<{webhook_id}@example.com>", True, now_ms),
    )
