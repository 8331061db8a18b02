"""Rows of an import become contacts (contract rows Z-50, Z-52)."""

import pytest

from server.contacts.import_rules import Columns, Entry, columns_of, entry, rows_of_table, without_repeats


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (["Name", "Email Address"], Columns(1, 0)),
        (["email_address", "Full Name"], Columns(0, 1)),
        (["CUSTOMER EMAIL", "Phone", "Display name", "First Name"], Columns(0, 2)),
        # Mailchimp's and HubSpot's.
        (["Email Address", "First Name", "Last Name", "TAGS"], Columns(0, 1)),
        (["First Name", "Last Name", "Email", "Company name"], Columns(2, 0)),
        # A header with both words is the addresses'.
        (["Email name", "Name"], Columns(0, 1)),
        # Of several headers with "email" the first counts, and no name is looked for in it.
        (["Email", "Email name"], Columns(0, 1)),
        # Outlook's, and those of Google Contacts, have a hyphen.
        (["First Name", "Last Name", "E-mail Address", "E-mail Type"], Columns(2, 0)),
        (["First Name", "E-mail 1 - Label", "E-mail 1 - Value"], Columns(2, 0)),
        (["Name", "E-mail", "Email"], Columns(2, 0)),
        # Without any, the first column has the addresses.
        (["Contact", "Phone"], Columns(0, None)),
        (["Nickname", "Surname"], Columns(0, 1)),
        ([], Columns(0, None)),
    ],
)
def test_columns_are_found_by_their_headers(header: list[str], columns: Columns) -> None:
    assert columns_of(header) == columns


@pytest.mark.parametrize(
    ("email", "name", "wanted"),
    [
        ("User@Example.COM ", "Ada Lovelace", Entry("user@example.com", "Ada", "Lovelace")),
        ("a@example.org", "  Ada   King  Lovelace ", Entry("a@example.org", "Ada", "King Lovelace")),
        ("a@bücher.example", "", Entry("a@xn--bcher-kva.example", "", "")),
        ("Ada <a@example.org>", "", Entry("a@example.org", "Ada", "")),
        ("Ada <a@example.org>", "Eve", Entry("a@example.org", "Eve", "")),
        ("a@example.org", "A\x00da\r\nBcc: x", Entry("a@example.org", "A", "da Bcc: x")),
        ("a@example.org", "x" * 300, Entry("a@example.org", "x" * 128, "")),
        # A formula in a name is only a text here; exports defuse it.
        ("a@example.org", "=1+1", Entry("a@example.org", "=1+1", "")),
        ("nobody", "Ada", None),
        ("a@localhost", "", None),
        ("a b@example.org", "", None),
        ("@example.org", "", None),
        ("a@", "", None),
        ("", "Ada", None),
        ("a@example.org, b@example.org", "", None),
        ("a@" + "x" * 5000 + ".example", "", None),
    ],
)
def test_row_becomes_a_contact_or_is_dropped(email: str, name: str, wanted: Entry | None) -> None:
    assert entry(email, name) == wanted


def test_rows_of_a_table_are_counted_without_empty_ones() -> None:
    table = [["Email", "Name"], ["a@example.org", "A"], ["", " "], [], ["nobody"], ["b@example.org"]]
    rows = rows_of_table(table, None)
    assert (rows.row_count, rows.read_count) == (3, 3)
    assert rows.entries == [Entry("a@example.org", "A", ""), Entry("b@example.org", "", "")]
    assert (rows.email_column, rows.name_column) == ("Email", "Name")


def test_empty_rows_before_the_header_are_passed_over() -> None:
    """Some workbooks begin further down, and some CSV files with rows of separators."""
    table = [[], ["", " "], ["Name", "Email"], ["A", "a@example.org"]]
    rows = rows_of_table(table, None)
    assert (rows.row_count, rows.entries) == (1, [Entry("a@example.org", "A", "")])


def test_only_the_wanted_rows_are_read_and_all_are_counted() -> None:
    """C-65."""
    table = [["email"], *([f"u{number}@example.org"] for number in range(9))]
    rows = rows_of_table(table, 4)
    assert (rows.row_count, rows.read_count, len(rows.entries)) == (9, 4, 4)


def test_table_without_any_row_is_empty() -> None:
    assert rows_of_table([], None).row_count == 0


def test_first_of_equal_addresses_stays() -> None:
    first, second = Entry("a@example.org", "A", ""), Entry("a@example.org", "B", "")
    other = Entry("b@example.org", "", "")
    assert without_repeats([first, other, second]) == [first, other]
