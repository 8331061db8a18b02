"""The export of an organisation by REST (contract row F-13)."""

import csv
import io
import json
import zipfile
from collections.abc import Callable

import httpx

from tests.harness.stack import Stack
from tests.harness.waiting import until_sync
from tests.rest.golden import Golden

FORMULA = "=HYPERLINK(1)"


def test_organisation_is_exported_and_downloaded(
    rest: Stack,
    session_of: Callable[[str], httpx.Client],
    api_of: Callable[[str], httpx.Client],
    golden: Golden,
) -> None:
    """F-13."""
    owner, key = session_of("exporting"), api_of("exporting")
    mail = {"from": f"shop@{rest.orgs['exporting'].domain}", "subject": "Exported", "text": "Hello."}
    sent = key.post("/v1/emails", json={**mail, "to": "ada@exporting.example.org"}).json()["id"]
    until_sync(lambda: key.get(f"/v1/emails/{sent}").json()["status"] == "delivered")
    # Counts are rows of the export, written after the delivery.
    until_sync(lambda: key.get("/v1/emails/stats").json()["totals"]["delivered"] == 1)
    contact = {"email": "ada@exporting.example.org", "first_name": FORMULA}
    assert owner.post("/v1/contacts", json=contact).status_code == 201
    begun = owner.post("/v1/exports", json={})
    golden.check("exports/create", begun)
    shown = f"/v1/exports/{begun.json()['id']}"
    until_sync(lambda: owner.get(shown).json()["status"] == "completed")
    completed = owner.get(shown)
    assert completed.json()["row_count"] > 5
    golden.check("exports/get", completed)
    listed = owner.get("/v1/exports")
    golden.check("exports/list", listed)
    assert listed.json()["data"] == [completed.json()]
    lines = owner.get(f"{shown}/file")
    assert lines.headers["content-type"] == "application/x-ndjson"
    assert lines.headers["content-disposition"].startswith('attachment; filename="export-')
    assert lines.headers["x-request-id"]
    assert lines.headers["cache-control"] == "no-store"
    objects = [json.loads(line) for line in lines.text.splitlines()]
    assert len(objects) == completed.json()["row_count"]
    assert [one["id"] for one in objects if one["section"] == "emails"] == [sent]
    assert [one["email"] for one in objects if one["section"] == "members"] == ["owner@exporting.example.com"]
    assert rest.orgs["exporting"].api_key not in lines.text
    packed = owner.get(f"{shown}/file", params={"format": "zip"})
    assert packed.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.testzip() is None
        text = archive.read("contacts.csv").decode()
        [row] = csv.DictReader(io.StringIO(text, newline=""))
        assert row["first_name"] == f"'{FORMULA}"
        assert json.loads(archive.read("contacts.ndjson"))["first_name"] == FORMULA
    assert owner.head(f"{shown}/file").content == b""
    assert owner.get(f"{shown}/file", params={"format": "exe"}).status_code == 422
    assert [one["target_id"] for one in downloads(owner)] == [begun.json()["id"]] * 2


def downloads(owner: httpx.Client) -> list[dict[str, str]]:
    """The downloads of exports that the audit log has."""
    entries = owner.get("/v1/audit-log", params={"limit": 100}).json()["data"]
    return [one for one in entries if one["method"] == "AccountService/GetExportFile"]


def test_downloads_are_refused(
    session_of: Callable[[str], httpx.Client],
    api_of: Callable[[str], httpx.Client],
    other_session: httpx.Client,
    stranger: httpx.Client,
    golden: Golden,
) -> None:
    """F-13, C-9, C-48: another organisation's export is none."""
    owner = session_of("exporting")
    begun = owner.post("/v1/exports", json={}).json()["id"]
    until_sync(lambda: owner.get(f"/v1/exports/{begun}").json()["status"] == "completed")
    golden.check("errors/export-not-found", other_session.get(f"/v1/exports/{begun}"))
    path = f"/v1/exports/{begun}/file"
    assert other_session.get(path).status_code == 404
    assert stranger.get(path).status_code == 401
    assert api_of("exporting").get(path).status_code == 401
    assert owner.get(path, params={"format": "exe"}).status_code == 422
    assert owner.head("/v1/exports/none/file").status_code == other_session.head(path).status_code == 404
    assert stranger.head(path).status_code == 401
    assert owner.post(path).status_code == 404
    assert owner.get("/v1/exports/none/file").json()["name"] == "not_found"
