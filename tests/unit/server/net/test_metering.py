"""Servers that answer without end (C-35): the work that a call costs is bounded, its connection closed."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest

from server.net.dns import Resolver
from server.net.http import File, GuardedClient, NoResponse
from server.net.metering import AnswerRefused, MeteredResponse
from server.settings import Settings
from tests.harness.hostile_server import HostileServer
from tests.harness.webhook_sink import WebhookSink, page

MOST = 16 * 2**20
# An attack may cost this many times the CPU of an ordinary answer; without bounds it costs thousands.
RATIO = 50
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BEFORE_AN_ANSWER = {
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "early hints": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    "blank lines": (b"", b"\r\n"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
    "one header": (b"HTTP/1.1 200 OK\r\nX-A: ", b"b"),
    "folded header": (b"HTTP/1.1 200 OK\r\nX-A: a\r\n", b" b\r\n"),
    "a reason": (b"HTTP/1.1 200 ", b"OK"),
}
WITHIN_AN_ANSWER = {
    "chunks of one byte": (CHUNKED, b"1\r\nx\r\n"),
    "chunks of ten bytes": (CHUNKED, b"a\r\n0123456789\r\n"),
    "chunk extensions": (CHUNKED, b"1;a=bcdefghijklmnopqrstuvwxyz\r\nx\r\n"),
    "one chunk extension": (CHUNKED + b"1;a=", b"b"),
    "zeros of a chunk's size": (CHUNKED, b"0"),
    "trailers": (CHUNKED + b"0\r\n", b"X-A: b\r\n"),
}


@pytest.fixture
async def client() -> AsyncIterator[GuardedClient]:
    resolver = Resolver(Settings(Path(), "sqlite://", "secret"))
    async with GuardedClient(resolver, allow_private_networks=True, user_agent="test/1") as client:
        yield client
    await resolver.close()


async def ordinary_s(client: GuardedClient) -> float:
    """The CPU time of this thread for fetching 1 MiB."""
    async with WebhookSink() as sink:
        sink.pages["/file"] = page(bytes(2**20))
        began = time.thread_time()
        await client.fetch(f"{sink.url}/file", MOST)
        return time.thread_time() - began


async def assert_bounded(client: GuardedClient, server: HostileServer, call: Awaitable[object]) -> None:
    """The call ends with less CPU time than `RATIO` ordinary ones, before its time is over."""
    usual_s = await ordinary_s(client)
    began = time.thread_time()
    kind = ""
    try:
        await call
    except NoResponse as error:
        kind = error.kind
    assert kind in {"", "broken"}
    assert time.thread_time() - began < RATIO * usual_s
    assert await asyncio.to_thread(server.closed.wait, 20)


@pytest.mark.parametrize("name", [*BEFORE_AN_ANSWER, *WITHIN_AN_ANSWER])
async def test_link_to_a_hostile_server_costs_little(client: GuardedClient, name: str) -> None:
    with HostileServer(*(BEFORE_AN_ANSWER | WITHIN_AN_ANSWER)[name]) as server:
        await assert_bounded(client, server, client.fetch(server.url, MOST))


@pytest.mark.parametrize("name", [*BEFORE_AN_ANSWER, *WITHIN_AN_ANSWER])
async def test_webhook_of_a_hostile_server_costs_little(client: GuardedClient, name: str) -> None:
    with HostileServer(*(BEFORE_AN_ANSWER | WITHIN_AN_ANSWER)[name]) as server:
        await assert_bounded(client, server, client.post(server.url, b"{}", {}))


async def test_status_counts_although_its_body_is_hostile(client: GuardedClient) -> None:
    with HostileServer(*WITHIN_AN_ANSWER["chunks of one byte"]) as server:
        assert (await client.post(server.url, b"{}", {})).status == 200


@pytest.mark.parametrize("rest", [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"x", b"\r\n"])
async def test_connection_ends_if_bytes_follow_the_answer(client: GuardedClient, rest: bytes) -> None:
    with HostileServer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", rest, waits=True) as server:
        assert (await client.post(server.url, b"{}", {})).body == b"ok"
        server.go_on.set()
        assert await asyncio.to_thread(server.closed.wait, 20)


async def test_content_in_tiny_pieces_is_refused() -> None:
    """Each read costs as much as a packet does, also if it brings one byte."""
    response = MeteredResponse(asyncio.get_running_loop())
    response.set_response_params()
    response.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    _, content = await response.read()
    for _ in range(5_000):
        response.data_received(b"x")
    with pytest.raises(AnswerRefused, match="tiny pieces"):
        await content.read()


@pytest.mark.parametrize("chunk", [100, 1460, 65536])
async def test_file_in_honest_chunks_is_fetched_whole(client: GuardedClient, chunk: int) -> None:
    whole = bytes(range(256)) * 16_384
    frames = b"".join(
        b"%x\r\n%b\r\n" % (len(part), part)
        for part in (whole[start : start + chunk] for start in range(0, len(whole), chunk))
    )
    async with WebhookSink() as sink:
        sink.pages["/file"] = CHUNKED + frames + b"0\r\n\r\n"
        file = await client.fetch(f"{sink.url}/file", MOST)
        assert file == File(whole, "")


async def test_a_few_interim_answers_are_read_over(client: GuardedClient) -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    async with WebhookSink() as sink:
        sink.pages["/file"] = interim * 3 + page(b"here")
        assert (await client.fetch(f"{sink.url}/file", MOST)).content == b"here"
