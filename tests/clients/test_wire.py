"""Requests in the form of each program that speaks Resend's API, and the answers that it needs.

None of these programs runs here. What is on the wire was read in their sources; each row names its program.
"""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from tests.clients import decoders as need
from tests.clients.decoders import decode
from tests.harness.stack import Stack

TO = "you@wire.example.org"
JSON = {"Content-Type": "application/json"}
IN_A_DAY = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="seconds")
EMAIL = {"from": "Ada <ada@mail.example.com>", "to": [TO], "subject": "On the wire", "text": "Hi"}


@dataclass(frozen=True)
class Row:
    """One request, and the form that its sender's decoder needs. `{id}` in a path is a scheduled email."""

    client: str
    method: str
    path: str
    form: Any
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200

    def __str__(self) -> str:
        return f"{self.client} {self.method} {self.path}"


ROWS = [
    # Joins "/emails" to its base URL, of which the host remains.
    Row(
        "resend-rust", "POST", "/emails", need.Identified,
        {**EMAIL, "reply_to": ["answers@mail.example.com"], "scheduled_at": IN_A_DAY},
        {**JSON, "User-Agent": "resend-rs/0.21.0", "Idempotency-Key": "rust-1"},
    ),
    Row("resend-rust", "POST", "/emails/batch", need.Data[need.Identified], [EMAIL, EMAIL], JSON),
    Row("resend-rust", "GET", "/emails/{id}", need.RustEmail),
    Row("resend-rust", "GET", "/emails?limit=2", need.RustList[need.RustEmail]),
    Row("resend-rust", "POST", "/emails/{id}/cancel", need.Identified),
    Row("resend-rust", "GET", "/domains", need.RustList[need.RustDomain]),
    Row("resend-rust", "GET", "/api-keys", need.RustList[need.RustApiKey]),
    Row("resend-rust", "POST", "/suppressions", need.Identified, {"email": "rust@wire.example.org"}, JSON,
        201),
    Row("resend-rust", "GET", "/suppressions/rust%40wire.example.org", need.RustSuppression),
    Row("resend-rust", "GET", "/suppressions", need.RustList[need.RustSuppression]),
    Row("resend-rust", "POST", "/suppressions/batch/remove", need.Data[need.RustDeleted],
        {"emails": ["rust@wire.example.org"]}, JSON),
    Row("resend-rust", "POST", "/webhooks", need.RustWebhookMade,
        {"endpoint": "https://127.0.0.1:9/rust", "events": ["email.clicked"]}, JSON, 201),
    Row("resend-rust", "GET", "/webhooks", need.RustList[need.RustWebhook]),
    Row("resend-rust", "GET", "/emails/49a3999c-0ce1-4ea6-ab68-afcd6dc2e794", need.RustError, status=404),
    Row("resend-rust", "POST", "/emails", need.RustError, {}, JSON, 422),
    # Encodes with a line end; sends no body and no type with the rest.
    Row("resend-go", "POST", "/v1/emails", need.Identified, json.dumps(EMAIL).encode() + b"\n",
        {**JSON, "Accept": "application/json", "User-Agent": "resend-go/3.1.0"}),
    Row("resend-go", "POST", "/domains", need.GoDomain,
        {"name": "go.wire.example.org", "region": "eu-west-1", "custom_return_path": "send"}, JSON, 201),
    Row("resend-go", "PATCH", "/v1/emails/{id}", need.Identified, {"scheduled_at": IN_A_DAY}, JSON),
    Row("resend-go", "GET", "/v1/usage", need.GoUsage),
    # Its base URL always gets one more slash, its GETs a type, its empty bodies braces.
    Row("resend-php", "POST", "/v1//emails", need.Identified, EMAIL,
        {**JSON, "User-Agent": "resend-php/1.3.0"}),
    Row("resend-php", "GET", "/v1//emails/{id}", need.Email, headers=JSON),
    Row("resend-php", "POST", "/v1//emails/{id}/cancel", need.Named, {}, JSON),
    # Everything is there, whether or not there is anything in it; empty maps are lists.
    Row("resend-laravel", "POST", "/v1//emails", need.Identified,
        {**EMAIL, "html": None, "cc": [], "bcc": [], "reply_to": [], "headers": [], "attachments": []}, JSON),
    Row("any of PHP", "POST", "/v1/emails/batch", need.Data[need.Identified],
        [{**EMAIL, "headers": [], "attachments": [], "tags": []}], JSON),
    # Its endpoint is a host; it repeats reply_to among the headers.
    Row("symfony/resend-mailer", "POST", "/emails", need.Identified,
        {**EMAIL, "reply_to": "Ünn <a@b.example>",
         "headers": {"Reply-To": "=?utf-8?Q?=C3=9Cnn?= <a@b.example>", "X-Own": "1"}},
        {"Content-Type": "application/json", "Accept": "*/*"}),
    Row("resend-ruby", "GET", "/v1/domains", need.Listed[need.ListedDomain],
        headers={**JSON, "User-Agent": "resend-ruby:1.4.0"}),
    # A list of mailboxes as a header has it.
    Row("resend-ruby's old mailer", "POST", "/v1/emails", need.Identified,
        {**EMAIL, "cc": 'b@wire.example.org, "Doe, C" <c@wire.example.org>'}, JSON),
    Row("resend-dotnet", "POST", "/emails/batch", need.Data[need.Identified], [EMAIL],
        {"Content-Type": "application/json; charset=utf-8", "x-batch-validation": "strict"}),
    Row("resend-dotnet", "POST", "/emails", need.DotnetError, {**EMAIL, "from": "a@no.example"}, JSON, 422),
    Row("resend-dotnet", "PATCH", "/domains/49a3999c", need.DotnetError, {"tls": "enforced"}, JSON, 404),
    Row("resend-dotnet", "POST", "/emails", need.DotnetError, b"<xml/>", {"Content-Type": "text/xml"}, 415),
    Row("resend-dotnet", "POST", "/domains", need.DotnetError, {"name": "mail.example.com"}, JSON, 409),
    # An empty text as the body of what has none.
    Row("resend-java", "POST", "/v1/emails/{id}/cancel", need.Named, b"",
        {"Content-Type": "application/json; charset=utf-8"}),
    Row("resend-python before 2", "GET", "/v1/emails", need.Listed[need.ListedEmail], {}, JSON),
    Row("django-anymail", "POST", "/v1/emails/batch", need.Data[need.Identified],
        [{**EMAIL, "headers": {"X-Metadata": '{"user": 1}', "X-Tags": '["a"]'}, "scheduled_at": IN_A_DAY}],
        {**JSON, "Accept": "application/json"}),
    # This client sends empty text for absent values, and a file as Node's JSON of a Buffer.
    Row("@payloadcms/email-resend", "POST", "/v1/emails", need.Identified,
        {**EMAIL, "to": f"a@wire.example.org, {TO}", "cc": "", "bcc": "", "reply_to": "", "html": "",
         "attachments": [{"filename": "a.txt", "content": {"type": "Buffer", "data": [104, 105]}}]}, JSON),
]  # fmt: skip


@pytest.fixture
async def api(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """Adds nothing to a request that is not in its row."""
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    async with httpx.AsyncClient(base_url=stack.http, headers=headers, timeout=20) as api:
        yield api


async def scheduled(api: httpx.AsyncClient) -> str:
    answer = await api.post("/v1/emails", json={**EMAIL, "scheduled_at": IN_A_DAY})
    return str(answer.json()["id"])


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_requests_of_each_client_are_accepted_and_answers_decoded(
    row: Row, api: httpx.AsyncClient
) -> None:
    """Section D: the wire, not two programs."""
    path = row.path.replace("{id}", await scheduled(api)) if "{id}" in row.path else row.path
    content = row.body if row.body is None or type(row.body) is bytes else json.dumps(row.body).encode()
    answer = await api.request(row.method, path, content=content, headers=row.headers)
    assert answer.status_code == row.status, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    decode(row.form, answer.json())
    # By these two the Ruby client and its mailer tell a failure.
    failed = row.status >= 400
    assert ("statusCode" in answer.json()) is ("error" in answer.json()) is failed


@pytest.mark.parametrize("row", [row for row in ROWS if row.form is need.RustEmail], ids=str)
async def test_decoder_refuses_unknown_answers(row: Row, api: httpx.AsyncClient) -> None:
    """The decoders of this test are worth something."""
    email = (await api.get(f"/v1/emails/{await scheduled(api)}")).json()
    for broken in ({**email, "last_event": "waiting"}, {**email, "cc": "a"}, {**email, "created_at": None}):
        with pytest.raises(ValidationError):
            decode(row.form, broken)


async def test_values_in_client_specific_forms_are_kept(api: httpx.AsyncClient) -> None:
    written = {
        **EMAIL,
        "to": f"{TO}, Bob <bob@wire.example.org>",
        "replyTo": "answers@mail.example.com",
        "scheduledAt": IN_A_DAY,
        # The Rust client.
        "attachments": [
            {"filename": "a.bin", "content": [104, 105], "contentType": "text/x-own", "content_id": "logo"},
            {"filename": "b.bin", "content": base64.b64encode(b"hi").decode(), "content_type": "text/x-own"},
        ],
    }
    answer = await api.post("/v1/emails", json=written)
    email = (await api.get(f"/v1/emails/{answer.json()['id']}")).json()
    assert email["to"] == [TO, "Bob <bob@wire.example.org>"]
    assert email["reply_to"] == ["answers@mail.example.com"]
    assert email["last_event"] == "scheduled"
    assert datetime.fromisoformat(email["scheduled_at"]) == datetime.fromisoformat(IN_A_DAY)
    assert [file["content_type"] for file in email["attachments"]] == ["text/x-own"] * 2
    assert email["attachments"][0]["content_id"] == "logo"
    moved = (datetime.now(UTC) + timedelta(days=2)).isoformat(timespec="seconds")
    await api.patch(f"/v1/emails/{email['id']}", json={"scheduledAt": moved})
    email = (await api.get(f"/v1/emails/{email['id']}")).json()
    assert datetime.fromisoformat(email["scheduled_at"]) == datetime.fromisoformat(moved)


async def test_base_url_may_be_the_host_alone(api: httpx.AsyncClient) -> None:
    """Section D: RESEND_BASE_URL in Rust, whose client keeps no path of it."""
    assert (await api.get("/domains")).json() == (await api.get("/v1/domains")).json()
    for path in ("/v1/v1/domains", "/v2/domains", "/openapi.json"):
        answer = await api.get(path)
        assert (answer.status_code, answer.json()["name"]) == (404, "not_found")
        assert path in answer.json()["message"]
