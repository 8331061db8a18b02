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
from tests.unit.server.message.corpus import SIZE, Sample, corpus
from tests.unit.server.message.test_sign import verifies


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return list(corpus())


def test_python_reads_every_message_of_the_corpus(samples: list[Sample]) -> None:
    assert len(samples) == SIZE >= 150
    for sample in samples:
        parsed = email.message_from_bytes(sample.raw, policy=email.policy.compat32)
        assert text_of(parsed["Subject"]) == sample.subject, sample.name
        assert boxes(parsed["From"]) == [sample.sender], sample.name
        assert boxes(parsed["To"]) == sample.to, sample.name
        assert boxes(parsed.get("Reply-To", "")) == sample.reply_to, sample.name
        leaves = [part for part in walk(parsed) if not part.is_multipart() or is_message(part)]
        files = [(part.get_filename() or "", content(part)) for part in leaves if part.get_filename()]
        assert files == sample.files, sample.name
        texts = [content(part).decode().rstrip() for part in leaves if not part.get_filename()]
        expected = [text.replace("\n", "\r\n") for text in (sample.text, sample.html) if text]
        assert texts == (expected or [""]), sample.name


def test_dkimpy_verifies_every_message_of_the_corpus(samples: list[Sample]) -> None:
    assert [
        sample.name for sample in samples if not (verifies(sample.raw, 0) and verifies(sample.raw, 1))
    ] == []


def test_signatures_survive_relays_that_strip_trailing_blanks(samples: list[Sample]) -> None:
    for sample in samples[::10]:
        head, _, body = sample.raw.partition(b"\r\n\r\n")
        stripped = b"\r\n".join(line.rstrip(b" \t") for line in body.split(b"\r\n"))
        assert verifies(head + b"\r\n\r\n" + stripped, 0), sample.name


def boxes(value: str) -> list[Mailbox]:
    found = []
    for name, address in getaddresses([value.replace("\r\n", "")]):
        local, _, domain = address.rpartition("@")
        found.append(Mailbox(text_of(name), local, domain))
    return found if value else []


def text_of(value: str) -> str:
    return str(make_header(decode_header(value.replace("\r\n", ""))))


def is_message(part: Message) -> bool:
    return part.get_content_maintype() == "message"


def walk(part: Message) -> list[Message]:
    """The parts, but none of a message in a message."""
    children = part.get_payload() if part.is_multipart() and not is_message(part) else []
    assert isinstance(children, list)
    return [part, *(inner for child in children if isinstance(child, Message) for inner in walk(child))]


def content(part: Message) -> bytes:
    if is_message(part):
        (inner,) = part.get_payload()
        assert isinstance(inner, Message)
        return inner.as_bytes(policy=email.policy.compat32.clone(linesep="\r\n", max_line_length=0))
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload
