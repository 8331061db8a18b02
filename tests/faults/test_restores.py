"""A store that is restored to an earlier time: each reader with its old cursor gets each new event once.

The events of the lost time were read before; a new event comes behind all of them.
"""

import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from tests.faults.readers import Readers
from tests.harness.cluster import Node, running_node
from tests.harness.rest import Rest
from tests.harness.stack import Stack
from tests.harness.waiting import until

pytestmark = pytest.mark.timeout(600)

Way = Literal["SQLite", "dump", "copy"]
# Mails before the backup, after it (they are lost), and after the restore: more than one page of each reader.
BEFORE, LOST, NEW = 10, 40, 20


class Store:
    """A store that can be backed up and restored, while no server runs."""

    def __init__(self, way: Way, folder: Path, node: Node | None = None, nodes: Path | None = None) -> None:
        self._way = way
        self._folder = folder
        self._node, self._nodes = node, nodes
        self._backup: Node | None = None

    @property
    def url(self) -> str | None:
        """The URL for a new stack; None for SQLite in its data directory."""
        return self._node.url if self._node else None

    def back_up(self, stack: Stack) -> None:
        """Keeps what the store holds now."""
        if self._node is None or self._nodes is None:
            copy = sqlite3.connect(self._folder / "backup.db")
            with sqlite3.connect(stack.data_dir / "zidimail.db") as source:
                source.backup(copy)
            source.close()
            copy.close()
        elif self._way == "copy":
            self._backup = self._node.copy(self._nodes / "copy")
        else:
            self._node.dump(self._folder / "dump.sql")

    def restore(self, stack: Stack) -> None:
        """Makes the stack's store what it was; that of PostgreSQL on another server."""
        if self._node is None or self._nodes is None:
            for path in stack.data_dir.glob("zidimail.db-*"):
                if path.suffix != ".lock":
                    path.unlink()
            shutil.copyfile(self._folder / "backup.db", stack.data_dir / "zidimail.db")
            return
        self._node.stop("immediate")
        node = self._backup or Node.new(self._nodes / "fresh")
        node.start()
        if self._backup is None:
            node.load(self._folder / "dump.sql")
        stack.env["ZIDIMAIL_DATABASE_URL"] = node.url


@pytest.fixture(params=["SQLite", "dump", "copy"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """SQLite, and PostgreSQL: as SQL on a fresh server, whose transaction ids start again, and as files."""
    if request.param == "SQLite":
        yield Store("SQLite", tmp_path)
        return
    with running_node() as (node, nodes):
        yield Store(request.param, tmp_path, node, nodes)


async def test_every_reader_gets_each_event_after_a_restore_once(store: Store, tmp_path: Path) -> None:
    with Stack(tmp_path / "data", database_url=store.url) as stack:
        readers = Readers(stack)
        await readers.start()
        try:
            async with Rest(stack.http, stack.api_key) as rest:
                await _send(rest, BEFORE)
                await until(lambda: not readers.behind(), message="the readers are behind")
                counted = await _counted(rest)
                stack.stop_server()
                store.back_up(stack)
                stack.start_server()
                await _send(rest, LOST)
                await until(lambda: not readers.behind(), message="the readers are behind")
                cursor = (await _page(rest, ""))["next_cursor"]
                read = set(readers.log())
                stack.stop_server()
                store.restore(stack)
                stack.start_server()
                await _send(rest, NEW)
                await until(
                    lambda: not readers.behind(), message=lambda: f"never read: {readers.behind()[:5]}"
                )
                new = [event for event in readers.log() if event not in read]
                assert len(new) == 2 * NEW
                page = await _page(rest, cursor)
                assert [event["id"] for event in page["data"]] == new
                assert readers.streamed()[-len(new) :] == new
                assert Counter(readers.streamed()).most_common(1)[0][1] == 1
                called = Counter(readers.called())
                assert {called[event] for event in new} == {1}
                await until(lambda: _has(rest, counted + NEW), message="mail is counted twice, or not at all")
        finally:
            await readers.stop()


async def _send(rest: Rest, count: int) -> None:
    for number in range(count):
        body = {
            "from": "shop@mail.example.com",
            "to": [f"ada{number}@receiver.test"],
            "subject": "Receipt",
            "text": "Thanks",
        }
        answer = await rest.post("/v1/emails", body)
        assert answer.status == 200, answer


async def _page(rest: Rest, after: str) -> dict[str, object]:
    query = f"?limit=100&after={after}" if after else "?limit=100"
    answer = await rest.get(f"/v1/events{query}")
    assert answer.status == 200, answer
    body: dict[str, object] = answer.body
    return body


async def _counted(rest: Rest) -> int:
    answer = await rest.get("/v1/emails/stats")
    return int(answer.body["totals"]["sent"])


async def _has(rest: Rest, count: int) -> bool:
    return await _counted(rest) == count
