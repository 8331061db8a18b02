"""Composes the MIME message of an email; every attempt gets the same bytes.

The header is a list of complete lines, so that the signer need not parse it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from server.addresses import Mailbox
from server.message import headers
from server.message.attachment import Attachment, Part, part
from server.message.encoding import Uncomposable, body, mailboxes, unstructured


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message to compose. `date_ms` is milliseconds since 1970 UTC; `headers` are the caller's own."""

    sender: Mailbox
    to: Sequence[Mailbox]
    cc: Sequence[Mailbox] = ()
    reply_to: Sequence[Mailbox] = ()
    subject: str
    message_id: str
    date_ms: int
    text: str | None = None
    html: str | None = None
    headers: Mapping[str, str]
    attachments: Sequence[Attachment] = ()


@dataclass(frozen=True, slots=True)
class Composed:
    """A message without its signatures: header lines, each with its CRLF, and the body."""

    head: tuple[bytes, ...]
    body: bytes

    @property
    def needs_utf8(self) -> bool:
        """True if the message needs SMTPUTF8 (RFC 6531): an address in its header is not US-ASCII."""
        return not all(line.isascii() for line in self.head)

    def __bytes__(self) -> bytes:
        return b"".join((*self.head, b"\r\n", self.body))


def compose(message: Message) -> Composed:
    """Composes the message. Raises `Uncomposable`, but not for an email that was accepted."""
    root = _content(message)
    head = [
        mailboxes("From", [message.sender]),
        mailboxes("To", message.to),
    ]
    if message.cc:
        head.append(mailboxes("Cc", message.cc))
    if message.reply_to:
        head.append(mailboxes("Reply-To", message.reply_to))
    head.append(unstructured("Subject", message.subject))
    head.append(date_line(message.date_ms // 1000))
    head.append(message_id_line(message.message_id))
    head.extend(_own_headers(message))
    head.append(b"MIME-Version: 1.0\r\n")
    return Composed((*head, *root.head), b"".join(root.content))


def _content(message: Message) -> Part:
    """The MIME tree: mixed(alternative(plain, related(html, inline files)), files), as far as needed."""
    inline = [file for file in message.attachments if file.content_id and message.html]
    others = [file for file in message.attachments if not (file.content_id and message.html)]
    # Mail readers prefer the last alternative (RFC 2046 section 5.1.4).
    parts = [_leaf("plain", message.text)] if message.text else []
    if message.html:
        html = _leaf("html", message.html)
        if inline:
            files = [part(file) for file in inline]
            html = _multipart("related", [html, *files], message.message_id, ' type="text/html";')
        parts.append(html)
    if not parts:
        parts = [_leaf("plain", "")]
    shown = parts[0] if len(parts) == 1 else _multipart("alternative", parts, message.message_id)
    if not others:
        return shown
    return _multipart("mixed", [shown, *map(part, others)], message.message_id)


def _leaf(subtype: str, text: str) -> Part:
    encoding, content = body(text)
    return Part(
        (
            f"Content-Type: text/{subtype}; charset=utf-8\r\n".encode(),
            f"Content-Transfer-Encoding: {encoding}\r\n".encode(),
        ),
        (content,),
    )


def _multipart(subtype: str, parts: Sequence[Part], seed: str, parameters: str = "") -> Part:
    boundary = _boundary(parts, f"{subtype} {seed}")
    line = f"--{boundary}\r\n".encode()
    pieces: list[bytes] = []
    for child in parts:
        pieces += (line, *child.head, b"\r\n", *child.content, b"\r\n")
    pieces.append(f"--{boundary}--\r\n".encode())
    head = [f'Content-Type: multipart/{subtype};{parameters}\r\n boundary="{boundary}"\r\n'.encode()]
    # RFC 2045 section 6.4: a multipart has the encoding of the widest part in it.
    is_8bit = any(child.is_8bit for child in parts)
    if is_8bit:
        head.append(b"Content-Transfer-Encoding: 8bit\r\n")
    return Part(tuple(head), tuple(pieces), is_8bit)


def _boundary(parts: Sequence[Part], seed: str) -> str:
    """A boundary that is in no part. It is derived from the message, so that retries send the same bytes."""
    while True:
        # `=_` cannot stand in base64 or quoted-printable (RFC 2045 section 6.7).
        boundary = f"=_{hashlib.blake2b(seed.encode(), digest_size=12).hexdigest()}"
        if not any(boundary.encode() in piece for child in parts for piece in child.content):
            return boundary
        seed = boundary


def _own_headers(message: Message) -> list[bytes]:
    """The caller's header fields, checked again in case the stored row was changed."""
    lines = []
    for name, line in headers.written(message.headers, has_reply_to=bool(message.reply_to)):
        if isinstance(line, str):
            raise Uncomposable(f"the header {name!r} {line}")
        if name.lower() != "message-id":  # accept made it the Message-ID of the email
            lines.append(line)
    return lines


@lru_cache(maxsize=64)
def date_line(seconds: int) -> bytes:
    """The Date field of a time in seconds since 1970 UTC."""
    return f"Date: {format_datetime(datetime.fromtimestamp(seconds, UTC))}\r\n".encode()


def message_id_line(message_id: str) -> bytes:
    """The Message-ID field. Raises `Uncomposable`."""
    if not headers.is_message_id(message_id):
        raise Uncomposable("a Message-ID that is none")
    return f"Message-ID: {message_id}\r\n".encode()
