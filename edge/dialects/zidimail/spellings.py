"""How clients of Resend's wire write an email besides the documented way.

What is read here would else be ignored like any unknown field (C-50), and somebody's replies, schedule or
recipients would be lost without a word.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Json: TypeAlias = Any

_OF_EMAILS = {"replyTo": "reply_to", "scheduledAt": "scheduled_at"}
_OF_FILES = {
    "contentType": "content_type",
    "contentId": "content_id",
    # As Resend once named the Content-ID.
    "inlineContentId": "content_id",
    "inline_content_id": "content_id",
}


def respell_email(body: dict[str, Json]) -> None:
    """Gives fields that are written as in JavaScript their names, unless those are there too."""
    _respell(body, _OF_EMAILS)


def respell_file(file: dict[str, Json]) -> None:
    """The same for an attachment: Resend's Rust client mixes both."""
    _respell(file, _OF_FILES)


def _respell(body: dict[str, Json], names: dict[str, str]) -> None:
    for other, own in names.items():
        value = body.get(other)
        # Anything else is not what these names stand for, but an unknown field.
        if (type(value) is str or type(value) is list) and body.get(own) is None:
            body[own] = value


def mailboxes(text: str) -> list[str]:
    """The addresses in a text that may hold several, parted by commas.

    A comma inside quotes parts nothing, nor does one beside which there is no address: `Doe, Jane <j@x>`.
    """
    if "," not in text:
        return [text] if text else []
    found: list[list[str]] = []
    quoted = False
    for piece in text.split(","):
        if quoted:
            found[-1].append(piece)
        else:
            found.append([piece])
        quoted ^= (piece.count('"') - piece.count('\\"')) % 2 == 1
    parts = [part for pieces in found if (part := ",".join(pieces).strip())]
    return parts if all("@" in part for part in parts) else [text]


def drop_repeated_reply_to(body: dict[str, Json]) -> None:
    """Symfony's client names the same addresses among the headers once more; others stay, to be refused."""
    headers, reply_to = body.get("headers"), body.get("reply_to")
    if type(headers) is not dict or type(reply_to) is not list or not reply_to:
        return
    for name in [name for name in headers if name.lower() == "reply-to"]:
        value = headers[name]
        if type(value) is str and _bare(mailboxes(value)) == _bare(reply_to):
            del headers[name]


def _bare(texts: list[Json]) -> list[str]:
    """The addresses without their names, which one place has encoded and the other has not."""
    return [str(text).rpartition("<")[2].rstrip("> ").strip().lower() for text in texts]
