"""The shown parts of a finished message's body: its texts, and its files without their content."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from server.emails import rules
from server.encoded_words import decoded
from server.faults import Violation
from server.message import raw
from server.message.attachment import MAX_FILENAME_LENGTH, filename_problem
from server.message.headers import is_content_id
from server.message.media_types import MAX_LENGTH
from server.message.mime_tree import Part, decoded_size, decoded_text

# Encoded bytes that a text of the allowed size may take: quoted-printable needs three for one.
_MAX_ENCODED = 3 * rules.MAX_BODY_BYTES + 2**20
_UNNAMED = "attachment"
_UNNAMED_MESSAGE = "message.eml"


class ShownFile(NamedTuple):
    """A file as lists of attachments show it; `size` is the bytes of its decoded content."""

    filename: str
    content_type: str
    content_id: str
    size: int


@dataclass(frozen=True, slots=True)
class Shown:
    """The texts and files of a message, with what breaks the rules for them."""

    text: str = ""
    html: str = ""
    files: Sequence[ShownFile] = ()
    violations: Sequence[Violation] = field(default_factory=list)


def shown_content(message: bytes, parts: Sequence[Part]) -> Shown:
    """The content of a message with these parts, by the rules for bodies and attachments (S-4, Z-20)."""
    plain, html = raw.shown_texts(parts)
    violations: list[Violation] = []
    texts = {}
    for field_, part in (("text", plain), ("html", html)):
        too_large = part is not None and part.body.end - part.body.start > _MAX_ENCODED
        texts[field_] = "" if part is None or too_large else decoded_text(message, part)
        violations += rules.body_size(field_, texts[field_], too_large=too_large)
    files = raw.files_of(parts)
    if too_many := list(rules.attachment_count(len(files))):
        return Shown(violations=[*violations, *too_many])
    return Shown(texts["text"], texts["html"], [_shown_file(message, file) for file in files], violations)


def _shown_file(message: bytes, part: Part) -> ShownFile:
    content_id = part.content_id.strip().removeprefix("<").removesuffix(">")
    return ShownFile(
        _filename(part),
        part.media_type[:MAX_LENGTH],
        content_id if is_content_id(content_id) else "",
        decoded_size(message, part),
    )


def _filename(part: Part) -> str:
    """The name that is shown: that of the part without its path, or one that says what it is."""
    name = decoded(part.filename).replace("\\", "/").rpartition("/")[2].strip()[:MAX_FILENAME_LENGTH]
    if name and filename_problem(name) is None:
        return name
    return _UNNAMED_MESSAGE if part.media_type == "message/rfc822" else _UNNAMED
