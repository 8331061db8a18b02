"""The edge's connection to its server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from edge.settings import Settings
from tests.unit.edge.conftest import serve_edge
from tests.unit.edge.server import EmailServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

LATENCY_S = 0.3


@asynccontextmanager
async def far_away(target: str) -> AsyncIterator[str]:
    """The address of a server as it is seen from another continent: every byte comes later."""
    host, _, port = target.rpartition(":")
    under_way: set[asyncio.Task[None]] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                await asyncio.sleep(LATENCY_S)
                writer.write(data)
        finally:
            writer.close()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(host, int(port))
        for one_way in (carry(reader, there_writer), carry(there_reader, writer)):
            task = asyncio.create_task(one_way)
            under_way.add(task)
            task.add_done_callback(under_way.discard)

    async with await asyncio.start_server(meet, "127.0.0.1", 0) as listener:
        yield "127.0.0.1:{1}".format(*listener.sockets[0].getsockname())
    await asyncio.gather(*under_way, return_exceptions=True)


async def test_server_that_answers_late_is_reached(emails: EmailServer) -> None:
    async with (
        far_away(emails.target) as target,
        serve_edge(Settings(server=target)) as url,
        httpx.AsyncClient(base_url=url, headers={"authorization": "Bearer zm_live_1_2"}) as client,
    ):
        assert (await client.post("/v1/emails", json={}, timeout=30)).status_code == 200


@pytest.mark.parametrize("secret", ["0123456789abcdef" * 2, ""])
async def test_every_call_carries_the_secret_if_there_is_one(emails: EmailServer, secret: str) -> None:
    """C-91: without a secret the server does not know this edge."""
    async with (
        serve_edge(Settings(server=emails.target, secret=secret)) as url,
        httpx.AsyncClient(base_url=url, headers={"authorization": "Bearer zm_live_1_2"}) as client,
    ):
        await client.post("/v1/emails", json={})
    assert [metadata.get("x-zidimail-edge", "") for metadata in emails.metadata] == [secret]
