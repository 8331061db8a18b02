"""Streams of sends to lists, on both engines (contract row Z-55)."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import delete

from server.contacts.list_sender import CHUNK
from server.contacts.send_watchers import SendWatchers
from server.db.database import Database
from server.db.tables.contacts import contact_list_sends
from server.db.tx import Tx
from server.db.writer import Writer
from tests.store.accepting import CALLER
from tests.store.list_mailing import Mailing


class Watching:
    """One stream, and what it has shown: states with the numbers of emails."""

    def __init__(self, mailing: Mailing, watchers: SendWatchers) -> None:
        self._mailing = mailing
        self._watchers = watchers
        self.shown: list[tuple[str, int]] = []

    async def watch(self, id: str) -> "Watching":
        """Begins to watch."""
        row = await self._mailing.get(id)
        self.shown.append((row.status, row.accepted_count))

        async def read() -> None:
            async for changed in self._watchers.changes(row):
                self.shown.append((changed.status, changed.accepted_count))

        self._task = asyncio.create_task(read())
        # It waits for its first change.
        await asyncio.sleep(0)
        return self

    async def step(self) -> None:
        """Hands over what has changed, and lets the stream read it."""
        await self._watchers.step()
        for _ in range(3):
            await asyncio.sleep(0)

    async def end(self) -> None:
        """Waits for the end of the stream."""
        async with asyncio.timeout(10):
            await self._task


@pytest.fixture
async def mailing(database: Database, writer: Writer) -> Mailing:
    """An organisation whose list has as many members as three steps take."""
    mailing = await Mailing(database, writer).open()
    await mailing.members(*(f"user-{number:03}" for number in range(2 * CHUNK + 5)))
    return mailing


@pytest.fixture
async def watchers(database: Database) -> AsyncIterator[SendWatchers]:
    """The streams of a process, read by the tests' own steps."""
    watchers = SendWatchers(database)
    yield watchers
    await watchers.stop()


async def test_stream_shows_each_step_and_ends_with_the_send(
    mailing: Mailing, watchers: SendWatchers
) -> None:
    id = await mailing.begin()
    stream = await Watching(mailing, watchers).watch(id)
    for _ in range(3):
        await mailing.sender.step()
        await stream.step()
        # Nothing has changed.
        await stream.step()
    await stream.end()
    assert stream.shown == [
        ("sending", 0),
        ("sending", CHUNK),
        ("sending", 2 * CHUNK),
        ("completed", 2 * CHUNK + 5),
    ]


async def test_stream_that_was_too_slow_shows_the_last_change(
    mailing: Mailing, watchers: SendWatchers
) -> None:
    stream = await Watching(mailing, watchers).watch(await mailing.begin())
    await mailing.work()
    await stream.step()
    await stream.end()
    assert stream.shown == [("sending", 0), ("completed", 2 * CHUNK + 5)]


async def test_canceling_ends_every_stream_of_the_send(mailing: Mailing, watchers: SendWatchers) -> None:
    id = await mailing.begin()
    streams = [await Watching(mailing, watchers).watch(id) for _ in range(2)]
    await mailing.sends.cancel(CALLER.org_id, id)
    await streams[0].step()
    for stream in streams:
        await stream.end()
        assert stream.shown[-1] == ("canceled", 0)


async def test_send_that_has_ended_has_no_stream(mailing: Mailing, watchers: SendWatchers) -> None:
    id = await mailing.begin()
    await mailing.work()
    stream = await Watching(mailing, watchers).watch(id)
    await stream.end()
    assert stream.shown == [("completed", 2 * CHUNK + 5)]


async def test_stream_ends_when_the_server_stops_or_the_send_is_gone(
    mailing: Mailing, watchers: SendWatchers
) -> None:
    gone, kept = await mailing.begin(), await mailing.begin()
    streams = [await Watching(mailing, watchers).watch(id) for id in (gone, kept)]
    this = contact_list_sends.c.org_id == CALLER.org_id, contact_list_sends.c.id == gone
    await mailing.writer.run(Tx.change, delete(contact_list_sends).where(*this))
    await streams[0].step()
    await streams[0].end()
    await watchers.stop()
    await streams[1].end()
    assert [stream.shown for stream in streams] == [[("sending", 0)]] * 2


async def test_one_statement_reads_all_that_is_watched_and_none_reads_nothing(
    mailing: Mailing, watchers: SendWatchers
) -> None:
    reads = 0
    read = mailing.database.read

    async def counted(*arguments: object) -> object:
        nonlocal reads
        reads += 1
        return await read(*arguments)  # type: ignore[arg-type]

    watchers._database.read = counted  # type: ignore[assignment,method-assign]
    await watchers.step()
    assert reads == 0
    streams = [await Watching(mailing, watchers).watch(await mailing.begin()) for _ in range(5)]
    reads = 0
    await watchers.step()
    assert reads == 1
    await watchers.stop()
    for stream in streams:
        await stream.end()
