"""Hosts that read slowly: what is sent waits for them, in bounded memory (DELIVERY.md 5.2)."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from server.delivery.smtp.connection import ConnectionLost, SmtpConnection
from tests.harness.waiting import until

CHUNK, CHUNKS = bytes(range(256)) * 256, 100
# Bytes in the buffers of both systems, which a test cannot make smaller everywhere.
SYSTEM = 1 << 16


class Host:
    """A host that takes no byte before `reads` is set; `received` is what it took until the end."""

    def __init__(self) -> None:
        self.reads = asyncio.Event()
        self.received = bytearray()
        self.has_ended = asyncio.Event()
        self.is_broken = False
        self.writer: asyncio.StreamWriter | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.writer = writer
        await self.reads.wait()
        try:
            while data := await reader.read(1 << 16):
                self.received += data
        except ConnectionError:
            self.is_broken = True
        writer.close()
        self.has_ended.set()


@pytest.fixture
async def host() -> Host:
    return Host()


@pytest.fixture
async def connection(host: Host) -> AsyncIterator[SmtpConnection]:
    """A connection to the host with small windows on both sides."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    server = await asyncio.start_server(host.serve, sock=listening, limit=4096)
    outgoing = socket.socket()
    outgoing.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    outgoing.connect(listening.getsockname())
    outgoing.setblocking(False)
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(SmtpConnection, sock=outgoing)
    yield connection
    await until(lambda: host.writer is not None)
    connection.end("the test is over")
    host.reads.set()
    await host.has_ended.wait()
    server.close()
    await server.wait_closed()


async def send(connection: SmtpConnection, sent: list[int], timeout_s: float = 30) -> None:
    """Sends all chunks, each when the one before has gone."""
    for number in range(CHUNKS):
        connection.write(CHUNK)
        sent.append(number)
        await connection.drained(timeout_s)


async def turns() -> None:
    """Some turns of the loop for each chunk: enough to send them all, if nobody waited."""
    for _ in range(4 * CHUNKS):
        await asyncio.sleep(0)


async def test_sender_waits_and_goes_on_when_the_host_reads(connection: SmtpConnection, host: Host) -> None:
    sent: list[int] = []
    sending = asyncio.create_task(send(connection, sent))
    await turns()
    assert not sending.done()
    assert len(sent) * len(CHUNK) <= 4 * SYSTEM
    host.reads.set()
    await sending
    assert len(sent) == CHUNKS
    connection.quit()
    await host.has_ended.wait()
    assert bytes(host.received) == CHUNK * CHUNKS + b"QUIT\r\n"
    assert not host.is_broken


async def test_host_that_never_reads_is_given_up(connection: SmtpConnection) -> None:
    with pytest.raises(ConnectionLost, match=r"within 0\.05 s"):
        await send(connection, [], timeout_s=0.05)


async def test_reply_ends_the_wait_for_a_host_that_does_not_read(
    connection: SmtpConnection, host: Host
) -> None:
    """A refusal before the end of the message: the rest need not be sent."""
    sending = asyncio.create_task(send(connection, []))
    await until(lambda: host.writer is not None)
    await turns()
    assert not sending.done()
    assert host.writer is not None
    host.writer.write(b"552 5.3.4 too large\r\n")
    await until(lambda: connection.early_reply is not None)
    assert connection.early_reply is not None
    assert connection.early_reply.code == 552
    await sending
