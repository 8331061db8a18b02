"""CSV files as programs write them (contract row Z-50)."""

import contextlib
import csv
import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.contacts.csv_table import NotATable, table_of

TABLE = [["Email", "Name"], ["jose@example.org", "José"], ["zoe@example.org", 'Zoë "Z", x']]


def written(table: Sequence[Sequence[str]], separator: str = ",", end: str = "\r\n") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator=end).writerows(table)
    return text.getvalue()


def read(content: bytes) -> list[list[str]]:
    return [list(row) for row in table_of(content)]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_encodings_separators_and_ends_of_lines_are_recognised(
    separator: str, end: str, encoding: str
) -> None:
    assert read(written(TABLE, separator, end).encode(encoding)) == TABLE


def test_big_endian_mark_is_recognised() -> None:
    """Excel for old Macs writes its Unicode text so."""
    assert read(b"\xfe\xff" + written(TABLE, "\t").encode("utf-16-be")) == TABLE


def test_separator_that_excel_names_is_no_row() -> None:
    assert read(b"sep=;\r\n" + written(TABLE, ";").encode()) == TABLE


def test_separators_within_quotes_do_not_count() -> None:
    assert read(b'"Email; of, the, customer";Name\r\na@example.org;A') == [
        ["Email; of, the, customer", "Name"],
        ["a@example.org", "A"],
    ]


def test_empty_lines_before_the_header_are_passed_over() -> None:
    assert read(b"\r\n  \nEmail\na@example.org")[0] == ["Email"]


def test_cells_may_have_several_lines() -> None:
    assert read(b'Email,Note\na@example.org,"one\ntwo"\nb@example.org,x')[1:] == [
        ["a@example.org", "one\ntwo"],
        ["b@example.org", "x"],
    ]


@pytest.mark.parametrize("inside", ["\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_only_ends_of_lines_end_rows(inside: str) -> None:
    """Texts of the web hold U+2028, and databases write a vertical tab for a line within a cell."""
    content = f"Name,Email\nAda{inside}Lovelace,ada@example.org\n".encode()
    assert read(content)[1:] == [[f"Ada{inside}Lovelace", "ada@example.org"]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        # Read to the end as one cell, all the rows behind it would be lost.
        (b'Email\n"a@example.org\nb@example.org\n', "line 2"),
        (b'Email\na@example.org\n"' + b"b@example.org\n" * 20_000, "line 3"),
        (b"%PDF-1.7\n\x00\x01\x02", "neither CSV nor an Excel workbook"),
        (b"\xff\xfea", "UTF-16-LE"),
    ],
)
def test_file_that_is_no_table_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(NotATable, match=said):
        read(content)


# Cells without NUL and ends of lines.
CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), max_size=12)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=20), st.sampled_from([",", ";", "\t", "|"]))
def test_tables_are_read_as_they_were_written(rows: list[tuple[str, str]], separator: str) -> None:
    table = [["Email", "Name"], *map(list, rows)]
    assert read(written(table, separator).encode()) == table


@given(st.binary(max_size=400))
def test_any_bytes_are_a_table_or_refused(content: bytes) -> None:
    with contextlib.suppress(NotATable):
        assert all(type(cell) is str for row in table_of(content) for cell in row)


@pytest.mark.parametrize(
    "content",
    [
        b"<html><table><tr><td>Email</td></tr></table></html>",
        b"\xef\xbb\xbf\r\n <!DOCTYPE html>\n<p>x</p>",
        b"<?xml version='1.0'?><Workbook/>",
        "<TABLE border=1>\n<tr>".encode("utf-16"),
    ],
)
def test_markup_that_programs_call_a_workbook_is_refused(content: bytes) -> None:
    """Web applications write an HTML table or XML into a file named .xls."""
    with pytest.raises(NotATable, match="HTML or XML"):
        list(table_of(content))


def test_header_in_angle_brackets_is_no_markup() -> None:
    assert read(b"<Email>,Name\na@example.org,A")[0] == ["<Email>", "Name"]
