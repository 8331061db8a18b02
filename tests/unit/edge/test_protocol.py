"""HTTP connections: limits, deadlines, pipelining, upgrades and malformed requests."""

from dataclasses import replace

import pytest

from edge.settings import Settings
from tests.unit.edge.conftest import serve_edge
from tests.unit.edge.server import EmailServer
from tests.unit.edge.wire import HEAD, Reply, connect

pytestmark = pytest.mark.asyncio(loop_scope="module")

EMAIL = b'{"subject": "hello"}'
SEND = HEAD + b"content-length: %d\r\n\r\n%s" % (len(EMAIL), EMAIL)


def assert_error(reply: Reply, status: int) -> None:
    assert reply.status == reply.json["statusCode"] == status
    assert reply.headers["x-frame-options"] == "DENY"
    assert reply.headers["x-request-id"]


async def test_body_with_oversized_content_length_gets_413_and_the_connection_stays_open(narrow: str) -> None:
    async with connect(narrow) as connection:
        await connection.send(HEAD + b"content-length: 100000\r\n\r\n" + b"x" * 100_000)
        assert_error(await connection.reply(), 413)
        await connection.send(SEND)
        assert (await connection.reply()).json == {"id": "hello"}


async def test_oversized_chunked_body_gets_413_and_the_connection_stays_open(narrow: str) -> None:
    async with connect(narrow) as connection:
        chunks = b"".join(b"200\r\n%s\r\n" % (b"x" * 512) for _ in range(200))
        await connection.send(HEAD + b"transfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
        assert_error(await connection.reply(), 413)
        await connection.send(SEND)
        assert (await connection.reply()).json == {"id": "hello"}


async def test_enormous_body_gets_413_without_being_read(edge: str) -> None:
    async with connect(edge) as connection:
        await connection.send(HEAD + b"content-length: 99999999999\r\n\r\n" + b"x" * 1000)
        reply = await connection.reply()
        assert_error(reply, 413)
        assert reply.headers["connection"] == "close"
        assert await connection.ends()


async def test_expect_100_with_oversized_body_gets_413(edge: str) -> None:
    async with connect(edge) as connection:
        await connection.send(HEAD + b"content-length: 9000000000\r\nexpect: 100-continue\r\n\r\n")
        assert_error(await connection.reply(), 413)
        assert await connection.ends()


async def test_expect_100_with_allowed_body_gets_100(edge: str) -> None:
    async with connect(edge) as connection:
        await connection.send(HEAD + b"content-length: %d\r\nexpect: 100-continue\r\n\r\n" % len(EMAIL))
        assert (await connection.reply()).status == 100
        await connection.send(EMAIL)
        assert (await connection.reply()).status == 200


async def test_missing_body_gets_408(hasty: str) -> None:
    async with connect(hasty) as connection:
        await connection.send(HEAD + b"content-length: 100\r\n\r\nx")
        assert_error(await connection.reply(), 408)
        assert await connection.ends()


@pytest.mark.parametrize("begun", [b"POST /v1/em", HEAD])
async def test_incomplete_head_gets_408(hasty: str, begun: bytes) -> None:
    async with connect(hasty) as connection:
        await connection.send(begun)
        assert_error(await connection.reply(), 408)
        assert await connection.ends()


async def test_the_second_head_of_a_connection_has_its_own_deadline(emails: EmailServer) -> None:
    settings = replace(Settings(server=emails.target), deadline_s=2.0)
    async with serve_edge(settings) as url, connect(url) as connection:
        await connection.send(SEND)
        assert (await connection.reply()).status == 200
        await connection.send(HEAD)
        assert_error(await connection.reply(), 408)


async def test_a_connection_without_a_request_is_closed(hasty: str) -> None:
    async with connect(hasty) as connection:
        assert await connection.ends()


@pytest.mark.parametrize("endless", [b"x-a: ", b"x-a: b\r\n"])
async def test_oversized_head_is_refused(edge: str, endless: bytes) -> None:
    async with connect(edge) as connection:
        await connection.send(HEAD + endless * 20_000)
        assert_error(await connection.reply(), 400)
        assert await connection.ends()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /healthz HTTP/2.0\r\nhost: edge\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: edge\r\nhost: edge\r\n\r\n",
        b"GET /healthz HTTP/1.0\r\nhost: a\r\nHost: b\r\n\r\n",
        # Complete heads, which come in one read.
        b"GET /healthz HTTP/1.1\r\nhost: edge\r\nx-a: %s\r\n\r\n" % (b"b" * 100_000),
        b"GET /healthz?%s HTTP/1.1\r\nhost: edge\r\n\r\n" % (b"b" * 100_000),
        b"GET /healthz HTTP/1.1\r\nhost: edge\r\n%s\r\n" % (b"x: y\r\n" * 1_000),
        b"hello\r\n\r\n",
        HEAD + b"content-length: -1\r\n\r\n",
        HEAD + b"content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"x\0y: z\r\n\r\n",
        b"GET /v1/emails/\xff HTTP/1.1\r\n\r\n",
        # The head is valid, so the application already waits for the rest of the body.
        HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b'transfer-encoding: chunked\r\n\r\n5\r\n{"a":xx\r\n0\r\n\r\n',
    ],
)
async def test_malformed_http_gets_400_in_json(edge: str, request_bytes: bytes) -> None:
    async with connect(edge) as connection:
        await connection.send(request_bytes)
        assert_error(await connection.reply(), 400)
        assert await connection.ends()


@pytest.mark.parametrize("end", [b"\r\n", b""], ids=["a head", "the beginning of a head"])
async def test_too_many_header_lines_get_400(edge: str, end: bytes) -> None:
    async with connect(edge) as connection:
        await connection.send(HEAD + b"x: y\r\n" * 200 + end)
        reply = await connection.reply()
        assert_error(reply, 400)
        assert "200 header lines" in reply.json["message"]
        assert await connection.ends()


async def test_a_trailer_is_no_header_of_the_request(edge: str) -> None:
    async with connect(edge) as connection:
        body = b"%x\r\n%s\r\n0\r\nauthorization: Bearer other\r\nx-request-id: of-the-trailer\r\n\r\n"
        await connection.send(HEAD + b"transfer-encoding: chunked\r\n\r\n" + body % (len(EMAIL), EMAIL))
        reply = await connection.reply()
        assert reply.json == {"id": "hello"}
        assert reply.headers["x-request-id"] != "of-the-trailer"


async def test_pipelined_requests_are_answered_in_order(edge: str) -> None:
    async with connect(edge) as connection:
        await connection.send(SEND + b"GET /healthz HTTP/1.1\r\nhost: edge\r\n\r\n" + SEND)
        assert (await connection.reply()).json == {"id": "hello"}
        assert (await connection.reply()).json == {"status": "ok"}
        assert (await connection.reply()).json == {"id": "hello"}


async def test_upgrade_header_is_ignored(edge: str) -> None:
    upgrade = b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"
    async with connect(edge) as connection:
        await connection.send(HEAD + upgrade + b"content-length: %d\r\n\r\n%s" % (len(EMAIL), EMAIL))
        assert (await connection.reply()).json == {"id": "hello"}


async def test_upgrade_header_with_a_large_body_is_ignored(edge: str) -> None:
    body = b'{"subject": "hello", "text": "%s"}' % (b"x" * 500_000)
    upgrade = b"connection: upgrade\r\nupgrade: h2c\r\n"
    async with connect(edge) as connection:
        await connection.send(HEAD + upgrade + b"content-length: %d\r\n\r\n%s" % (len(body), body))
        assert (await connection.reply()).json == {"id": "hello"}


async def test_pipelined_upgrade_headers_are_ignored(edge: str, caplog: pytest.LogCaptureFixture) -> None:
    offer = b"GET /healthz HTTP/1.1\r\nhost: edge\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
    async with connect(edge) as connection:
        await connection.send(offer * 800)
        for _ in range(800):
            assert (await connection.reply()).json == {"status": "ok"}
    assert not caplog.records


@pytest.mark.parametrize("more", [b"", b"connection: upgrade\r\nupgrade: h2c\r\n"])
async def test_connect_method_gets_400(edge: str, more: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with connect(edge) as connection:
        await connection.send(b"CONNECT elsewhere.example:443 HTTP/1.1\r\nhost: edge\r\n%s\r\n" % more)
        assert_error(await connection.reply(), 400)
        assert await connection.ends()
    assert not caplog.records


async def test_disconnect_during_a_body_sends_no_email(
    edge: str, emails: EmailServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with connect(edge) as connection:
        await connection.send(HEAD + b"content-length: 100\r\n\r\n" + EMAIL)
    async with connect(edge) as connection:
        await connection.send(SEND)
        assert (await connection.reply()).status == 200
    assert emails.subjects == [["hello"]]
    assert not caplog.records
