"""A second format of webhook calls, beside the program's own.

It differs in all that a format decides: names of events, shape of the body, and a signature over time and
body in other headers, as contract rows V-2 and V-3 have it.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence

import orjson

from server.events.rows import EventRow
from server.webhooks.formats.format import EmailRow, Format
from server.webhooks.formats.table import FORMATS


class ShortFormat:
    """Events without `email.`, signed with the newest secret."""

    def __init__(self) -> None:
        self.rendered: list[str] = []  # the ids of the events that were rendered

    def body(self, event: EventRow, email: EmailRow) -> bytes:
        """The event and its email's id."""
        self.rendered.append(event.id)
        return orjson.dumps({"event": _name(event.type), "email": {"id": email.id}})

    def account_body(self, event: EventRow) -> bytes:
        """The event alone."""
        return orjson.dumps({"event": _name(event.type)})

    def contact_body(self, event: EventRow) -> bytes:
        """The event alone."""
        return orjson.dumps({"event": _name(event.type)})

    def test_body(self, webhook_id: str, now_ms: int) -> bytes:
        """The webhook's id."""
        return orjson.dumps({"event": "test", "webhook": webhook_id, "timestamp": now_ms})

    def headers(
        self, secrets: Sequence[str], event_id: str, event_type: str, timestamp_s: int, body: bytes
    ) -> dict[str, str]:
        """Event, time, and HMAC-SHA256 of `{timestamp}.{body}` by the whole secret."""
        signature = hmac.new(secrets[0].encode(), b"%d.%s" % (timestamp_s, body), hashlib.sha256)
        return {
            "X-Short-Event": _name(event_type),
            "X-Short-Timestamp": str(timestamp_s),
            "X-Short-Signature": f"sha256={signature.hexdigest()}",
        }


def with_short_format(short: ShortFormat) -> Mapping[str, Format]:
    """The program's formats and the one named `short`."""
    return {**FORMATS, "short": short}


def _name(event_type: str) -> str:
    return event_type.rpartition(".")[2]
