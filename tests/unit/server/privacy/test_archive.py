"""The forms of an export: F-13, and CSV injection (OWASP)."""

import csv
import gzip
import io
import json
import zipfile

import pytest

from server.privacy.archive import Archive, cell, csv_head, csv_lines, lines_of


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_cell_that_a_spreadsheet_would_compute_gets_a_quote(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Ada", "Ada"),
        ("a=1", "a=1"),
        ("", ""),
        (None, ""),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (-7, "'-7"),
        (["a"], '["a"]'),
    ],
)
def test_other_values_are_cells_as_they_are(value: object, text: str) -> None:
    assert cell(value) == text


def test_table_is_read_back_as_it_was() -> None:
    rows = [
        {"id": "1", "email": "ada@x.example", "first_name": 'A "b", c\nd', "last_name": "=cmd|' /C calc'!A0"},
        {"id": "2", "email": "é@x.example", "first_name": "", "last_name": "Ü"},
    ]
    rest = {"unsubscribed": False, "created_at": "2026-01-01T00:00:00.000Z"}
    lines = b"".join(json.dumps({"section": "contacts", **row, **rest}).encode() + b"\n" for row in rows)
    text = (csv_head("contacts") + csv_lines("contacts", lines)).decode()
    found = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["first_name"] for row in found] == ['A "b", c\nd', ""]
    assert [row["last_name"] for row in found] == ["'=cmd|' /C calc'!A0", "Ü"]
    assert found[1]["email"] == "é@x.example"
    assert list(found[0]) == ["id", "email", "first_name", "last_name", "unsubscribed", "created_at"]


def test_archive_is_written_piece_by_piece() -> None:
    archive = Archive()
    pieces = []
    for name, contents in (("a.ndjson", [b"1\n", b"2\n" * 100_000]), ("b.csv", [b"x"])):
        archive.begin(name)
        pieces += [archive.add(content) for content in contents]
        pieces.append(archive.finish())
    pieces.append(archive.end())
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as read:
        assert read.testzip() is None
        assert read.namelist() == ["a.ndjson", "b.csv"]
        assert read.read("a.ndjson") == b"1\n" + b"2\n" * 100_000
    assert sum(map(bool, pieces)) > 3


def test_parts_are_lines_and_together_one_gzip_file() -> None:
    parts = [gzip.compress(b"a\n"), gzip.compress(b"b\n")]
    assert b"".join(map(lines_of, parts)) == gzip.decompress(b"".join(parts)) == b"a\nb\n"
