"""Rows that emails and finished messages have alike: recipients, and the parts of files and of bodies."""

from collections.abc import Iterable

from server.addresses import Mailbox
from server.emails.rules import Kind
from server.emails.transitions import Row

# The bytes of an attachment in one stored part: whole lines of base64 (57 bytes each).
PART = 57 * 16_384


def part_rows(org_id: str, email_id: str, no: int, whole: memoryview) -> list[Row]:
    """The rows of the parts of attachment `no`, or of a finished message if that is 0; nothing is copied."""
    return [
        {
            "org_id": org_id,
            "email_id": email_id,
            "no": no,
            "part": part,
            "content": whole[start : start + PART],
        }
        for part, start in enumerate(range(0, len(whole), PART))
    ]


def recipient_rows(
    org_id: str, email_id: str, envelope: Iterable[tuple[Kind, Mailbox]], now_ms: int
) -> list[Row]:
    """The rows of recipients that were never tried, numbered from 1."""
    return [
        {
            "org_id": org_id,
            "email_id": email_id,
            "no": no,
            "kind": kind,
            "address": recipient.address,
            "attempts": 0,
            "updated_at": now_ms,
        }
        for no, (kind, recipient) in enumerate(envelope, start=1)
    ]
