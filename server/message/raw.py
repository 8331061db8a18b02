"""A finished message, read: what the platform shows of it, and the header with which it is sent on.

Its body is never changed. A message in which anything is wrong has problems instead of a meaning: pairs of a
field, named as a request to send names it, and the reason.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_tz
from functools import lru_cache

from server.addresses import CONTROL, Mailbox, NotAMailbox, as_text, mailbox
from server.encoded_words import decoded
from server.message import raw_header, structured
from server.message.encoding import holds_control, is_too_long, mailboxes, unstructured
from server.message.mailbox_lists import mailbox_texts
from server.message.mime_tree import Part, Span, TooComplex, head_and_body, parts_of
from server.message.pieces import count, replaced
from server.message.raw_header import Field

# The names of the lists of a request to send.
_LISTS = {"to": "to", "cc": "cc", "bcc": "bcc", "reply-to": "reply_to"}
_WRITTEN_LISTS = frozenset({"from", "to", "cc"})
# They say how the body is to be read, where the message has been, or what it is: they stand as they are.
_AS_THEY_ARE = frozenset({"mime-version", "received"})
_PREFIXES_AS_THEY_ARE = ("content-", "resent-")
# Not among the caller's own headers: other fields of an email show them.
_SHOWN_ELSEWHERE = frozenset({"from", "to", "cc", "reply-to", "subject", "date", "message-id"})
_NOWHERE = Span(0, 0)
_SHOWN = 998  # characters of an address that cannot be read


@dataclass(slots=True)
class RawMessage:
    """The meaning of a finished message.

    `head` has the fields that are sent on, each with its CRLF; Date and Message-ID are among them only if the
    message had them. `lists` has the mailboxes of `to`, `cc`, `bcc` and `reply_to` as texts. `body` is a
    place in the message.
    """

    head: list[bytes] = field(default_factory=list)
    authors: list[Mailbox] = field(default_factory=list)
    lists: dict[str, list[str]] = field(default_factory=dict)
    subject: str = ""
    message_id: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    # Instructions to the platform.
    tags: list[tuple[str, str]] = field(default_factory=list)
    idempotency_key: str | None = None
    scheduled_at: str | None = None
    body: Span = _NOWHERE
    parts: list[Part] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)


def with_crlf(message: bytes) -> bytes | None:
    """The message with CRLF as its line breaks; None if it holds a bare CR or LF beside them.

    All of them may be LF, as in files. Anything between is how messages are smuggled past others.
    """
    breaks, carriage_returns = count(message, b"\n"), count(message, b"\r")
    if not carriage_returns:
        return replaced(message, b"\n", b"\r\n")
    return message if carriage_returns == breaks == count(message, b"\r\n") else None


def read(message: bytes, *, needs_recipients: bool) -> RawMessage:
    """Reads a message whose lines end in CRLF, in linear time.

    With `needs_recipients` its To, Cc and Bcc decide who gets it: all of them must be readable.
    """
    raw = RawMessage()
    whole, raw.body = head_and_body(message, Span(0, len(message)))
    try:
        fields = raw_header.checked_fields(message[whole.start : whole.end])
        raw.parts = parts_of(message, whole, raw.body, raw_header.content_fields(fields))
    except (raw_header.Unreadable, TooComplex) as error:
        raw.problems.append(("content", str(error)))
        return raw
    raw.problems += ((_place(name), problem) for name, problem in raw_header.problems(fields))
    by_key = {field.key: field for field in fields}
    raw.problems += _author_problems(raw, by_key)
    for name, place in _LISTS.items():
        if name in by_key:
            strict = needs_recipients or name == "reply-to"
            raw.problems += _read_list(raw, place, by_key[name], strict=strict)
    for each in fields:
        if raw_header.is_removed(each.key):
            _instruction(raw, each)
            continue
        line = _line(raw, each)
        if isinstance(line, bytes):
            raw.head.append(line)
        else:
            raw.problems.append((_place(each.name), line))
        if each.key not in _SHOWN_ELSEWHERE and not _stands(each.key):
            values = [raw.headers[each.name]] if each.name in raw.headers else []
            raw.headers[each.name] = ", ".join([*values, decoded(each.value)])
    return raw


def _author_problems(raw: RawMessage, by_key: dict[str, Field]) -> Iterator[tuple[str, str]]:
    """Reads From (RFC 5322 section 3.6.2)."""
    given = by_key.get("from")
    texts = mailbox_texts(given.value) if given is not None else []
    if not texts:
        yield "from", "is required: the message's header has no From with an address"
        return
    try:
        raw.authors = [mailbox(text) for text in texts]
    except NotAMailbox as error:
        yield "from", str(error)
        return
    if len({author.domain for author in raw.authors}) > 1:
        yield "from", "holds addresses of several domains: an email is sent from one domain"
    elif len(raw.authors) > 1 and "sender" not in by_key:
        yield "from", "holds several addresses: name the one that sends in Sender (RFC 5322 section 3.6.2)"


def _read_list(raw: RawMessage, place: str, given: Field, *, strict: bool) -> Iterator[tuple[str, str]]:
    shown = raw.lists[place] = []
    for position, text in enumerate(mailbox_texts(given.value)):
        try:
            mailbox(text)
            shown.append(as_text(text))
        except NotAMailbox as error:
            if strict or not given.lines.isascii():
                yield f"{place}[{position}]", str(error)
            elif not CONTROL.search(text):
                shown.append(text[:_SHOWN])


def _line(raw: RawMessage, given: Field) -> bytes | str:
    """The lines of a field as they are sent, or the reason why it cannot be."""
    key = given.key
    if holds_control(given.value):
        return "must not hold line breaks or other control characters"
    if key == "subject":
        raw.subject = decoded(given.value)
        if holds_control(raw.subject):
            return "hides control characters in an encoded word"
        return given.lines if given.lines.isascii() else unstructured(given.name, raw.subject)
    if key in _WRITTEN_LISTS:
        return given.lines if given.lines.isascii() else _written_list(given)
    if key == "date":
        return given.lines if _is_date(given.value) else "is no date such as Fri, 27 Nov 2026 10:00:00 +0000"
    if _stands(key):
        return given.lines
    if key == "message-id":
        return _message_id(raw, given)
    return raw_header.line_or_problem(given)


def _message_id(raw: RawMessage, given: Field) -> bytes | str:
    try:
        [raw.message_id] = structured.ids(given.key, given.value)
    except structured.Unreadable as error:
        return str(error)
    return given.lines if given.lines.isascii() else raw_header.line_or_problem(given)


# The messages of a moment have the same date.
@lru_cache(maxsize=256)
def _is_date(value: str) -> bool:
    return parsedate_tz(value) is not None


def _written_list(given: Field) -> bytes | str:
    """The line of a list of mailboxes that is not in US-ASCII: their names become encoded words."""
    try:
        line = mailboxes(given.name, [mailbox(text) for text in mailbox_texts(given.value)])
    except NotAMailbox as error:
        return str(error)
    return "makes a line of more than 998 octets" if is_too_long(line) else line


def _instruction(raw: RawMessage, given: Field) -> None:
    match given.key:
        case "x-zidimail-tag" | "x-zidimail-metadata":
            name, _, text = decoded(given.value).partition("=")
            raw.tags.append((name.strip(), text.strip()))
        case "x-zidimail-scheduled-at":
            raw.scheduled_at = decoded(given.value)
        case "idempotency-key" | "x-idempotency-key":
            raw.idempotency_key = given.value


@lru_cache(maxsize=1024)
def _stands(key: str) -> bool:
    return key in _AS_THEY_ARE or key.startswith(_PREFIXES_AS_THEY_ARE)


def _place(name: str) -> str:
    """The name under which a request to send has a header field."""
    key = name.lower()
    return _LISTS.get(key, key) if key in {*_LISTS, "from", "subject"} else f"headers.{name}"


def shown_texts(parts: Sequence[Part]) -> tuple[Part | None, Part | None]:
    """The parts that are the plain text and the HTML of a message, each None if it has none.

    The first of each kind, of those that stand for the whole message and not for a file.
    """
    first: dict[str, Part] = {}
    for part in parts:
        if part.is_text:
            first.setdefault(part.media_type, part)
    return first.get("text/plain"), first.get("text/html")


def files_of(parts: Sequence[Part]) -> list[Part]:
    """The parts that are files: all that neither hold parts nor are shown as text nor sign other parts."""
    return [part for part in parts if not (part.is_multipart or part.is_text or part.is_signature)]
