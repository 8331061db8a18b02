"""The addresses of Google Sheets, and those of their CSV form (contract rows Z-50, C-11)."""

import pytest

from server.contacts.sheets import export_path

ID = "1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms"
EXPORT = f"/spreadsheets/d/{ID}/export?format=csv"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        (f"https://docs.google.com/spreadsheets/d/{ID}/edit", EXPORT),
        (f" https://docs.google.com/spreadsheets/d/{ID} ", EXPORT),
        (f"https://DOCS.google.com/spreadsheets/d/{ID}/edit?usp=sharing", EXPORT),
        (f"https://docs.google.com/spreadsheets/u/1/d/{ID}/edit#gid=0", f"{EXPORT}&gid=0"),
        (f"https://docs.google.com/spreadsheets/d/{ID}/edit?gid=5#gid=1234", f"{EXPORT}&gid=1234"),
        (f"https://docs.google.com/spreadsheets/d/{ID}/edit?gid=5", f"{EXPORT}&gid=5"),
        (f"https://docs.google.com/spreadsheets/d/{ID}/edit#gid=1%26format%3Dpdf", EXPORT),
        (f"http://docs.google.com/spreadsheets/d/{ID}/edit", None),
        (f"https://docs.google.com.evil.example/spreadsheets/d/{ID}/edit", None),
        (f"https://a@docs.google.com/spreadsheets/d/{ID}/edit", None),
        (f"https://docs.google.com:8443/spreadsheets/d/{ID}/edit", None),
        (f"https://evil.example/?https://docs.google.com/spreadsheets/d/{ID}", None),
        (f"https://docs.google.com/document/d/{ID}/edit", None),
        ("https://docs.google.com/spreadsheets/d/../../x/edit", None),
        ("https://docs.google.com/spreadsheets/d/e/2PACX-1vT/pub?output=csv", None),
        ("https://[docs.google.com/spreadsheets/d/x", None),
        ("", None),
    ],
)
def test_only_sheets_of_google_have_an_export(url: str, path: str | None) -> None:
    assert export_path(url) == path
