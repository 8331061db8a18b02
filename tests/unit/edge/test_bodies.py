"""Requests to send as clients in the wild write them."""

import gzip

import httpx
import pytest

from tests.unit.edge.server import EmailServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


def packed(body: bytes) -> bytes:
    """The body in gzip's format, without a date."""
    return gzip.compress(body, mtime=0)


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"x-idempotency-key": "x"}, "x"),
        ({"x-idempotency-key": "x", "idempotency-key": "own"}, "own"),
        ({"idempotency-key": "own", "x-idempotency-key": "x"}, "own"),
    ],
)
async def test_the_header_of_an_idempotency_key_has_an_alias(
    client: httpx.AsyncClient, emails: EmailServer, headers: dict[str, str], key: str
) -> None:
    """C-54."""
    await client.post("/v1/emails", json={}, headers=headers)
    assert emails.batches[0].emails[0].idempotency_key == key


@pytest.mark.parametrize("path", ["/v1/email", "/email"])
async def test_the_oldest_clients_path_sends(
    client: httpx.AsyncClient, emails: EmailServer, path: str
) -> None:
    answer = await client.post(path, json={"subject": "old"})
    assert answer.status_code == 200
    assert emails.batches[0].emails[0].subject == "old"


@pytest.mark.parametrize(
    ("body", "coding", "expected"),
    [
        (packed(b'{"subject": "s"}'), "gzip", 200),
        (packed(b'{"subject"') + packed(b': "s"}'), "x-gzip", 200),
        (b'{"subject": "s"}', "identity", 200),
        (packed(b'{"subject": "s"}')[:-9], "gzip", 400),
        (b"{}", "gzip", 400),
        (b"{}", "br", 415),
        (b"{}", "gzip, gzip", 415),
    ],
)
async def test_a_body_may_be_packed_by_gzip_alone(
    client: httpx.AsyncClient, emails: EmailServer, body: bytes, coding: str, expected: int
) -> None:
    """C-62."""
    answer = await client.post("/v1/emails", content=body, headers={"content-encoding": coding})
    assert answer.status_code == expected
    if expected == 200:
        assert emails.batches[0].emails[0].subject == "s"


async def test_the_limit_of_a_body_counts_what_was_packed(client: httpx.AsyncClient) -> None:
    """C-62: a few KB stand for many MB."""
    body = packed(b'{"subject": "' + b"x" * (64 << 20) + b'"}')
    for path in ("/v1/emails", "/v1/emails/batch"):
        answer = await client.post(path, content=body, headers={"content-encoding": "gzip"})
        assert answer.status_code == 413
