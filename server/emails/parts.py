"""The stored parts of attachments and of the bodies of finished messages."""

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
