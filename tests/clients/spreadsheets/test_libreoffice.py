"""Contacts are imported from every format in which LibreOffice saves them (contract rows Z-50, Z-51)."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.clients.commands import run
from tests.harness.stack import Stack

CONTACTS = {
    "ada@sheet.example.org": "Ada Lovelace",
    "bjork@sheet.example.org": "Björk Guðmundsdóttir",
    "007@sheet.example.org": "James Bond",
    "dick@sheet.example.org": 'Dick "Dickie"; Tracy, the first',
    "zoe@sheet.example.org": "Zoë",
    "nameless@sheet.example.org": "",
}
# Besides what is imported, values that a spreadsheet program takes for numbers and dates, and lines that are
# no contacts.
TABLE = [
    ["Customer no.", "Full name", "E-mail", "Email address", "Since"],
    *(
        [f"00{number}", name, "x", email.upper() if number % 2 else email, f"2026-01-0{number + 1}"]
        for number, (email, name) in enumerate(CONTACTS.items())
    ),
    ["7", "Nobody", "x", "no address", "2026-01-08"],
    ["", "", "", "", ""],
    ["8", "Ada Again", "x", "ada@sheet.example.org", "2026-01-09"],
]
# The filters of `--convert-to`. Of a text file: separator, quote, encoding (76 is UTF-8, 65535 UTF-16, 1
# Windows-1252), first line.
_TEXT = "Text - txt - csv (StarCalc)"
FORMATS = {
    "Excel 2007 and later": "xlsx:Calc MS Excel 2007 XML",
    "Excel 97": "xls:MS Excel 97",
    "OpenDocument": "ods:calc8",
    "comma, UTF-8": f"csv:{_TEXT}:44,34,76,1",
    "semicolon, UTF-8": f"csv:{_TEXT}:59,34,76,1",
    "tab, UTF-8": f"csv:{_TEXT}:9,34,76,1",
    "tab, UTF-16": f"csv:{_TEXT}:9,34,65535,1",
    "semicolon, Windows-1252": f"csv:{_TEXT}:59,34,1,1",
    "all cells in quotes": f"csv:{_TEXT}:44,34,76,1,,0,true",
}


@pytest.fixture(scope="module")
def workbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table as LibreOffice keeps it, which every other format is saved from."""
    folder = tmp_path_factory.mktemp("workbook")
    text = io.StringIO()
    csv.writer(text).writerows(TABLE)
    source = folder / "contacts.csv"
    source.write_bytes(text.getvalue().encode())
    return convert(source, "ods:calc8", folder / "ods", f"{_TEXT}:44,34,76,1")


@pytest.fixture(scope="module")
def session(stack: Stack) -> Iterator[httpx.Client]:
    """The owner's session."""
    headers = {"authorization": f"Bearer {stack.jwt}"}
    with httpx.Client(base_url=stack.http, headers=headers, timeout=60) as session:
        yield session


def convert(source: Path, to: str, folder: Path, read_as: str = "") -> Path:
    """The file in another format."""
    profile = f"-env:UserInstallation=file://{source.parent / 'profile'}"
    read = [f"--infilter={read_as}"] if read_as else []
    run("soffice", profile, "--headless", *read, "--convert-to", to, "--outdir", str(folder), str(source))
    return folder / f"{source.stem}.{to.partition(':')[0]}"


@pytest.mark.parametrize("name", FORMATS)
def test_contacts_are_read_back_from_every_format(
    name: str, workbook: Path, session: httpx.Client, tmp_path: Path
) -> None:
    content = convert(workbook, FORMATS[name], tmp_path).read_bytes()
    params = {"newListName": name}
    answer = session.post("/v1/contacts/import/file", params=params, content=content)
    assert answer.status_code == 200, answer.text
    outcome = answer.json()
    assert (outcome["row_count"], outcome["invalid"]) == (len(CONTACTS) + 2, 1)
    assert outcome["added"] + outcome["skipped"] == len(CONTACTS) + 1
    assert (outcome["email_column"], outcome["name_column"]) == ("Email address", "Full name")
    members = session.get(f"/v1/contact-lists/{outcome['listId']}/members").json()["data"]
    assert {member["email"]: member["name"] or "" for member in members} == CONTACTS


@pytest.fixture(autouse=True)
def no_contacts(session: httpx.Client) -> Iterator[None]:
    """Removes the contacts, so that each format brings the names of its own."""
    yield
    session.request("DELETE", "/v1/contacts", json={"contacts": list(CONTACTS)})
