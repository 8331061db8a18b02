"""Messages for hosts without 8BITMIME: their parts are encoded anew (RFC 6152)."""

import binascii
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from server.message.encoding import quoted_printable
from server.message.seven_bit import Inconvertible, seven_bit
from tests.harness.finished_messages import multipart

FROM = b"From: a@sender.test\r\n"
VERSION = b"MIME-Version: 1.0\r\n"
WIDE = "é".encode() * 600
LONG = b"x y " * 500


def is_of_crlf(message: bytes) -> bool:
    """True if each line ends in CRLF."""
    return message.count(b"\n") == message.count(b"\r") == message.count(b"\r\n")


@pytest.mark.parametrize("text", [WIDE, LONG, b"x" * 77, b"a\r\n" + WIDE, WIDE + b" \r\n", b"", b"x", b"x "])
def test_quoted_printable_has_no_line_end_but_crlf(text: bytes) -> None:
    """RFC 5321 section 2.3.8: a text has no line end of its own as a part of a multipart."""
    encoded = quoted_printable(text)
    assert is_of_crlf(encoded)
    assert max(map(len, encoded.split(b"\r\n"))) <= 76
    assert binascii.a2b_qp(encoded) == text


def test_part_of_one_line_goes_in_7_bits_with_crlf() -> None:
    whole = multipart("mixed", b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + WIDE)
    head, _, body = whole.partition(b"\r\n\r\n")
    lines, made = seven_bit([FROM, VERSION, head + b"\r\n"], body)
    assert made.isascii()
    assert is_of_crlf(made)
    message = message_from_bytes(b"".join((*lines, b"\r\n", made)), policy=policy.default)
    [part] = message.iter_parts()
    assert isinstance(part, EmailMessage)
    assert part.get_content().strip().encode() == WIDE


def test_message_in_it_with_an_8_bit_header_has_no_form_in_7_bits() -> None:
    """RFC 6152 section 3: 8 bits never go to a host that takes 7."""
    inner = b"Subject: Gr\xc3\xbc\xc3\x9fe\r\n\r\nHello\r\n"
    with pytest.raises(Inconvertible, match="a message in it"):
        seven_bit([FROM, b"Content-Type: message/rfc822\r\n"], inner)
    with pytest.raises(Inconvertible, match="a message in it"):
        seven_bit([FROM, b"Content-Type: message/rfc822\r\n"], inner + WIDE)


@pytest.mark.parametrize(
    ("head", "body", "count"),
    [([FROM], WIDE + b"\r\n", 1), ([FROM, VERSION], WIDE + b"\r\n", 1), ([FROM], b"ASCII\r\n", 0)],
)
def test_message_that_is_encoded_says_that_it_is_of_mime(head: list[bytes], body: bytes, count: int) -> None:
    """RFC 2045 section 4."""
    lines, _ = seven_bit(head, body)
    assert lines.count(VERSION) == count
