"""Forms in which clients write an email, besides the documented one of their dialect.

Without them their values would be ignored like any unknown field (C-50), and replies, schedules or recipients
would be lost silently.
"""

from __future__ import annotations

from collections.abc import Mapping

from edge.transcoding.json_value import Json
from edge.transcoding.request_shape import OtherForm, or_else
from edge.transcoding.schema import TEXT, nullable
from edge.transcoding.status import Violation, invalid
from edge.transcoding.values import is_time

EMAIL_ALIASES: Mapping[str, str] = {"send_at": "scheduled_at", "sendAt": "scheduled_at"}
"""Names of other platforms. The names as JavaScript writes them are part of every message."""

FILE_ALIASES: Mapping[str, str] = {
    # Resend's former names of the Content-ID.
    "inlineContentId": "content_id",
    "inline_content_id": "content_id",
}

_TIMES = ("scheduled_at", "scheduledAt", *EMAIL_ALIASES)
_KEY_HEADERS = ("idempotency-key", "x-idempotency-key")


MAX_COMMAS = 10_000
"""Commas of a list of addresses, whose names may have some."""


def mailboxes(text: str) -> list[str]:
    """The addresses in a text that may hold several, separated by commas.

    A comma inside quotes separates nothing, nor does one beside which there is no address: `Doe, Jane <j@x>`.
    """
    if "," not in text:
        return [text] if text else []
    if text.count(",") > MAX_COMMAS:
        # No list that is allowed: it stays one text, which is refused as a whole.
        return [text]
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


def apply_text(value: Json) -> Json:
    """The list of addresses that stand in one text."""
    return mailboxes(value) if type(value) is str else value


def apply_by_name(value: Json) -> Json:
    """The list of tags that are written as an object (C-17)."""
    if type(value) is not dict:
        return value
    return [{"name": name, "value": text} for name, text in value.items() if text is not None]


def apply_empty_list(value: Json) -> Json:
    """The empty object that PHP writes as `[]`."""
    return {} if value == [] else value


def apply_buffer(value: Json) -> Json:
    """The bytes of a Buffer as Node writes it."""
    if type(value) is not dict or value.get("type") != "Buffer":
        return value
    data = value.get("data")
    return data if type(data) in (list, str, bytes) else value


_ADDRESSES = or_else(apply_text, TEXT, wanted="a string or an array")

EMAIL_FORMS: Mapping[str, OtherForm] = {
    "to": or_else(apply_text, {**TEXT, "minLength": 1}, wanted="a string or an array"),
    "cc": _ADDRESSES,
    "bcc": _ADDRESSES,
    "reply_to": _ADDRESSES,
    # Both forms of either dialect (C-17).
    "tags": or_else(
        apply_by_name,
        {"type": "object", "additionalProperties": nullable(TEXT)},
        wanted="an array or an object",
    ),
    "headers": or_else(apply_empty_list, {"type": "array", "maxItems": 0}),
}
"""The other forms of an email's fields."""


def apply_email(email: dict[str, Json]) -> None:
    """Brings an email into the forms that its fields have."""
    apply_headers(email)
    apply_words(email)


def apply_single_email(email: dict[str, Json]) -> None:
    """As `apply_email`. Raises Failure for an email that has a template and no body of its own."""
    if email.get("template") and not email.get("html") and not email.get("text"):
        raise invalid([Violation("template", "templates are not available: send `html` or `text`")])
    apply_email(email)


def apply_words(email: dict[str, Json]) -> None:
    """Moves a time in words into the field that takes it (C-72); the server reads it."""
    for name in _TIMES:
        if type(value := email.get(name)) is str and value and not is_time(value):
            del email[name]
            email.setdefault("scheduled_at_text", value)


def apply_headers(email: dict[str, Json]) -> None:
    """Removes from an email's own headers what has a field: an Idempotency-Key (F-1), which programs put
    there that know no other place, and a Reply-To that repeats the field, as Symfony's client writes it.

    Another Reply-To stays, to be refused.
    """
    headers = email.get("headers")
    if type(headers) is not dict:
        return
    for name in [name for name in headers if name.lower() in _KEY_HEADERS]:
        key = headers.pop(name)
        if key not in ("", None) and _given(email, "idempotency_key", "idempotencyKey") is None:
            email["idempotency_key"] = key
    named = [name for name in headers if name.lower() == "reply-to"]
    reply_to = _given(email, "reply_to", "replyTo")
    # Several spellings are one header that comes twice, and that is refused.
    if len(named) != 1 or type(reply_to) is not list or not reply_to:
        return
    value = headers[named[0]]
    if type(value) is str and _addresses(mailboxes(value)) == _addresses(reply_to):
        del headers[named[0]]


def _given(email: dict[str, Json], own: str, other: str) -> Json:
    """The value of a field under either name; its own counts first."""
    value = email.get(own)
    return email.get(other) if value is None else value


def _addresses(texts: list[Json]) -> list[str]:
    """The addresses without their names, of which one may be an encoded word and the other not."""
    return [str(text).rpartition("<")[2].rstrip("> ").strip().lower() for text in texts]
