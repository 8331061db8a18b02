"""Files sent along: Z-20 to Z-23, C-1, C-3, F-12."""

import base64
import email
import email.policy
import os
from email.message import EmailMessage
from typing import Any, cast

import httpx
import pytest

from tests.harness.stack import Stack
from tests.harness.waiting import until_sync
from tests.harness.webhook_sink import WebhookSink, page
from tests.rest.golden import Golden
from tests.rest.test_emails import EMAIL, delivered

MIB = 2**20
FILE = {"filename": "invoice.pdf", "content": base64.b64encode(b"%PDF-1.7").decode()}
LOGO = {"filename": "logo.png", "content": list(b"\x89PNG"), "content_id": "logo"}


def arrived(rest: Stack, id: str) -> EmailMessage:
    """The message that was captured."""
    path = rest.captured / f"{id}.1.eml"
    until_sync(path.exists, message=f"{id} was never captured")
    return cast(EmailMessage, email.message_from_bytes(path.read_bytes(), policy=email.policy.default))


def files_of(message: EmailMessage) -> list[tuple[str | None, str, bytes]]:
    """Name, type and bytes of every file."""
    return [
        (part.get_filename(), part.get_content_type(), cast(bytes, part.get_payload(decode=True)))
        for part in message.walk()
        if part.get_filename()
    ]


def test_files_are_delivered_and_shown_without_their_content(
    api: httpx.Client, rest: Stack, golden: Golden
) -> None:
    """Z-20, Z-23, Z-28, F-12."""
    body = {**EMAIL, "html": '<img src="cid:logo">', "attachments": [FILE, LOGO]}
    id = api.post("/v1/emails", json=body).json()["id"]
    golden.check("emails/get-with-attachments", delivered(api, id))
    message = arrived(rest, id)
    assert message.get_content_type() == "multipart/mixed"
    assert sorted(files_of(message)) == [
        ("invoice.pdf", "application/pdf", b"%PDF-1.7"),
        ("logo.png", "image/png", b"\x89PNG"),
    ]


def test_attachments_of_an_email_are_listed(
    api: httpx.Client, other_api: httpx.Client, golden: Golden
) -> None:
    """Z-23, F-12, section D."""
    body = {**EMAIL, "html": '<img src="cid:logo">', "attachments": [FILE, LOGO]}
    id = api.post("/v1/emails", json=body).json()["id"]
    files = f"/v1/emails/{id}/attachments"
    listed = api.get(files)
    golden.check("emails/attachments", listed)
    first, second = (file["id"] for file in listed.json()["data"])
    golden.check("emails/attachment", api.get(f"{files}/{second}"))
    golden.check("errors/attachment-not-found", api.get(f"{files}/{'0' * 24}"))
    golden.check_same("errors/email-not-found", other_api.get(files))
    assert [file["id"] for file in api.get(f"/v1/emails/{id}").json()["attachments"]] == [first, second]


@pytest.mark.parametrize(
    ("query", "shown", "has_more"),
    [
        ({}, "abc", False),
        ({"limit": 2}, "ab", True),
        ({"limit": 2, "page": 2}, "c", False),
        ({"page": 2}, "", False),
        ({"after": "a"}, "bc", False),
        ({"after": "a", "limit": 1}, "b", True),
        ({"before": "c"}, "ab", False),
        ({"before": "c", "limit": 1}, "b", True),
        ({"after": "a", "before": "c"}, "b", False),
    ],
)
def test_attachments_are_listed_in_order_from_any_cursor(
    api: httpx.Client, query: dict[str, Any], shown: str, has_more: bool
) -> None:
    """C-7, C-20, section D."""
    body = {**EMAIL, "attachments": [{**FILE, "filename": name} for name in "abc"]}
    files = f"/v1/emails/{api.post('/v1/emails', json=body).json()['id']}/attachments"
    ids = {file["filename"]: file["id"] for file in api.get(files).json()["data"]}
    page = api.get(files, params={name: ids.get(value, value) for name, value in query.items()}).json()
    assert "".join(file["filename"] for file in page["data"]) == shown
    assert (page["has_more"], page["total"]) == (has_more, 3)


@pytest.mark.parametrize("content", ["", [], {"type": "Buffer", "data": []}])
def test_attachment_may_be_empty(api: httpx.Client, rest: Stack, content: Any) -> None:
    """Z-20: an export without rows is a file all the same."""
    files = [{"filename": "rows.csv", "content": content}, FILE]
    id = api.post("/v1/emails", json={**EMAIL, "attachments": files}).json()["id"]
    delivered(api, id)
    assert files_of(arrived(rest, id)) == [
        ("rows.csv", "text/csv", b""),
        ("invoice.pdf", "application/pdf", b"%PDF-1.7"),
    ]


def test_large_files_arrive_unchanged(api: httpx.Client, rest: Stack) -> None:
    """Z-21: nearly all that the plan allows, to the byte."""
    contents = [os.urandom(20 * MIB), os.urandom(4 * MIB)]
    body = {
        **EMAIL,
        "attachments": [
            {"filename": f"{no}.bin", "content": base64.b64encode(content).decode()}
            for no, content in enumerate(contents)
        ],
    }
    answer = api.post("/v1/emails", json=body)
    assert answer.status_code == 200, answer.json()
    delivered(api, answer.json()["id"])
    assert [content for _, _, content in files_of(arrived(rest, answer.json()["id"]))] == contents


def test_more_than_the_plan_allows_is_413(api: httpx.Client, golden: Golden) -> None:
    """Z-21, C-1: the answer names the cap."""
    content = base64.b64encode(bytes(25 * MIB + 1)).decode()
    body = {**EMAIL, "attachments": [{"filename": "a", "content": content}]}
    golden.check("errors/attachments-too-large", api.post("/v1/emails", json=body))


def test_more_than_any_plan_allows_is_413(api: httpx.Client, golden: Golden) -> None:
    """C-1."""
    body = {**EMAIL, "attachments": [{"filename": "a", "content": "A" * (56 * MIB)}]}
    golden.check("errors/send-too-large", api.post("/v1/emails", json=body))


def test_body_without_its_files_is_limited_to_two_mebibytes(api: httpx.Client, golden: Golden) -> None:
    """Z-9, C-1."""
    body = {**EMAIL, "text": "x" * (2 * MIB), "attachments": [FILE]}
    golden.check("errors/body-too-large-beside-files", api.post("/v1/emails", json=body))


def test_batch_refuses_attachments(api: httpx.Client, golden: Golden) -> None:
    """Z-26, C-3: loudly, and nothing is sent, in either mode."""
    before = api.get("/v1/emails").json()["total"]
    batch = [EMAIL, {**EMAIL, "attachments": [FILE]}]
    golden.check("errors/batch-attachments", api.post("/v1/emails/batch", json=batch))
    headers = {"x-batch-validation": "permissive"}
    assert api.post("/v1/emails/batch", json=batch, headers=headers).status_code == 422
    assert api.get("/v1/emails").json()["total"] == before


def test_invalid_attachments_are_refused_by_field(api: httpx.Client, golden: Golden) -> None:
    """Z-20."""
    wrong: list[Any] = [
        {"filename": "a/b", **{"content": "YQ=="}},
        {"filename": "a"},
        {"filename": "a", "content": "YQ==", "path": "https://files.example.com/a"},
        {"content": "YQ==", "content_type": "pdf", "content_id": "a b"},
    ]
    golden.check("errors/attachments-wrong", api.post("/v1/emails", json={**EMAIL, "attachments": wrong}))
    many = {**EMAIL, "attachments": [FILE] * 11}
    golden.check("errors/attachments-many", api.post("/v1/emails", json=many))
    for content in ("no base64!", [256], 7, {"type": "Buffer"}):
        answer = api.post(
            "/v1/emails", json={**EMAIL, "attachments": [{"filename": "a", "content": content}]}
        )
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "attachments[0].content"


# Links. The stack allows private networks, so that they may lead to this machine.


@pytest.fixture
async def sink() -> Any:
    async with WebhookSink() as sink:
        sink.pages["/list.csv"] = page(b"a,b\n" * 1000, Content_Type="text/csv")
        sink.pages["/moved"] = page(b"", status="301 Moved Permanently", Location="/list.csv")
        yield sink


async def test_a_link_is_fetched_during_the_request(rest: Stack, sink: WebhookSink) -> None:
    """Z-20, Z-22, C-35: a file by link beside an embedded one; a repeated request fetches nothing (F-1)."""
    headers = {"authorization": f"Bearer {rest.owner.api_key}", "idempotency-key": "by-link"}
    body = {**EMAIL, "attachments": [{"filename": "l.csv", "path": f"{sink.url}/moved"}, FILE]}
    async with httpx.AsyncClient(base_url=rest.http, headers=headers, timeout=30) as client:
        first = await client.post("/v1/emails", json=body)
        assert first.status_code == 200, first.json()
        assert [call.path for call in sink.calls] == ["/moved", "/list.csv"]
        sink.pages.clear()
        sink.statuses["/moved"] = 404
        again = await client.post("/v1/emails", json=body)
        assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    assert files_of(arrived(rest, first.json()["id"])) == [
        ("l.csv", "text/csv", b"a,b\n" * 1000),
        ("invoice.pdf", "application/pdf", b"%PDF-1.7"),
    ]


async def test_link_that_cannot_be_fetched_is_refused_by_field(rest: Stack, sink: WebhookSink) -> None:
    headers = {"authorization": f"Bearer {rest.owner.api_key}"}
    async with httpx.AsyncClient(base_url=rest.http, headers=headers, timeout=30) as client:
        for path in (f"{sink.url}/404", "http://169.254.169.254/latest/meta-data/", "ftp://a.example/b", "x"):
            body = {**EMAIL, "attachments": [{"filename": "a", "path": path}]}
            answer = await client.post("/v1/emails", json=body)
            assert answer.status_code == 422
            assert answer.json()["errors"][0]["field"] == "attachments[0].path"
        endless = {**EMAIL, "attachments": [{"filename": "a", "path": f"{sink.url}/endless"}]}
        assert (await client.post("/v1/emails", json=endless)).status_code == 413
