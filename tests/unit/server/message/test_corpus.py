"""Python's `email` reads each message of the corpus as it was sent, and dkimpy verifies it.

`make test-clients` shows the same messages to programs in other languages.
"""

import email
import email.policy
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses

import pytest

from server.addresses import Mailbox
from server.message.encoding import with_crlf
from tests.unit.server.message.corpus import SIZE, corpus
from tests.unit.server.message.samples import File, Sample
from tests.unit.server.message.test_sign import verifies


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return list(corpus())


def test_python_reads_every_message_of_the_corpus(samples: list[Sample]) -> None:
    assert len(samples) >= SIZE + 400
    for sample in samples:
        parsed = email.message_from_bytes(sample.raw, policy=email.policy.compat32)
        values = {name.lower(): unfolded(value) for name, value in parsed.raw_items()}
        assert text_of(values["subject"]) == sample.subject, sample.name
        for field, boxes in sample.boxes.items():
            assert boxes_of(values[field]) == boxes, (sample.name, field)
        for field, value in sample.fields.items():
            assert text_of(values[field]) == value, (sample.name, field)
        leaves = [part for part in walk(parsed) if not part.is_multipart() or is_message(part)]
        files = [file_of(part) for part in leaves if part.get_filename()]
        assert files == [as_read(file) for file in sample.files], sample.name
        texts = [content(part).decode() for part in leaves if not part.get_filename()]
        expected = [with_line_ends(text) for text in (sample.text, sample.html) if text]
        assert texts == (expected or ["\r\n"]), sample.name


def test_dkimpy_verifies_every_message_of_the_corpus(samples: list[Sample]) -> None:
    assert [
        sample.name for sample in samples if not (verifies(sample.raw, 0) and verifies(sample.raw, 1))
    ] == []


def test_signatures_survive_relays_that_strip_trailing_blanks(samples: list[Sample]) -> None:
    for sample in samples[::10]:
        head, _, body = sample.raw.partition(b"\r\n\r\n")
        stripped = b"\r\n".join(line.rstrip(b" \t") for line in body.split(b"\r\n"))
        assert verifies(head + b"\r\n\r\n" + stripped, 0), sample.name


def unfolded(value: str) -> str:
    return value.replace("\r\n", "").strip().encode("ascii", "surrogateescape").decode()


def boxes_of(value: str) -> list[Mailbox]:
    found = []
    for name, address in getaddresses([value]):
        local, _, domain = address.rpartition("@")
        found.append(Mailbox(text_of(name), local, domain))
    return found


def text_of(value: str) -> str:
    return str(make_header(decode_header(value))) if "=?" in value else value


def file_of(part: Message) -> File:
    content_id = str(part["Content-ID"] or "").strip("<>")
    kind = part.get_content_type()
    return File(part.get_filename() or "", content(part), "", content_id, kind)


def as_read(file: File) -> File:
    """The file as `file_of` reads it: the lines of a message end in CRLF."""
    is_message = file.shown_type.startswith("message/")
    return file._replace(content_type="", content=with_crlf(file.content) if is_message else file.content)


def with_line_ends(text: str) -> str:
    """A text as mail has it: every line ends in CRLF, the last one too."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return (text if text.endswith("\n") else f"{text}\n").replace("\n", "\r\n")


def is_message(part: Message) -> bool:
    return part.get_content_maintype() == "message"


def walk(part: Message) -> list[Message]:
    """The parts, but none of a message in a message."""
    children = part.get_payload() if part.is_multipart() and not is_message(part) else []
    assert isinstance(children, list)
    return [part, *(inner for child in children if isinstance(child, Message) for inner in walk(child))]


def content(part: Message) -> bytes:
    if is_message(part):
        policy = email.policy.compat32.clone(linesep="\r\n", max_line_length=0)
        (inner,) = part.get_payload()
        assert isinstance(inner, Message)
        return inner.as_bytes(policy=policy)
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload
