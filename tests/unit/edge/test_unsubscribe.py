"""The page behind List-Unsubscribe when its server cannot be reached, and when a client leaves (RFC 8058)."""

import asyncio
from urllib.parse import urlsplit

import httpx
import pytest

from edge.settings import Settings
from tests.harness.stack import free_port
from tests.unit.edge.conftest import serve_edge

LINK = "/unsubscribe/token"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_page_asks_to_try_again_while_no_server_answers(method: str) -> None:
    """A mail program repeats the click: it must not take it for done."""
    settings = Settings(server=f"127.0.0.1:{free_port()}")
    async with serve_edge(settings) as url, httpx.AsyncClient(base_url=url) as client:
        answer = await client.request(method, LINK)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert "try again" in answer.text.lower()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


async def test_client_that_leaves_within_its_body_harms_nothing() -> None:
    settings = Settings(server=f"127.0.0.1:{free_port()}")
    async with serve_edge(settings) as url:
        reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        writer.write(f"POST {LINK} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nList-".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        async with httpx.AsyncClient(base_url=url) as client:
            assert (await client.get("/healthz")).status_code == 200
        assert not await reader.read()
