"""Files in the bodies of sends: their forms, and how large they may be (C-1, C-3, section D)."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import pytest_asyncio

from edge.settings import Settings
from tests.unit.edge.conftest import serve_edge
from tests.unit.edge.server import EmailServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTENT = bytes(range(256))
BASE64 = base64.b64encode(CONTENT).decode()
STRANGER = {"authorization": "Bearer stranger"}


def email(content: Any, **file: Any) -> dict[str, Any]:
    return {"subject": "a", "attachments": [{"filename": "a.bin", "content": content, **file}]}


@pytest.mark.parametrize(
    "form",
    [
        BASE64,
        BASE64.rstrip("="),
        base64.urlsafe_b64encode(CONTENT).decode(),
        base64.urlsafe_b64encode(CONTENT).decode().rstrip("="),
        base64.encodebytes(CONTENT).decode(),
        base64.encodebytes(CONTENT).decode().replace("\n", "\r\n"),
        list(CONTENT),
        {"type": "Buffer", "data": list(CONTENT)},
    ],
)
async def test_file_content_is_accepted_in_each_documented_form(
    client: httpx.AsyncClient, emails: EmailServer, form: Any
) -> None:
    answer = await client.post("/v1/emails", json=email(form, content_id="c", path=None))
    assert answer.json() == {"id": "a"}
    (sent,) = emails.alone
    assert (sent.attachments[0].content, sent.attachments[0].content_id) == (CONTENT, "c")


@pytest.mark.parametrize(
    "form",
    [
        "no base64!",
        "YQ=a",
        "YWJjZ",
        "ä",
        7,
        True,
        {},
        {"type": "Buffer"},
        {"type": "Buffer", "data": "YQ=a"},
        [256],
        [-1],
        [1.5],
        [True],
        ["a"],
        [[1]],
    ],
)
async def test_invalid_attachment_is_refused(
    client: httpx.AsyncClient, emails: EmailServer, form: Any
) -> None:
    answer = await client.post("/v1/emails", json=email(form))
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["attachments[0].content"]
    assert not emails.alone


async def test_email_with_attachments_is_sent_in_a_call_of_its_own(
    client: httpx.AsyncClient, emails: EmailServer
) -> None:
    """It is large, or waits for links, and would delay the others of its call."""
    await client.post("/v1/emails", json=email(None, path="https://files.example.com/a"))
    await client.post("/v1/emails", json={"subject": "a"})
    assert emails.alone[0].attachments[0].path == "https://files.example.com/a"
    assert emails.subjects == [["a"]]


@pytest.mark.parametrize("wrapped", [True, False])
async def test_batch_with_attachments_is_refused_as_a_whole(
    client: httpx.AsyncClient, emails: EmailServer, wrapped: bool
) -> None:
    """C-3: in every mode."""
    batch: Any = [{"subject": "a"}, email(BASE64), {"subject": "b", "attachments": []}, email("", path="x")]
    for mode in ("strict", "permissive"):
        body = {"emails": batch} if wrapped else batch
        answer = await client.post("/v1/emails/batch", json=body, headers={"x-batch-validation": mode})
        assert answer.status_code == 422
        fields = [error["field"] for error in answer.json()["errors"]]
        assert fields == ["emails[1].attachments", "emails[3].attachments"]
    stranger = await client.post("/v1/emails/batch", json=batch, headers=STRANGER)
    assert stranger.status_code == 401
    assert not emails.batches


# Sizes. The edge of these tests takes bodies of 1,000 bytes, and of 10,000 with files.


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def small(email_server: EmailServer) -> AsyncIterator[httpx.AsyncClient]:
    settings = replace(
        Settings(server=email_server.target), body_limit=1000, send_body_limit=10_000, bodies_limit=12_000
    )
    async with serve_edge(settings) as url:
        headers = {"authorization": "Bearer zm_live_1_2"}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=20) as client:
            yield client


def in_pieces(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), 500):
        yield content[start : start + 500]


async def chunked(content: bytes) -> AsyncIterator[bytes]:
    for piece in in_pieces(content):
        yield piece


@pytest.mark.parametrize("declared", [True, False])
async def test_body_limit_is_larger_with_attachments_only(
    small: httpx.AsyncClient, emails: EmailServer, declared: bool
) -> None:
    """C-1: with and without a declared length."""

    async def status(path: str, body: Any) -> tuple[int, str]:
        content = json.dumps(body).encode()
        given: Any = content if declared else chunked(content)
        headers = {"content-type": "application/json"}
        answer = await small.post(path, content=given, headers=headers)
        return answer.status_code, answer.json().get("message", "")

    large, larger, rest = "A" * 9_000, "A" * 12_000, "x" * 1_100
    assert (await status("/v1/emails", email(large)))[0] == 200
    assert (await status("/v1/emails", email(list(b"A" * 2_000))))[0] == 200
    code, message = await status("/v1/emails", email(larger))
    assert (code, "10000" in message) == (413, True)
    code, message = await status("/v1/emails", email("A" * 4_000, filename=rest))
    assert (code, "1000" in message) == (413, True)
    assert (await status("/v1/emails", {"subject": "a", "text": rest}))[0] == 413
    assert (await status("/v1/emails", {"subject": "a", "text": "x", "more": [rest]}))[0] == 413
    assert (await status("/v1/emails/batch", [{"subject": "a", "text": rest}]))[0] == 413
    assert (await status("/v1/domains", {"domain": rest}))[0] == 413
    assert len(emails.alone) == 2


async def test_large_body_needs_a_valid_credential(small: httpx.AsyncClient, emails: EmailServer) -> None:
    """C-41: it is not even read."""
    answer = await small.post("/v1/emails", json=email("A" * 9_000), headers=STRANGER)
    assert answer.status_code == 401


async def test_large_body_gets_a_longer_deadline(small: httpx.AsyncClient, emails: EmailServer) -> None:
    await small.post("/v1/emails", json=email("AAAA"))
    await small.post("/v1/emails", json=email("A" * 9_000))
    patient, more_patient = emails.seconds_left
    assert patient < 30.1
    assert more_patient >= patient - 1


async def test_body_memory_is_released_after_every_outcome(
    small: httpx.AsyncClient, emails: EmailServer
) -> None:
    for content in ("A" * 9_000, "A" * 12_000, "?" * 9_000) * 4:
        await small.post("/v1/emails", json=email(content))
    assert (await small.post("/v1/emails", json=email("A" * 9_000))).status_code == 200
