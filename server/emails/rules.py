"""What an email must be like to be accepted: pure checks on plain values."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.header import decode_header, make_header
from typing import Literal

from server.addresses import CONTROL, Mailbox, NotAMailbox, holds_several, mailbox
from server.faults import Violation

Kind = Literal["to", "cc", "bcc"]

MAX_RECIPIENTS = 50  # C-40
MAX_REPLY_TO = 50
MAX_SUBJECT_LENGTH = 998  # Z-14, characters
MAX_BODY_BYTES = 5 * 2**20  # S-4, each of html and text
MAX_HEADERS = 50  # C-40
MAX_HEADER_NAME_LENGTH = 126
MAX_HEADER_VALUE_LENGTH = 8192
# A word of a header cannot be folded, and no line may be longer than 998 octets (RFC 5322 section 2.1.1).
MAX_HEADER_WORD_LENGTH = 900
MAX_TAGS = 50
MAX_TAG_LENGTH = 256
MAX_IDEMPOTENCY_KEY_LENGTH = 256  # F-1
MAX_ATTACHMENTS = 10  # Z-20
MAX_FILENAME_LENGTH = 255
MAX_URL_LENGTH = 2048
MAX_MEDIA_TYPE_LENGTH = 255
MAX_CONTENT_ID_LENGTH = 128
MAX_AHEAD_MS = 365 * 86_400_000  # C-25

_HEADER_NAME = re.compile(r"[!-9;-~]+\Z")  # RFC 5322 section 2.2
_IDEMPOTENCY_KEY = re.compile(r"[ -~]{1,256}\Z")
# RFC 2045 section 5.1, with RFC 6838's length and characters of a name.
_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_ATOM = r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+"
_MEDIA_TYPE = re.compile(
    rf'{_NAME}/{_NAME}(?:[ \t]*;[ \t]*{_ATOM}=(?:{_ATOM}|"[ !#-\[\]-~]*"))*[ \t]*;?[ \t]*\Z'
)
_CONTENT_ID = re.compile(r"[!-;=?-~]{1,128}\Z")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>\Z")
# Written by the platform alone (C-36), or by the systems a message passes (RFC 5322 sections 3.6.6, 3.6.7).
_OWN_HEADERS = frozenset(
    {
        *(
            "from",
            "sender",
            "to",
            "cc",
            "bcc",
            "subject",
            "date",
            "mime-version",
            "dkim-signature",
            "return-path",
        ),
        *("received", "received-spf", "delivered-to", "authentication-results", "domainkey-signature"),
    }
)
_OWN_HEADER_PREFIXES = ("content-", "arc-", "resent-")


def sender(text: str) -> Iterator[Violation]:
    """The violations of `from` (Z-12)."""
    yield from _mailbox_violations("from", text, required=True)


def addresses(field: str, texts: Sequence[str]) -> Iterator[Violation]:
    """The violations of one list of mailboxes."""
    for position, text in enumerate(texts):
        yield from _mailbox_violations(f"{field}[{position}]", text, required=False)


def counts(
    to: Sequence[str], cc: Sequence[str], bcc: Sequence[str], reply_to: Sequence[str]
) -> Iterator[Violation]:
    """The violations of the numbers of addresses (Z-13, C-40)."""
    if not to:
        yield Violation("to", "is required: name at least one recipient")
    if (count := len(to) + len(cc) + len(bcc)) > MAX_RECIPIENTS:
        yield Violation(
            "to", f"to, cc and bcc hold {count} addresses, and at most {MAX_RECIPIENTS} are allowed"
        )
    if len(reply_to) > MAX_REPLY_TO:
        yield Violation(
            "reply_to", f"holds {len(reply_to)} addresses, and at most {MAX_REPLY_TO} are allowed"
        )


def subject(text: str) -> Iterator[Violation]:
    """The violations of `subject` (Z-14)."""
    if not text:
        yield Violation("subject", "is required")
    elif len(text) > MAX_SUBJECT_LENGTH:
        yield Violation(
            "subject", f"subject length ({len(text)}) exceeds maximum ({MAX_SUBJECT_LENGTH} characters)"
        )
    elif CONTROL.search(text):
        yield Violation("subject", "must not hold line breaks or other control characters")


def bodies(html: str, text: str) -> Iterator[Violation]:
    """The violations of `html` and `text`: one is needed, an empty one counts as absent (Z-15, C-38)."""
    if not html and not text:
        yield Violation("html", "one of html and text is required")
    for field, body in (("html", html), ("text", text)):
        if len(body) > MAX_BODY_BYTES or (not body.isascii() and len(body.encode()) > MAX_BODY_BYTES):
            yield Violation(field, f"is longer than {MAX_BODY_BYTES} bytes")
        elif "\x00" in body:
            yield Violation(field, "must not hold NUL characters")


def headers(given: Mapping[str, str], *, has_reply_to: bool) -> Iterator[Violation]:
    """The violations of the caller's own headers (C-36); an idempotency key is none of them (F-1)."""
    if len(given) > MAX_HEADERS:
        yield Violation("headers", f"holds {len(given)} headers, and at most {MAX_HEADERS} are allowed")
        return
    seen: set[str] = set()
    for name, value in given.items():
        field = f"headers.{name}" if name.isprintable() else "headers"
        lowered = name.lower()
        if not _HEADER_NAME.match(name) or len(name) > MAX_HEADER_NAME_LENGTH:
            yield Violation(field, "is no header name: use printable ASCII without colons and spaces")
        elif lowered in _OWN_HEADERS or lowered.startswith(_OWN_HEADER_PREFIXES):
            yield Violation(field, "is written by the platform and cannot be set")
        elif lowered == "idempotency-key":
            yield Violation(field, "is for the platform and not for recipients: set idempotency_key")
        elif lowered in seen or (lowered == "reply-to" and has_reply_to):
            yield Violation(field, "is given twice")
        else:
            seen.add(lowered)
            yield from _header_value(field, lowered, value)


def tags(given: Sequence[tuple[str, str]]) -> Iterator[Violation]:
    """The violations of the caller's own tags (Z-19)."""
    if len(given) > MAX_TAGS:
        yield Violation("tags", f"holds {len(given)} tags, and at most {MAX_TAGS} are allowed")
        return
    for position, (name, value) in enumerate(given):
        if not 1 <= len(name) <= MAX_TAG_LENGTH or CONTROL.search(name):
            yield Violation(
                f"tags[{position}].name", f"must have 1 to {MAX_TAG_LENGTH} characters in one line"
            )
        if len(value) > MAX_TAG_LENGTH or CONTROL.search(value):
            yield Violation(
                f"tags[{position}].value", f"must have at most {MAX_TAG_LENGTH} characters in one line"
            )


@dataclass(frozen=True, slots=True)
class File:
    """A file to send along, as the caller names it; `size` is that of its content, in bytes, None if it has
    none."""

    filename: str
    size: int | None
    path: str
    content_type: str
    content_id: str


def attachments(files: Sequence[File]) -> Iterator[Violation]:
    """The violations of `attachments` (Z-20, F-12), but for what a link leads to."""
    if len(files) > MAX_ATTACHMENTS:
        yield Violation("attachments", f"holds {len(files)} files, and at most {MAX_ATTACHMENTS} are allowed")
        return
    seen: set[str] = set()
    for position, file in enumerate(files):
        field = f"attachments[{position}]"
        if (problem := _filename_problem(file.filename.strip())) is not None:
            yield Violation(f"{field}.filename", problem)
        if file.path and file.size:
            yield Violation(f"{field}.content", "one of content and path is required, not both")
        elif not file.path and file.size is None:
            yield Violation(f"{field}.content", "one of content and path is required")
        if len(file.path) > MAX_URL_LENGTH:
            yield Violation(f"{field}.path", f"is longer than {MAX_URL_LENGTH} characters")
        if file.content_type and not is_media_type(file.content_type):
            yield Violation(f"{field}.content_type", "is no media type of a file, such as application/pdf")
        if file.content_id:
            if not _CONTENT_ID.match(file.content_id):
                yield Violation(
                    f"{field}.content_id",
                    f"must have 1 to {MAX_CONTENT_ID_LENGTH} printable ASCII characters without brackets",
                )
            elif file.content_id in seen:
                yield Violation(f"{field}.content_id", "is given twice")
            seen.add(file.content_id)


def is_media_type(text: str) -> bool:
    """Whether a file may be sent under this media type.

    Messages and multiparts are made of parts and must not be encoded as a whole (RFC 2046 sections 5.1
    and 5.2.1).
    """
    return (
        len(text) <= MAX_MEDIA_TYPE_LENGTH
        and _MEDIA_TYPE.match(text) is not None
        and not text.lower().startswith(("multipart/", "message/"))
    )


def scheduled_at(at_ms: int, now_ms: int) -> Iterator[Violation]:
    """The violations of a time at which delivery shall begin (F-2, C-25)."""
    if at_ms <= now_ms:
        yield Violation("scheduled_at", "is past: it must be in the future")
    elif at_ms > now_ms + MAX_AHEAD_MS:
        yield Violation("scheduled_at", "is more than 365 days ahead")


def is_idempotency_key(key: str) -> bool:
    """Whether `key` may be an idempotency key: 1 to 256 characters of printable ASCII (F-1)."""
    return _IDEMPOTENCY_KEY.match(key) is not None


def envelope(to: Sequence[str], cc: Sequence[str], bcc: Sequence[str]) -> dict[str, tuple[Kind, Mailbox]]:
    """The recipients of checked lists by `Mailbox.key`: each once, of the first list that names it (C-39)."""
    found: dict[str, tuple[Kind, Mailbox]] = {}
    lists: tuple[tuple[Kind, Sequence[str]], ...] = (("to", to), ("cc", cc), ("bcc", bcc))
    for kind, texts in lists:
        for text in texts:
            recipient = mailbox(text)
            found.setdefault(recipient.key, (kind, recipient))
    return found


def message_id(given: Mapping[str, str], email_id: str, domain: str) -> str:
    """The Message-ID (RFC 5322 section 3.6.4): the caller's own, else made of the email's id and domain."""
    for name, value in given.items():
        if name.lower() == "message-id":
            return value.strip()
    return f"<{email_id}@{domain}>"


def _filename_problem(name: str) -> str | None:
    if not name:
        return "is required"
    if len(name) > MAX_FILENAME_LENGTH:
        return f"is longer than {MAX_FILENAME_LENGTH} characters"
    if CONTROL.search(name):
        return "must not hold line breaks or other control characters"
    return "must be a name without a path" if "/" in name or "\\" in name else None


def _mailbox_violations(field: str, text: str, *, required: bool) -> Iterator[Violation]:
    if required and not text:
        yield Violation(field, "is required")
        return
    try:
        mailbox(text)
    except NotAMailbox as error:
        yield Violation(field, str(error))
        return
    if holds_several(text):
        yield Violation(field, "holds several addresses: each needs an entry of its own")


def _header_value(field: str, name: str, value: str) -> Iterator[Violation]:
    if CONTROL.search(value.replace("\t", " ")):
        yield Violation(field, "must not hold line breaks or other control characters")
    elif len(value) > MAX_HEADER_VALUE_LENGTH:
        yield Violation(field, f"is longer than {MAX_HEADER_VALUE_LENGTH} characters")
    elif any(len(word) > MAX_HEADER_WORD_LENGTH for word in value.split()):
        yield Violation(field, f"holds a word of more than {MAX_HEADER_WORD_LENGTH} characters")
    elif name == "message-id" and not _MESSAGE_ID.match(value.strip()):
        yield Violation(field, "must have the form <local@domain>")
    elif "=?" in value and _hides_control(value):
        yield Violation(field, "hides control characters in an encoded word")


def _hides_control(value: str) -> bool:
    """Whether decoding the encoded words of a value (RFC 2047) brings control characters to light."""
    try:
        decoded = str(make_header(decode_header(value)))
    except (ValueError, LookupError):
        return True
    return CONTROL.search(decoded.replace("\t", " ")) is not None
