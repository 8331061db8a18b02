"""The rules that an email must meet to be accepted: pure checks on plain values."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from server.addresses import CONTROL, MAX_ENCODED_LENGTH, Mailbox, NotAMailbox, mailbox, split
from server.faults import Violation
from server.message import structured
from server.message.attachment import MAX_FILENAME_LENGTH, filename_problem
from server.message.headers import MAX_CONTENT_ID_LENGTH, is_content_id, problems
from server.message.media_types import is_media_type

Kind = Literal["to", "cc", "bcc"]

MAX_RECIPIENTS = 50  # C-40
MAX_REPLY_TO = 50
MAX_SUBJECT_LENGTH = 998  # Z-14, characters
MAX_BODY_BYTES = 5 * 2**20  # S-4, each of html and text
MAX_HEADERS = 50  # C-40
MAX_TAGS = 50
MAX_TAG_LENGTH = 256
MAX_IDEMPOTENCY_KEY_LENGTH = 256  # F-1
MAX_ATTACHMENTS = 10  # Z-20
MAX_URL_LENGTH = 2048
MAX_AHEAD_MS = 365 * 86_400_000  # C-25

# Commas and semicolons in the lists of an email: those between its addresses, and as many in their names.
MAX_SEPARATORS = 500
# Characters that an encoded word needs for one of its text, at most.
_ENCODED = 18
# Characters of an address in a text about it.
_SHOWN = 100
_IDEMPOTENCY_KEY = re.compile(r"[ -~]{1,256}\Z")


def sizes(
    lists: Mapping[str, Sequence[str]], subject: str, filenames: Sequence[str], headers: int, tags: int
) -> Iterator[Violation]:
    """The violations that are seen without a look at the parts, each of which may hold megabytes.

    `lists` are to, cc, bcc and reply_to, whose entries may hold several addresses each; `headers` and `tags`
    are how many there are.
    """
    if headers > MAX_HEADERS:
        yield Violation("headers", f"holds {headers} headers, and at most {MAX_HEADERS} are allowed")
    yield from _tag_count(tags)
    recipients = len(lists["to"]) + len(lists["cc"]) + len(lists["bcc"])
    if recipients > MAX_RECIPIENTS:
        yield _too_many_recipients(recipients)
    if len(lists["reply_to"]) > MAX_REPLY_TO:
        yield _too_many_reply_to(len(lists["reply_to"]))
    if sum(sum(map(len, texts)) for texts in lists.values()) > MAX_SEPARATORS:
        yield from _separators(lists)
    if len(subject) > MAX_SUBJECT_LENGTH * _ENCODED:
        yield _too_long_subject(len(subject))
    for position, filename in enumerate(filenames):
        if len(filename) > MAX_FILENAME_LENGTH * _ENCODED:
            yield Violation(
                f"attachments[{position}].filename", f"is longer than {MAX_FILENAME_LENGTH} characters"
            )


def raw_sizes(recipients: int, tags: int) -> Iterator[Violation]:
    """The violations of the numbers of recipients and tags of a finished message (C-40)."""
    if recipients > MAX_RECIPIENTS:
        yield Violation(
            "recipients", f"holds {recipients} addresses, and at most {MAX_RECIPIENTS} are allowed"
        )
    yield from _tag_count(tags)


def _tag_count(tags: int) -> Iterator[Violation]:
    if tags > MAX_TAGS:
        yield Violation("tags", f"holds {tags} tags, and at most {MAX_TAGS} are allowed")


def _separators(lists: Mapping[str, Sequence[str]]) -> Iterator[Violation]:
    separators = 0
    for field, texts in lists.items():
        separators += sum(text.count(",") + text.count(";") for text in texts)
        if separators > MAX_SEPARATORS:
            yield Violation(
                field,
                f"holds more than {MAX_SEPARATORS} commas and semicolons, and at most {MAX_RECIPIENTS} "
                "addresses are allowed",
            )
            return


def sender(text: str) -> Iterator[Violation]:
    """The violations of `from` (Z-12)."""
    if not text:
        yield Violation("from", "is required")
        return
    if len(text) <= MAX_ENCODED_LENGTH and len(split(text)) > 1:
        yield Violation("from", "holds several addresses: an email has one sender")
        return
    try:
        mailbox(text)
    except NotAMailbox as error:
        yield Violation("from", str(error))


def addresses(field: str, texts: Sequence[str]) -> Iterator[Violation]:
    """The violations of one list of mailboxes, of which an entry may hold several (C-54)."""
    for position, text in enumerate(texts):
        parts = split(text)
        for part in parts:
            try:
                mailbox(part)
            except NotAMailbox as error:
                place = f'"{part[:_SHOWN]}" ' if len(parts) > 1 else ""
                yield Violation(f"{field}[{position}]", f"{place}{error}")


def counts(
    to: Sequence[str], cc: Sequence[str], bcc: Sequence[str], reply_to: Sequence[str]
) -> Iterator[Violation]:
    """The violations of the numbers of addresses (Z-13, C-40)."""
    if not to:
        yield Violation("to", "is required: name at least one recipient")
    if (count := len(to) + len(cc) + len(bcc)) > MAX_RECIPIENTS:
        yield _too_many_recipients(count)
    if len(reply_to) > MAX_REPLY_TO:
        yield _too_many_reply_to(len(reply_to))


def _too_many_recipients(count: int) -> Violation:
    return Violation("to", f"to, cc and bcc hold {count} addresses, and at most {MAX_RECIPIENTS} are allowed")


def _too_many_reply_to(count: int) -> Violation:
    return Violation("reply_to", f"holds {count} addresses, and at most {MAX_REPLY_TO} are allowed")


def subject(text: str) -> Iterator[Violation]:
    """The violations of `subject` (Z-14)."""
    if not text:
        yield Violation("subject", "is required")
        return
    yield from short_subject(text)
    if len(text) <= MAX_SUBJECT_LENGTH and CONTROL.search(text):
        yield Violation("subject", "must not hold line breaks or other control characters")


def short_subject(text: str) -> Iterator[Violation]:
    """The violation of a subject that is too long (Z-14)."""
    if len(text) > MAX_SUBJECT_LENGTH:
        yield _too_long_subject(len(text))


def _too_long_subject(length: int) -> Violation:
    return Violation(
        "subject", f"subject length ({length}) exceeds maximum ({MAX_SUBJECT_LENGTH} characters)"
    )


def bodies(html: str, text: str) -> Iterator[Violation]:
    """The violations of `html` and `text`: one is needed, an empty one counts as absent (Z-15, C-38)."""
    if not html and not text:
        yield Violation("html", "one of html and text is required")
    for field, body in (("html", html), ("text", text)):
        yield from body_size(field, body)
        if "\x00" in body:
            yield Violation(field, "must not hold NUL characters")


def body_size(field: str, body: str, *, too_large: bool = False) -> Iterator[Violation]:
    """The violation of a body that is too long (S-4); with `too_large` it was too long to be decoded."""
    is_long = len(body) > MAX_BODY_BYTES or (not body.isascii() and len(body.encode()) > MAX_BODY_BYTES)
    if too_large or is_long:
        yield Violation(field, f"is longer than {MAX_BODY_BYTES} bytes")


def headers(given: Mapping[str, str], *, has_reply_to: bool) -> Iterator[Violation]:
    """The violations of the caller's own headers (C-36); an idempotency key is none of them (F-1)."""
    for name, problem in problems(given, has_reply_to=has_reply_to):
        yield Violation(f"headers.{name}" if name.isprintable() else "headers", problem)


def tags(given: Sequence[tuple[str, str]]) -> Iterator[Violation]:
    """The violations of the caller's own tags (Z-19)."""
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
    if too_many := list(attachment_count(len(files))):
        yield from too_many
        return
    seen: set[str] = set()
    for position, file in enumerate(files):
        field = f"attachments[{position}]"
        if (problem := filename_problem(file.filename.strip())) is not None:
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
            if not is_content_id(file.content_id):
                yield Violation(
                    f"{field}.content_id",
                    f"must have 1 to {MAX_CONTENT_ID_LENGTH} printable ASCII characters without brackets",
                )
            elif file.content_id in seen:
                yield Violation(f"{field}.content_id", "is given twice")
            seen.add(file.content_id)


def attachment_count(count: int) -> Iterator[Violation]:
    """The violation of too many attachments (Z-20)."""
    if count > MAX_ATTACHMENTS:
        yield Violation("attachments", f"holds {count} files, and at most {MAX_ATTACHMENTS} are allowed")


def scheduled_at(at_ms: int, now_ms: int) -> Iterator[Violation]:
    """The violations of a time at which delivery shall begin (F-2, C-25)."""
    if at_ms <= now_ms:
        yield Violation("scheduled_at", "is past: it must be in the future")
    elif at_ms > now_ms + MAX_AHEAD_MS:
        yield Violation("scheduled_at", "is more than 365 days ahead")


def of_job(*, is_scheduled: bool, has_key: bool) -> Iterator[Violation]:
    """The violations of an email of a batch job, which is sent and repeated as a whole (S-11)."""
    if is_scheduled:
        yield Violation(
            "scheduled_at", "is not possible in a job, which is sent at once: schedule emails without a job"
        )
    if has_key:
        yield Violation("idempotency_key", "is not possible in a job: give the job itself a key")


def is_idempotency_key(key: str) -> bool:
    """True if `key` may be an idempotency key: 1 to 256 characters of printable ASCII (F-1)."""
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
            return structured.ids("message-id", value.strip(" \t"))[0]
    return f"<{email_id}@{domain}>"
