"""The rules of files (Z-20, F-12), and of the time of a scheduled email (C-25)."""

from dataclasses import replace

import pytest

from server.emails import rules
from server.emails.rules import File

GOOD = File("a.pdf", 3, "", "", "")
DAY_MS = 86_400_000


def fields(*files: File) -> list[str]:
    return [violation.field for violation in rules.attachments(files)]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"filename": "Ünïcode 文件 (1).pdf"},
        {"filename": "a" * 255},
        {"filename": " a.pdf "},
        {"size": 0},
        {"size": None, "path": "https://files.example.com/a.pdf"},
        {"size": 0, "path": "https://files.example.com/a.pdf"},
        {"content_type": "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
        {"content_type": "text/csv; charset=utf-8"},
        {"content_type": 'text/calendar;method=REQUEST; name="a b.ics"'},
        {"content_type": "image/svg+xml"},
        {"content_type": "Message/RFC822"},
        {"content_type": r'text/x; a = "b; \"c\"" ;; d=e;'},
        {"content_type": 'application/pdf; name="Größe; 1.pdf"'},
        {"content_id": "logo"},
        {"content_id": "part1.abc@example.com"},
    ],
)
def test_valid_files_are_accepted(changes: dict[str, object]) -> None:
    assert not fields(replace(GOOD, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"filename": ""}, "filename"),
        ({"filename": "  "}, "filename"),
        ({"filename": "a" * 256}, "filename"),
        ({"filename": "../etc/passwd"}, "filename"),
        ({"filename": "a\\b.pdf"}, "filename"),
        ({"filename": "a\r\nX-Injected: yes"}, "filename"),
        ({"filename": "a\x00.pdf"}, "filename"),
        ({"filename": "a\u2028b"}, "filename"),
        ({"size": None}, "content"),
        ({"path": "https://files.example.com/a"}, "content"),
        ({"size": 0, "path": "https://files.example.com/" + "a" * 2048}, "path"),
        ({"content_type": "pdf"}, "content_type"),
        ({"content_type": "application/"}, "content_type"),
        ({"content_type": "text/html\r\nX: y"}, "content_type"),
        ({"content_type": "text/html; x"}, "content_type"),
        ({"content_type": "text/ü"}, "content_type"),
        ({"content_type": "multipart/mixed; boundary=a"}, "content_type"),
        ({"content_type": "message/partial; id=a"}, "content_type"),
        ({"content_type": 'text/x; a="ü"'}, "content_type"),
        ({"content_type": "text/x; a=1; A=2"}, "content_type"),
        ({"content_type": "a/" + "b" * 255}, "content_type"),
        ({"content_id": "a b"}, "content_id"),
        ({"content_id": "a>\r\nX: <y"}, "content_id"),
        ({"content_id": "a" * 129}, "content_id"),
    ],
)
def test_invalid_files_are_refused_by_field(changes: dict[str, object], field: str) -> None:
    assert fields(GOOD, replace(GOOD, **changes)) == [f"attachments[1].{field}"]  # type: ignore[arg-type]


def test_an_email_holds_ten_files() -> None:
    assert not fields(*[GOOD] * 10)
    assert fields(*[GOOD] * 11) == ["attachments"]


def test_a_content_id_names_one_file() -> None:
    assert fields(replace(GOOD, content_id="a"), replace(GOOD, content_id="a")) == [
        "attachments[1].content_id"
    ]


@pytest.mark.parametrize(
    ("ahead_ms", "is_right"),
    [(-1, False), (0, False), (1, True), (365 * DAY_MS, True), (365 * DAY_MS + 1, False)],
)
def test_scheduled_at_must_be_in_the_future_and_within_a_year(ahead_ms: int, is_right: bool) -> None:
    """C-25."""
    now_ms = 1_800_000_000_000
    assert (not list(rules.scheduled_at(now_ms + ahead_ms, now_ms))) == is_right
