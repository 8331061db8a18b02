"""Attachments keep their bytes and names, and have their place in the MIME tree (Z-20, F-12)."""

import base64
import email
import email.policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.message.attachment import Attachment
from server.message.compose import Message, compose
from server.message.encoding import Uncomposable, base64_lines
from tests.unit.server.message.messages import plain_with

PDF_CONTENT = b"%PDF-1.7\n" + bytes(range(256)) * 300
PDF = Attachment("invoice.pdf", "application/pdf", "", [PDF_CONTENT[:57000], PDF_CONTENT[57000:]])
LOGO_CONTENT = b"\x89PNG\r\n\x1a\n" + bytes(1000)
LOGO = Attachment("logo.png", "image/png", "logo", [LOGO_CONTENT])

characters = st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="/\\")
filenames = st.text(characters, max_size=255).map(str.strip).filter(bool)


def parsed(message: Message) -> EmailMessage:
    return cast(EmailMessage, email.message_from_bytes(bytes(compose(message)), policy=email.policy.default))


def shape(part: EmailMessage) -> object:
    """The tree of media types."""
    if part.is_multipart():
        return part.get_content_type(), [shape(cast(EmailMessage, child)) for child in part.iter_parts()]
    return part.get_content_type()


@given(st.binary(max_size=200_000))
@settings(max_examples=30, deadline=None)
def test_a_file_is_encoded_as_base64_in_short_lines(content: bytes) -> None:
    assert base64.b64decode(base64_lines(content)) == content
    assert base64_lines(content) == base64.encodebytes(content).replace(b"\n", b"\r\n")


@given(filenames)
@settings(max_examples=200, deadline=None)
def test_a_file_keeps_its_name(filename: str) -> None:
    """RFC 2231."""
    message = plain_with(attachments=[Attachment(filename, "text/csv", "", [b"a,b"])])
    raw = bytes(compose(message))
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    part = email.message_from_bytes(raw, policy=email.policy.compat32).get_payload()[1]
    assert part.get_filename() == filename  # type: ignore[union-attr]


def test_attachments_follow_the_text() -> None:
    found = parsed(plain_with(html="<p>Thank you.</p>", attachments=[PDF, PDF]))
    alternative = ("multipart/alternative", ["text/plain", "text/html"])
    assert shape(found) == ("multipart/mixed", [alternative, "application/pdf", "application/pdf"])
    for part in found.iter_attachments():
        assert part.get_filename() == "invoice.pdf"
        assert part.get_content_disposition() == "attachment"
        assert part.get_content() == PDF_CONTENT


def test_an_inline_image_stands_beside_the_html_that_shows_it() -> None:
    """F-12: RFC 2387, RFC 2392."""
    found = parsed(plain_with(html='<img src="cid:logo">', attachments=[PDF, LOGO]))
    related = ("multipart/related", ["text/html", "image/png"])
    assert shape(found) == (
        "multipart/mixed",
        [("multipart/alternative", ["text/plain", related]), "application/pdf"],
    )
    image = next(part for part in found.walk() if part.get_content_type() == "image/png")
    assert (image["Content-ID"], image.get_content_disposition()) == ("<logo>", "inline")
    assert image.get_content() == LOGO_CONTENT


def test_an_inline_image_alone_needs_no_mixed_part() -> None:
    found = parsed(plain_with(text=None, html='<img src="cid:logo">', attachments=[LOGO]))
    assert shape(found) == ("multipart/related", ["text/html", "image/png"])
    assert found.get_param("type") == "text/html"


def test_without_html_an_inline_image_is_a_file() -> None:
    assert shape(parsed(plain_with(attachments=[LOGO]))) == ("multipart/mixed", ["text/plain", "image/png"])


@pytest.mark.parametrize(
    ("content_type", "content", "charset"),
    [
        ("text/plain", "Größe\n".encode(), "utf-8"),
        ("text/csv", b"a,b\n", "utf-8"),
        ("text/csv", "Größe".encode("latin-1"), None),
        ("text/csv", "Größe".encode()[:-2] + b"\xc3", None),
        ("text/csv; charset=iso-8859-1", "Größe".encode("latin-1"), "iso-8859-1"),
        ("application/json", b"{}", None),
    ],
)
def test_a_text_file_says_that_it_is_utf_8(content_type: str, content: bytes, charset: str | None) -> None:
    halves = [content[: len(content) // 57 * 57], content[len(content) // 57 * 57 :]]
    (part,) = parsed(
        plain_with(attachments=[Attachment("a.txt", content_type, "", halves)])
    ).iter_attachments()
    assert part.get_param("charset") == charset
    assert part.get_payload(decode=True) == content


def test_a_character_may_lie_across_two_chunks_of_a_text() -> None:
    content = b"x" * 56 + "ü".encode() + b"x"
    file = Attachment("a.txt", "text/plain", "", [content[:57], content[57:]])
    (part,) = parsed(plain_with(attachments=[file])).iter_attachments()
    assert part.get_param("charset") == "utf-8"
    assert part.get_payload(decode=True) == content


@pytest.mark.parametrize(
    ("inner", "encoding"),
    [
        (b"Subject: a\n\nbody \n", "7bit"),
        (b"Subject: a\r\n\r\n" + b"x" * 998, "7bit"),
        ("Subject: a\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGröße\r\n".encode(), "8bit"),
    ],
)
@pytest.mark.parametrize("html", [None, "<p>"])
def test_a_message_in_a_message_is_not_in_base64(inner: bytes, encoding: str, html: str | None) -> None:
    """RFC 2046 section 5.2.1; RFC 2045 section 6.4 for the parts around it."""
    found = parsed(plain_with(html=html, attachments=[Attachment("a.eml", "message/rfc822", "", [inner])]))
    (part,) = found.iter_attachments()
    assert part["Content-Transfer-Encoding"] == encoding
    assert found.get("Content-Transfer-Encoding") == ("8bit" if encoding == "8bit" else None)
    assert part.get_filename() == "a.eml"
    (message,) = part.get_payload()
    assert message["Subject"] == "a"
    assert not found.defects
    assert not message.defects


@pytest.mark.parametrize("inner", [b"Subject: a\n\n" + b"x" * 999, b"Subject: a\n\n\x00", b""])
def test_a_message_that_no_line_can_hold_is_a_file(inner: bytes) -> None:
    found = parsed(plain_with(attachments=[Attachment("a.eml", "message/rfc822", "", [inner])]))
    (part,) = found.iter_attachments()
    assert part.get_content_type() == "application/octet-stream"
    assert part.get_payload(decode=True) == inner


@given(filenames)
@settings(max_examples=100, deadline=None)
def test_the_type_has_the_name_as_well(filename: str) -> None:
    """RFC 2047 in quotes: Outlook reads no RFC 2231."""
    file = Attachment(filename, "application/pdf", "", [b"%PDF"])
    raw = bytes(compose(plain_with(attachments=[file])))
    part = email.message_from_bytes(raw, policy=email.policy.compat32).get_payload()[1]
    name = part.get_param("name")  # type: ignore[union-attr]
    assert str(make_header(decode_header(name.replace("\r\n", "")))) == filename


def test_a_type_keeps_its_parameters() -> None:
    invitation = Attachment(
        "a.ics", 'text/calendar; method=REQUEST;charset="utf-8"', "", [b"BEGIN:VCALENDAR"]
    )
    (part,) = parsed(plain_with(attachments=[invitation])).iter_attachments()
    assert (part.get_param("method"), part.get_param("charset")) == ("REQUEST", "utf-8")


@pytest.mark.parametrize(
    "file",
    [
        Attachment("a\r\nX: y", "text/plain", "", []),
        Attachment("a", "text/plain\r\nX: y", "", []),
        Attachment("a", "text", "", []),
        Attachment("a", "text/plain", "a>\r\nX: <y", []),
    ],
)
def test_file_name_cannot_inject_a_header(file: Attachment) -> None:
    with pytest.raises(Uncomposable):
        compose(plain_with(attachments=[file]))
