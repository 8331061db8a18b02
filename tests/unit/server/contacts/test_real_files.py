"""Files as spreadsheet programs and mailing services write them (contract row Z-50).

Each is written here as its program does: byte-order mark, encoding, separator, quotes, line ends, headers.
"""

import csv
import datetime
import io
from collections.abc import Sequence

import openpyxl
import openpyxl.styles
import pytest

from server.contacts.files import FileReader
from server.contacts.import_rules import Entry

ADA = Entry("ada@example.org", "Ada", "Lovelace")
JOSE = Entry("jose@example.org", "José", "Núñez")
BOTH = [ADA, JOSE]
FIRST = [Entry("ada@example.org", "Ada", ""), Entry("jose@example.org", "José", "")]


def text(
    rows: Sequence[Sequence[str]], *, separator: str = ",", end: str = "\r\n", quotes: bool = False
) -> str:
    out = io.StringIO()
    quoting = csv.QUOTE_ALL if quotes else csv.QUOTE_MINIMAL
    csv.writer(out, delimiter=separator, lineterminator=end, quoting=quoting).writerows(rows)
    return out.getvalue()


PLAIN = [["Name", "Email"], ["Ada Lovelace", "ada@example.org"], ["José Núñez", "jose@example.org"]]
# Its export has these columns first, then the merge fields and its own, in capitals.
MAILCHIMP = '''\
"Email Address","First Name","Last Name",Address,"Phone Number",Birthday,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,\
CONFIRM_TIME,CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,NOTES,TAGS
ada@example.org,Ada,Lovelace,"12 St James's Sq  London",,,2,,,\
"2026-01-02 03:04:05",192.0.2.1,,,,,,,,"2026-01-02 03:04:05",1,ab12,,"""a"",""b"""
jose@example.org,José,Núñez,,,,3,,,\
"2026-01-02 03:04:05",192.0.2.2,,,,,,,,"2026-01-02 03:04:05",2,cd34,,
'''
HUBSPOT = [
    ["Record ID", "First Name", "Last Name", "Email", "Phone Number", "Contact owner", "Lead Status"],
    ["51", "Ada", "Lovelace", "ada@example.org", "", "", "New"],
    ["52", "José", "Núñez", "jose@example.org", "+34 900 000 000", "", ""],
    # Contacts without an address stand in its exports too.
    ["53", "Nobody", "", "", "", "", ""],
]
GOOGLE_CONTACTS = [
    ["First Name", "Middle Name", "Last Name", "Labels", "E-mail 1 - Label", "Email 1 - Value"],
    ["Ada", "", "Lovelace", "* myContacts", "* Work", "ada@example.org"],
    ["José", "", "Núñez", "Friends ::: * myContacts", "* Home", "jose@example.org"],
]
FILES = {
    "Excel: CSV UTF-8": (text(PLAIN).encode("utf-8-sig"), BOTH),
    "Excel: CSV, where the comma is the decimal sign": (text(PLAIN, separator=";").encode("cp1252"), BOTH),
    "Excel: Unicode text": (text(PLAIN, separator="\t").encode("utf-16"), BOTH),
    "Excel for Mac: old ends of lines": (text(PLAIN, end="\r").encode("utf-8-sig"), BOTH),
    "LibreOffice": (text(PLAIN, end="\n").encode(), BOTH),
    "LibreOffice: all cells in quotes": (text(PLAIN, end="\n", quotes=True).encode(), BOTH),
    "Google Sheets: without a last end of line": (text(PLAIN).encode().removesuffix(b"\r\n"), BOTH),
    "Google Contacts": (text(GOOGLE_CONTACTS, end="\n").encode(), FIRST),
    "Mailchimp": (MAILCHIMP.encode(), FIRST),
    "HubSpot": (text(HUBSPOT, end="\n", quotes=True).encode(), FIRST),
}


@pytest.mark.parametrize("name", FILES)
async def test_contacts_are_found_in_the_files_of_each_program(name: str) -> None:
    content, entries = FILES[name]
    assert (await FileReader().rows(content, None)).entries == entries


async def test_workbook_with_the_habits_of_people_is_read() -> None:
    """Formats, dates, hidden and empty rows, a link in place of the address, a merged title is no header."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Since", "Name", "Email"])
    sheet.append([datetime.date(2026, 1, 2), "Ada Lovelace", "ada@example.org"])
    sheet.append([])
    sheet.append([datetime.datetime(2026, 1, 2, 3, 4), "José Núñez", "jose@example.org"])
    sheet["C2"].hyperlink = "mailto:other@example.org"
    sheet["C2"].value = "ada@example.org"
    sheet["A1"].font = openpyxl.styles.Font(bold=True)
    sheet.row_dimensions[4].hidden = True
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = "A1:C4"
    content = io.BytesIO()
    book.save(content)
    rows = await FileReader().rows(content.getvalue(), None)
    assert (rows.entries, rows.row_count) == (BOTH, 2)
