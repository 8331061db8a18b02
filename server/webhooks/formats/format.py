"""The interface of a format, and the plain values that it reads."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from server.events.rows import EventRow

# The type of the event of a test call.
TEST_TYPE = "webhook.test"


class EmailRow(NamedTuple):
    """The part of an event's email that a call shows."""

    org_id: str
    id: str
    sender: str
    # JSON lists of addresses.
    to: str
    cc: str
    bcc: str
    reply_to: str
    subject: str
    tags: str  # a JSON list of names and values
    headers: str  # a JSON object
    message_id: str
    test: bool
    created_at: int


class Format(Protocol):
    """A format of calls, as a module of this package implements it. Bodies are JSON in UTF-8.

    The body is made once, when the call is added to the queue, and sent unchanged at each attempt. The
    headers are made for each attempt, from the bytes that are sent.
    """

    def body(self, event: EventRow, email: EmailRow) -> bytes:
        """The body of the calls about an event. Raises `ValueError` or `TypeError` for a broken row."""

    def account_body(self, event: EventRow) -> bytes:
        """The body of the calls about an event of the account. Raises `ValueError` for a broken row."""

    def contact_body(self, event: EventRow) -> bytes:
        """The body of the calls about an event of a contact. Raises `ValueError` for a broken row."""

    def test_body(self, webhook_id: str, now_ms: int) -> bytes:
        """The body of a test call, whose event has the type `TEST_TYPE`."""

    def headers(
        self, secrets: Sequence[str], event_id: str, event_type: str, timestamp_s: int, body: bytes
    ) -> dict[str, str]:
        """The headers of an attempt that is made at `timestamp_s`, beside those that every call has.

        `secrets` are the valid ones, the newest first; `event_type` is the type in the log.
        """
