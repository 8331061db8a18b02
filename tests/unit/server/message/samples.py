"""One message of the corpus: what is sent, checked as a request is, and what each reader must find."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from server.addresses import Mailbox, mailbox, split
from server.emails import rules
from server.message.attachment import Attachment
from server.message.compose import Message, compose
from server.message.media_types import media_type_of
from server.message.structured import MAILBOX_FIELDS
from tests.unit.server.message.test_sign import DOMAIN, signed

_CHUNK = 57 * 1000  # bytes, a multiple of 57: whole lines of base64


class File(NamedTuple):
    """A file to send: its type is that of its name if none is given. `shown_type` is what readers find."""

    name: str
    content: bytes
    content_type: str = ""
    content_id: str = ""
    shown_type: str = ""


@dataclass(frozen=True)
class Sample:
    """A signed message, and the values that every reader must find in it.

    `boxes` and `fields` have the names of header fields in lower case; `fields` are decoded and unfolded.
    """

    name: str
    raw: bytes
    boxes: Mapping[str, Sequence[Mailbox]]
    subject: str
    fields: Mapping[str, str]
    text: str
    html: str
    files: Sequence[File]


def sample(
    name: str,
    *,
    sender: str = f"Ada <ada@{DOMAIN}>",
    to: Sequence[str] = ("bob@receiver.test",),
    cc: Sequence[str] = (),
    reply_to: Sequence[str] = (),
    subject: str = "Your receipt",
    text: str = "",
    html: str = "",
    headers: Mapping[str, str] | None = None,
    shown: Mapping[str, str] | None = None,
    files: Sequence[File] = (),
) -> Sample:
    """A message of values that a request may have; its name becomes one of a file.

    `shown` are the values of `headers` that readers show in another form.
    """
    headers = headers or {}
    assert not list(rules.headers(headers, has_reply_to=bool(reply_to))), name
    assert not list(rules.attachments([_as_requested(file) for file in files])), name
    lists = {
        "from": [mailbox(sender)],
        "to": [mailbox(text) for text in to],
        "cc": [mailbox(text) for text in cc],
        "reply-to": [mailbox(text) for text in reply_to],
    }
    composed = compose(
        Message(
            sender=lists["from"][0],
            to=lists["to"],
            cc=lists["cc"],
            reply_to=lists["reply-to"],
            subject=subject,
            message_id=f"<{name}@{DOMAIN}>",
            date_ms=int(time.time() * 1000),
            text=text or None,
            html=html or None,
            headers=headers,
            attachments=[_attached(file) for file in files],
        )
    )
    values = {field.lower(): value for field, value in headers.items()} | {
        field: value for field, value in (shown or {}).items() if field in map(str.lower, headers)
    }
    own = {
        field: [mailbox(part) for part in split(values[field])] for field in values.keys() & MAILBOX_FIELDS
    }
    # HTML shows its own files, which stand beside it.
    shown_files = sorted(files, key=lambda file: not (file.content_id and html))
    return Sample(
        name=f"{name}.eml",
        raw=signed(list(composed.head), composed.body, int(time.time())),
        boxes={field: boxes for field, boxes in {**lists, **own}.items() if boxes},
        subject=subject.strip(),
        fields={field: value.strip(" \t") for field, value in values.items() if field not in own},
        text=text,
        html=html,
        files=[file._replace(shown_type=file.shown_type or _type(file)) for file in shown_files],
    )


def quoted(name: str, address: str) -> str:
    """A mailbox with a display name of any characters."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{address}>' if name else address


def _type(file: File) -> str:
    return (file.content_type or media_type_of(file.name)).partition(";")[0].strip().lower()


def _attached(file: File) -> Attachment:
    chunks = [file.content[at : at + _CHUNK] for at in range(0, len(file.content), _CHUNK)]
    return Attachment(file.name, file.content_type or media_type_of(file.name), file.content_id, chunks)


def _as_requested(file: File) -> rules.File:
    return rules.File(file.name, len(file.content), "", file.content_type, file.content_id)
