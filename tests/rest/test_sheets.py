"""Imports of Google Sheets by REST (contract rows Z-50, Z-51, C-11)."""

from collections.abc import Callable

import httpx
import pytest

from tests.harness.sheets_server import BROKEN, BUSY, CIRCLE, LARGE, MISSING, PRIVATE, SHARED, address
from tests.rest.golden import Golden

PATH = "/v1/contacts/import/sheet"


def test_shared_sheet_is_imported(session_of: Callable[[str], httpx.Client], golden: Golden) -> None:
    """C-11: what Google answers is behind a redirect."""
    office = session_of("sheet-imports")
    trial = office.post(PATH, json={"url": address(SHARED), "dry_run": True}).json()
    assert trial["preview"] == [{"email": "sheet@example.org", "name": "Ada Sheet"}]
    golden.check("contacts/import-sheet", office.post(PATH, json={"url": address(SHARED)}))
    assert office.get("/v1/contacts/sheet@example.org").json()["name"] == "Ada Sheet"


def test_sheet_that_the_address_names_is_read(session: httpx.Client) -> None:
    asked = {"url": address(SHARED, "edit?usp=sharing#gid=7"), "newListName": "Sheet"}
    list_id = session.post(PATH, json=asked).json()["listId"]
    [member] = session.get(f"/v1/contact-lists/{list_id}/members").json()["data"]
    assert (member["email"], member["name"]) == ("second-sheet@example.org", "Bob")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (address(PRIVATE), "is not shared"),
        (address(MISSING), "is not shared"),
        (address(LARGE), "10 MiB"),
        (address(BUSY), "Google answers 429: repeat"),
        (address(BROKEN), "Google answers 500: repeat"),
        (address(CIRCLE), "is not shared"),
        ("https://example.org/spreadsheets/d/shared-sheet-000000000000000000", "Google Sheet"),
        ("http://127.0.0.1/", "Google Sheet"),
        ("", "is required"),
    ],
)
def test_sheet_that_cannot_be_read_is_refused(session: httpx.Client, url: str, said: str) -> None:
    answer = session.post(PATH, json={"url": url})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["url"]
    assert said in answer.text
