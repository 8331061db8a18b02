"""Imports of contacts by REST: JSON, files, and forms with files (contract rows Z-50 to Z-54, C-65)."""

import io
from collections.abc import Callable
from typing import Any

import httpx
import openpyxl
import pytest

from tests.harness.stack import Stack
from tests.rest.golden import Golden

FILE = "/v1/contacts/import/file"
CSV = "Email address;Full name;Phone\nJosé@x;\nana@file.example.org;Ana Núñez;1\nANA@file.example.org;;\n"
FORM = "multipart/form-data; boundary=b"
FIELD = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n'
FILE_FIELD = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nEmail\r\n'


def rows(*numbers: int) -> list[dict[str, str]]:
    return [{"email": f"u{number}@import.example.org"} for number in numbers]


def test_worked_example_of_the_document(session_of: Callable[[str], httpx.Client], golden: Golden) -> None:
    """Z-53: 490 of 500 contacts are used; of 100 rows 30 are known."""
    office = session_of("imports")
    office.post("/v1/contacts/import", json={"contacts": rows(*range(490))})
    asked: dict[str, Any] = {"contacts": rows(*range(460, 560))}
    trial = office.post("/v1/contacts/import", json={**asked, "dry_run": True}).json()
    answer = office.post("/v1/contacts/import", json=asked)
    documented = {
        "ok": True,
        "added": 10,
        "skipped": 30,
        "capped": 60,
        "available": 10,
        "listId": None,
        "quota": {"maxContacts": 500, "currentCount": 500},
    }
    assert {name: answer.json()[name] for name in documented} == documented
    assert trial["quota"] == {"maxContacts": 500, "currentCount": 490}
    assert (trial["added"], trial["capped"], trial["dry_run"]) == (10, 60, True)
    short = office.post(
        "/v1/contacts/import", json={"contacts": [{"email": " U1@import.example.org "}, {"email": "x"}]}
    )
    golden.check("contacts/import", short)
    many = office.post("/v1/contacts/import", json={"contacts": rows(*range(501))})
    golden.check_answer(many)
    assert many.status_code == 422


def test_import_makes_a_list_or_fills_one(session: httpx.Client) -> None:
    """Z-54."""
    made = session.post("/v1/contacts/import", json={"contacts": rows(1, 2), "newListName": "New"}).json()
    list_id = made["listId"]
    assert session.get(f"/v1/contact-lists/{list_id}").json()["name"] == "New"
    more = session.post("/v1/contacts/import", json={"contacts": rows(2, 3), "listId": list_id}).json()
    assert (more["added"], more["skipped"], more["listId"]) == (1, 1, list_id)
    assert session.get(f"/v1/contact-lists/{list_id}/members").json()["total"] == 3


def test_file_is_the_body(session_of: Callable[[str], httpx.Client], golden: Golden) -> None:
    """Z-50."""
    session = session_of("file-imports")
    golden.check(
        "contacts/import-file-trial",
        session.post(FILE, params={"dry_run": "true"}, content=CSV.encode("cp1252")),
    )
    answer = session.post(FILE, params={"newListName": "File"}, content=CSV.encode("utf-16"))
    assert (answer.json()["added"], answer.json()["skipped"], answer.json()["invalid"]) == (1, 1, 1)
    [member] = session.get(f"/v1/contact-lists/{answer.json()['listId']}/members").json()["data"]
    assert (member["email"], member["name"]) == ("ana@file.example.org", "Ana Núñez")


def test_file_comes_in_a_form_whose_fields_may_stand_before_and_behind_it(session: httpx.Client) -> None:
    """Z-50: a workbook, as the browser sends it."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["Name", "Email"], ["Bea", "bea@form.example.org"], ["Cem", "cem@form.example.org"]):
        sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    file = ("contacts.xlsx", content.getvalue(), "application/vnd.ms-excel")
    for parts in (
        [("newListName", (None, "Form")), ("file", file), ("first_rows", (None, "1"))],
        [("file", file), ("dry_run", (None, "")), ("new_list_name", (None, "Form"))],
    ):
        answer = session.post(FILE, files=parts)
        assert answer.status_code == 200, answer.text
        list_id = answer.json()["listId"]
        assert session.get(f"/v1/contact-lists/{list_id}").json()["name"] == "Form"
    members = session.get(f"/v1/contact-lists/{list_id}/members").json()["data"]
    assert {member["email"] for member in members} == {"bea@form.example.org", "cem@form.example.org"}


@pytest.mark.parametrize(
    ("content", "content_type", "named"),
    [
        (FIELD + b"1\r\n--b--\r\n", FORM, "file"),
        (FILE_FIELD, FORM, "body"),
        (b"Email\r\n", FORM, "body"),
        (b"Email\r\n", "multipart/form-data", "body"),
        (FILE_FIELD + FIELD.replace(b"x", b"first_rows") + b"all\r\n--b--\r\n", FORM, "first_rows"),
        (FILE_FIELD * 2 + b"--b--\r\n", FORM, "file"),
        ((FIELD + b"1\r\n") * 40 + b"--b--\r\n", FORM, "body"),
        (FIELD + b"1" * 70_000 + b"\r\n--b--\r\n", FORM, "body"),
        (b"", "text/csv", "content"),
        (b"PK\x03\x04 no workbook", "text/csv", "content"),
        (b"Email\r\n" + b"a@example.org\r\n" * 699_060, "text/csv", "content"),
    ],
)
def test_file_or_form_that_cannot_be_read_is_refused(
    session: httpx.Client, content: bytes, content_type: str, named: str
) -> None:
    answer = session.post(FILE, content=content, headers={"Content-Type": content_type})
    assert answer.status_code == 422, answer.text
    assert named in answer.text


def test_larger_bodies_are_refused(session: httpx.Client, golden: Golden) -> None:
    """Z-51: 2 MB of JSON, 10 MB of a file."""
    large = session.post("/v1/contacts/import", content=b'{"contacts": [' + b" " * (2 << 20) + b"]}")
    assert large.status_code == 413
    golden.check_answer(large)
    assert session.post(FILE, content=b"Email\r\n" + b"a" * (11 << 20)).status_code == 413


def test_rows_above_the_plans_number_are_refused(
    session_of: Callable[[str], httpx.Client], golden: Golden
) -> None:
    """Z-51, C-65: as a whole; the first rows alone may be imported."""
    office = session_of("small-imports")
    golden.check(
        "errors/contact-import", office.post("/v1/contacts/import", json={"contacts": rows(1, 2, 3)})
    )
    file = b"Email\na@s.example.org\nb@s.example.org\nc@s.example.org\n"
    assert office.post(FILE, content=file).status_code == 422
    assert office.get("/v1/contacts/quota").json()["current_count"] == 0
    trial = office.post(FILE, content=file, params={"dry_run": "true"}).json()
    assert (trial["row_count"], trial["added"]) == (3, 3)
    golden.check("contacts/import-file", office.post(FILE, content=file, params={"first_rows": 2}))


def test_largest_import_of_rows_passes(rest: Stack, session: httpx.Client) -> None:
    """Z-51: more rows than other lists have entries."""
    answer = session.post("/v1/contacts/import", json={"contacts": [{"email": "x", "name": "y"}] * 5_000})
    assert answer.json()["invalid"] == 5_000
    refused = session.post("/v1/contacts/import", json={"contacts": [{"email": "x", "name": "y"}] * 10_001})
    assert refused.status_code == 422
    assert "10000" in refused.text


def test_imports_are_closed_to_api_keys(api: httpx.Client) -> None:
    """Z-4, C-9."""
    assert api.post("/v1/contacts/import", json={"contacts": rows(1)}).status_code == 401
    assert api.post(FILE, content=b"Email\na@example.org\n").status_code == 401
