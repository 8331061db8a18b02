"""A TCP forwarder on loopback whose target a test changes, as the address of a failed-over database does.

It also loses what networks lose: all of the connections that are open, or what a COMMIT should bring.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Literal, Self, TypeAlias

from sqlalchemy.engine import make_url

Port: TypeAlias = int | str
# The COMMIT never arrives, or only its answer is lost.
Lost: TypeAlias = Literal["commit", "answer"]


class Forwarder:
    """Forwards connections to `target`, a loopback port or the path of a socket; runs in a thread of its
    own."""

    def __init__(self, target: Port) -> None:
        self._target = target
        self._pairs: set[_Pair] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._losses: list[Lost] = []
        self._is_silent = False
        self._then: Port | None = None
        # The number of COMMITs that were lost.
        self.lost = 0

    def __enter__(self) -> Self:
        self._thread.start()
        opening = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(opening, self._loop).result()
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def lead_to(self, target: Port) -> None:
        """Leads new connections to another port, and breaks those that are open."""
        self._target = target
        self._loop.call_soon_threadsafe(self._break)

    def silence(self, *, new: bool = False) -> None:
        """Swallows what comes over the connections that are open, which stay so; new ones work unless they
        are silent too."""
        self._is_silent = new
        self._loop.call_soon_threadsafe(self._silence)

    def lose(self, what: Lost, times: int = 1, *, then: Port | None = None) -> None:
        """Loses this of the next COMMITs, with their connections; from then on leads new ones to `then`."""
        self._losses += [what] * times
        self._then = then

    def heal(self) -> None:
        """Loses nothing from now on."""
        self._losses.clear()

    def loss(self, data: bytes) -> Lost | None:
        """The loss that is due if a client sends these bytes."""
        if b"COMMIT\0" not in data or not self._losses:
            return None
        self.lost += 1
        if self._then is not None:
            self._target = self._then
        return self._losses.pop(0)

    async def _close(self) -> None:
        self._server.close()
        self._break()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _break(self) -> None:
        for pair in self._pairs:
            pair.abort()

    def _silence(self) -> None:
        for pair in self._pairs:
            pair.is_silent = True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if isinstance(self._target, str):
                far_reader, far_writer = await asyncio.open_unix_connection(self._target)
            else:
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        pair = _Pair(self, writer, far_writer)
        pair.is_silent = self._is_silent
        self._pairs.add(pair)
        try:
            # Cancelled at the end: a task of a stream that says so is logged as a failure.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(pair.pump(reader, far_writer), pair.pump(far_reader, writer))
        finally:
            self._pairs.discard(pair)
            pair.abort()


class _Pair:
    """A client's connection, and the one to the target."""

    def __init__(self, owner: Forwarder, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self._owner = owner
        self._near = near
        self._far = far
        self._loses_answer = False
        self.is_silent = False

    def abort(self) -> None:
        self._near.transport.abort()
        self._far.transport.abort()

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if not self.is_silent and self._passes(data, writer):
                    writer.write(data)
                    await writer.drain()
        if not self.is_silent:
            writer.transport.abort()

    def _passes(self, data: bytes, writer: asyncio.StreamWriter) -> bool:
        if writer is self._near:
            if self._loses_answer:
                self.is_silent = True
                self._near.transport.abort()
            return not self._loses_answer
        loss = self._owner.loss(data)
        self._loses_answer = loss == "answer"
        if loss == "commit":
            # The target hears no more of its client, as after a power cut.
            self.is_silent = True
            self._near.transport.abort()
        return loss != "commit"


@contextlib.contextmanager
def network_to(url: str) -> Iterator[tuple[Forwarder, str]]:
    """A forwarder to the database at a URL, and the URL that leads through it."""
    parsed = make_url(url)
    folder = parsed.query.get("host")
    port = parsed.port or 5432
    with Forwarder(f"{folder}/.s.PGSQL.{port}" if isinstance(folder, str) else port) as forwarder:
        through = parsed.difference_update_query(["host"]).set(host="127.0.0.1", port=forwarder.port)
        yield forwarder, through.render_as_string(hide_password=False)
