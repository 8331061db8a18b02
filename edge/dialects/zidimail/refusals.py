"""Bodies that are refused before they are bound, because the messages could not tell them from others."""

from __future__ import annotations

from edge.transcoding.json_value import Json
from edge.transcoding.status import Violation, invalid
from edge.transcoding.values import VIOLATIONS_SHOWN

_NO_FILES = "is not possible in a batch, and nothing was sent: send emails with attachments one by one"


def refuse_files(batch: dict[str, Json]) -> None:
    """Raises Failure if an email of a batch has attachments (C-3)."""
    emails = batch.get("emails")
    if type(emails) is not list:
        return
    carrying = [at for at, email in enumerate(emails) if type(email) is dict and email.get("attachments")]
    if carrying:
        raise invalid(
            [Violation(f"emails[{at}].attachments", _NO_FILES) for at in carrying[:VIOLATIONS_SHOWN]]
        )


def refuse_no_events(webhook: dict[str, Json]) -> None:
    """Raises Failure for an empty list of events, which the message could not tell from an absent one."""
    if webhook.get("events") == []:
        raise invalid([Violation("events", "must name at least one event type")])
