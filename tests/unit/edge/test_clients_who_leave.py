"""A client that closes its connection wants no answer, and what it asked for is not begun (C-94)."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.harness.waiting import until
from tests.unit.edge.server import EmailServer
from tests.unit.edge.wire import HEAD, Connection, connect

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def send(connection: Connection, subject: str) -> None:
    body = b'{"from":"a@b.test","to":"c@d.test","subject":"%s","text":"t"}' % subject.encode()
    head = b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    await connection.send(HEAD + head + body)


async def test_emails_of_clients_who_left_while_they_waited_in_the_edge_are_not_sent(
    edge: str, emails: EmailServer
) -> None:
    emails.gate.clear()
    async with AsyncExitStack() as stack:
        first = [await stack.enter_async_context(connect(edge)) for _ in range(2)]
        for number, connection in enumerate(first):
            await send(connection, f"first {number}")
            await until(lambda number=number: len(emails.batches) == number + 1)
        leaving = [await stack.enter_async_context(connect(edge)) for _ in range(5)]
        for connection in leaving:
            await send(connection, "left")
        staying = await stack.enter_async_context(connect(edge))
        await send(staying, "stayed")
        await asyncio.sleep(0)
        for connection in leaving:
            connection.drop()
        # Their ends come before this one, which was sent later.
        late = await stack.enter_async_context(connect(edge))
        await send(late, "late")
        await until(lambda: emails.in_flight == 2)
        await late_is_read(edge)
        emails.gate.set()
        replies = [await connection.reply() for connection in (*first, staying, late)]
    assert [reply.status for reply in replies] == [200] * 4
    assert "left" not in [subject for call in emails.subjects for subject in call]


async def late_is_read(edge: str) -> None:
    """Returns when the edge has read all that was sent before."""
    async with connect(edge) as connection:
        await connection.send(b"GET /healthz HTTP/1.1\r\nhost: edge\r\n\r\n")
        await connection.reply()


async def test_call_of_clients_who_all_left_is_cancelled(edge: str, emails: EmailServer) -> None:
    emails.gate.clear()
    async with connect(edge) as connection:
        await send(connection, "left")
        await until(lambda: emails.in_flight == 1)
        connection.drop()
        await until(lambda: emails.in_flight == 0, within=10)


async def test_connection_goes_on_after_requests_whose_clients_waited(edge: str, emails: EmailServer) -> None:
    async with connect(edge) as connection:
        for number in range(3):
            await send(connection, f"mail {number}")
            assert (await connection.reply()).status == 200
