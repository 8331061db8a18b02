"""The media types of files (Z-20, F-12)."""

import pytest

from server.message.media_types import is_media_type, media_type_in_response, media_type_of, parts_of


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("a.pdf", "application/pdf"),
        ("A.PDF", "application/pdf"),
        ("a.csv", "text/csv"),
        ("photo.jpeg", "image/jpeg"),
        ("backup.tar.gz", "application/gzip"),
        *[
            ("a.ics", "text/calendar"),
            ("a.md", "text/markdown"),
            ("a.webp", "image/webp"),
            ("a.heic", "image/heic"),
            ("a.avif", "image/avif"),
            ("a.epub", "application/epub+zip"),
            ("a.7z", "application/x-7z-compressed"),
            ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            ("a.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            ("a.pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
            ("a.odt", "application/vnd.oasis.opendocument.text"),
            ("a.vcf", "text/vcard"),
        ],
        ("letter.eml", "message/rfc822"),
        ("README", "application/octet-stream"),
        (".pdf", "application/octet-stream"),
        ("a:b?c#d.png", "image/png"),
    ],
)
def test_a_file_name_suggests_a_media_type(name: str, suggested: str) -> None:
    assert media_type_of(name) == suggested


@pytest.mark.parametrize(
    ("stated", "meant"),
    [
        ("image/png", "image/png"),
        ("text/csv; charset=utf-8", "text/csv; charset=utf-8"),
        ("", "application/pdf"),
        ("application/octet-stream", "application/pdf"),
        ("binary/octet-stream", "application/pdf"),
        ("message/rfc822", "message/rfc822"),
        ("multipart/mixed", "application/pdf"),
        ("message/partial; id=a", "application/pdf"),
        ("nonsense", "application/pdf"),
    ],
)
def test_the_content_type_of_a_response_comes_before_the_type_of_the_name(stated: str, meant: str) -> None:
    assert media_type_in_response(stated, "a.pdf") == meant


@pytest.mark.parametrize(
    ("media_type", "parts"),
    [
        ("text/plain", ["text/plain"]),
        ("text/plain ; charset=utf-8;", ["text/plain", "charset=utf-8"]),
        (r'text/x;a = "1\"; \\ b";', ["text/x", r'a="1\"; \\ b"']),
        ('a/b; name="Größe; 1"; c=d', ["a/b", "c=d"]),
        ('text/x;a="1; b=2";c="d/e" ; f=g', ["text/x", 'a="1; b=2"', 'c="d/e"', "f=g"]),
    ],
)
def test_a_semicolon_in_quotes_separates_no_parameters(media_type: str, parts: list[str]) -> None:
    assert is_media_type(media_type)
    assert list(parts_of(media_type)) == parts
