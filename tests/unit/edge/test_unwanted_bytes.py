"""Bytes that nobody wants, and answers that nobody reads: bounded in number and in time, on every path."""

import asyncio
from dataclasses import replace

import pytest

from edge.settings import Settings
from edge.unread import UnreadAnswers
from tests.harness.waiting import until
from tests.unit.edge.conftest import serve_edge
from tests.unit.edge.server import EmailServer
from tests.unit.edge.wire import HEAD, connect

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHUNKED = b"host: edge\r\ntransfer-encoding: chunked\r\n\r\n"
PREFLIGHT = b"origin: http://127.0.0.1:8080\r\naccess-control-request-method: POST\r\n"
PATHS = {
    "page": b"GET /healthz HTTP/1.1\r\n" + CHUNKED,
    "document": b"GET /v1/openapi.json HTTP/1.1\r\n" + CHUNKED,
    "preflight": b"OPTIONS /v1/emails HTTP/1.1\r\n" + PREFLIGHT + CHUNKED,
    "no route": b"GET /nothing HTTP/1.1\r\n" + CHUNKED,
    "no credential": b"POST /v1/emails HTTP/1.1\r\n" + CHUNKED,
    "send": HEAD + b"transfer-encoding: chunked\r\n\r\n",
}


async def sent_until_the_end(url: str, begun: bytes, more: bytes, most: int, pause_s: float = 0.0) -> int:
    """Sends `more` again and again until the edge closes the connection; returns the bytes sent, `most` at
    the most."""
    sent = 0
    async with connect(url) as connection:
        await connection.send(begun)
        ended = asyncio.create_task(connection.rest())
        try:
            while not ended.done() and sent < most:
                await connection.send(more)
                sent += len(more)
                await asyncio.sleep(pause_s)
        except ConnectionError:
            pass
        if sent < most:
            await asyncio.wait([ended], timeout=10)
        ended.cancel()
        connection.drop()
    return sent


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "endless", [b"0\r\nx: " + b"y" * 4096, b"0\r\n" + b"x: y\r\n" * 700, b"1;" + b"y" * 4096], ids=len
)
async def test_trailers_and_extensions_have_an_end(edge: str, path: str, endless: bytes) -> None:
    """Trailers of many lines, of one long line, and the extension of a chunk."""
    first, more = endless, endless.removeprefix(b"0\r\n").removeprefix(b"1;")
    assert await sent_until_the_end(edge, PATHS[path] + first, more, 32 << 20) < 16 << 20


async def test_a_body_that_nobody_wants_ends_in_time(emails: EmailServer) -> None:
    """A byte at a time, on every path; with a credential or without."""
    settings = replace(Settings(server=emails.target), deadline_s=1.0)
    async with serve_edge(settings) as url:
        sent = await asyncio.gather(
            *(sent_until_the_end(url, head, b"1\r\nx\r\n", 6 * 300, 0.1) for head in PATHS.values())
        )
    assert max(sent) < 6 * 150, dict(zip(PATHS, sent, strict=True))


async def test_a_connection_lives_on_after_a_body_that_a_page_did_not_want(edge: str) -> None:
    async with connect(edge) as connection:
        for _ in range(2):
            await connection.send(PATHS["page"] + b"3\r\nabc\r\n")
            assert (await connection.reply()).json == {"status": "ok"}
            await connection.send(b"0\r\nx-sum: 1\r\n\r\n")


async def test_a_refused_sender_reads_its_answer(narrow: str) -> None:
    """It sends on and on, and reads only then: the connection is not reset."""
    async with connect(narrow) as connection:
        await connection.send(HEAD + b"content-length: 90000000\r\n\r\n")
        for _ in range(200):
            await connection.send(b"x" * 65_536)
        assert (await connection.reply()).status == 413
        assert await connection.ends()


async def test_pipelined_requests_wait_unread(edge: str) -> None:
    """A client that reads nothing is read no further: the edge holds one answer, not one for each request."""
    get = b"GET /v1/openapi.json HTTP/1.1\r\nhost: edge\r\n\r\n"
    async with connect(edge) as connection:
        sending = asyncio.create_task(connection.send(get * 400_000))
        await asyncio.wait([sending], timeout=2)
        assert not sending.done()
        sending.cancel()
        connection.drop()


async def test_an_answer_that_nobody_reads_ends_the_connection(emails: EmailServer) -> None:
    settings = replace(Settings(server=emails.target), deadline_s=0.3)
    get = b"GET /v1/openapi.json HTTP/1.1\r\nhost: edge\r\n\r\n"
    async with serve_edge(settings) as url, connect(url) as connection:
        sending = asyncio.create_task(connection.send(get * 400_000))
        ended, _ = await asyncio.wait([sending], timeout=60)
        assert ended
        sending.exception()


class Transport(asyncio.Transport):
    """A connection with bytes that its client does not read."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.is_aborted = False

    def get_write_buffer_size(self) -> int:
        return self.size

    def abort(self) -> None:
        self.is_aborted = True


async def test_the_longest_unread_answer_is_given_up_first() -> None:
    unread = UnreadAnswers(100)
    transports = [Transport(40), Transport(40), Transport(40), Transport(10)]
    for transport in transports:
        unread.add(transport)
    assert [transport.is_aborted for transport in transports] == [True, False, False, False]
    unread.remove(transports[1])
    await until(lambda: unread.bytes == 50)
