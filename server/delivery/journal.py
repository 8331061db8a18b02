"""A journal on the local disk around the final dot, so that a crash loses no receiver's reply.

RFC 1047: between a receiver's acceptance and our record of it lies a gap that nobody can close. The
journal makes it small and visible. Each engine writes its own folder under `DATA_DIR/journal/`, named by
its id and locked while it lives, with files of one record per line: a checksum, a space, and JSON.

| Record | Written |
|---|---|
| `{"prepare": keys}` | before messages are built and signed |
| `{"prepared": keys}` | after that: a message that kills its deliverer is found between the two |
| `{"dot": keys}` | on disk (fsync) before the dot that ends the message for these recipients |
| `{"done": settlements}` | when the reply to it was read |
| `{"undone": keys}` | when the dot was not sent after all |

Whoever takes over the leases of an engine that is gone reads its journal first (`Abandoned`): `done` is
what happened; a `dot` without it is uncertain; all else was not sent. Records of rows that the store has
settled meanwhile do no harm, since they carry a token that no row has. A torn last line is no record.
"""

import asyncio
import contextlib
import fcntl
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import structlog

from server.delivery.record import Settlement
from server.queue.rows import LeaseKey

# A file this large (bytes) is followed by the next; it is removed when the store has all that it says.
SEGMENT_BYTES = 4 * 2**20
_LOCK = "lock"
_log = structlog.get_logger()


@dataclass(slots=True)
class _Segment:
    path: Path
    descriptor: int
    size: int = 0
    # True while a dot in it is not synced yet.
    dirty: bool = False
    # Rows whose `dot` stands here and which the store has not settled yet.
    open: set[LeaseKey] = field(default_factory=set)


class Journal:
    """The journal of one engine, in files of about `segment_bytes`.

    Used from one event loop; only `fsync` happens in a thread.
    """

    def __init__(self, folder: Path, owner: str, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._segment_bytes = segment_bytes
        self._path = folder / owner
        self._lock = _new_lock(self._path)
        self._segments: list[_Segment] = []
        self._number = 0
        self._where: dict[LeaseKey, _Segment] = {}
        self._done: set[LeaseKey] = set()
        self._unsynced: list[asyncio.Future[None]] = []
        self._syncing: asyncio.Task[None] | None = None
        self._next_segment()
        _sync_folder(self._path)
        _sync_folder(folder)

    def preparing(self, keys: Sequence[LeaseKey]) -> None:
        """The messages for these rows are about to be built."""
        self._append({"prepare": keys})

    def prepared(self, keys: Sequence[LeaseKey]) -> None:
        """The messages for these rows were built, or failed to be, without harm."""
        self._append({"prepared": keys})

    async def dot(self, keys: Sequence[LeaseKey]) -> None:
        """Returns when it is on disk that the message is about to be sent to these recipients.

        All who wait at the same time share one fsync. Raises OSError if the disk does not take it: then
        the dot must not be sent.
        """
        segment = self._append({"dot": keys})
        segment.dirty = True
        segment.open.update(keys)
        self._where.update((key, segment) for key in keys)
        written = asyncio.get_running_loop().create_future()
        self._unsynced.append(written)
        if self._syncing is None:
            self._syncing = asyncio.create_task(self._sync())
        try:
            await written
        except BaseException:
            # The records may have reached the disk; no dot was sent, so either state is correct.
            self.undone(keys)
            raise

    def done(self, settlements: Sequence[Settlement]) -> None:
        """The reply was read, and this is what it means. No fsync: without this record it is uncertain."""
        self._done.update(settlement.key for settlement in settlements)
        with contextlib.suppress(OSError):
            self._append({"done": settlements})

    def undone(self, keys: Sequence[LeaseKey]) -> None:
        """The dot was not sent after all."""
        with contextlib.suppress(OSError):
            self._append({"undone": keys})
        self.committed(keys)

    def is_uncertain(self, key: LeaseKey) -> bool:
        """True if the message may have been sent to this recipient, and no reply was recorded."""
        return key in self._where and key not in self._done

    def committed(self, keys: Iterable[LeaseKey]) -> None:
        """The store has settled these rows: their records are of no further use."""
        for key in keys:
            self._done.discard(key)
            segment = self._where.pop(key, None)
            if segment is not None:
                segment.open.discard(key)
        while len(self._segments) > 1 and not self._segments[0].open:
            finished = self._segments.pop(0)
            os.close(finished.descriptor)
            finished.path.unlink(missing_ok=True)

    async def close(self) -> None:
        """Closes the journal, and removes it unless something in it is still of use."""
        if self._syncing is not None:
            await self._syncing
        keep = bool(self._where)
        for segment in self._segments:
            os.close(segment.descriptor)
        if not keep:
            shutil.rmtree(self._path, ignore_errors=True)
        os.close(self._lock)

    def _append(self, record: Mapping[str, object]) -> _Segment:
        segment = self._segments[-1]
        if segment.size >= self._segment_bytes:
            segment = self._next_segment()
        line = _line(record)
        if os.write(segment.descriptor, line) != len(line):
            # The disk is full. A torn line in the middle would be skipped by a reader, but not mistaken.
            os.write(segment.descriptor, b"\n")
            raise OSError("the journal could not be written completely")
        segment.size += len(line)
        return segment

    def _next_segment(self) -> _Segment:
        self._number += 1
        path = self._path / f"{self._number:08d}.log"
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._segments.append(_Segment(path, descriptor))
        if self._number > 1:
            _sync_folder(self._path)
            self.committed(())
        return self._segments[-1]

    async def _sync(self) -> None:
        while self._unsynced:
            waiting, self._unsynced = self._unsynced, []
            # Copies, as a segment may be finished and closed meanwhile.
            descriptors = [os.dup(segment.descriptor) for segment in self._segments if segment.dirty]
            for segment in self._segments:
                segment.dirty = False
            try:
                await asyncio.to_thread(_sync_all, descriptors)
            except OSError as error:
                _log.exception("the journal could not be written to disk")
                for written in waiting:
                    if not written.done():
                        written.set_exception(error)
            else:
                for written in waiting:
                    if not written.done():
                        written.set_result(None)
        self._syncing = None


@dataclass(slots=True)
class Abandoned:
    """The rows that an ended engine held, sorted by the records of its journal."""

    path: Path
    lock: int | None
    preparing: set[LeaseKey] = field(default_factory=set)
    uncertain: set[LeaseKey] = field(default_factory=set)
    done: dict[LeaseKey, Settlement] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        """The id of the engine that wrote it."""
        return self.path.name

    def remove(self) -> None:
        """Removes the journal: the store has what it said."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.leave()

    def leave(self) -> None:
        """Unlocks the journal, for whoever takes it over next."""
        if self.lock is not None:
            os.close(self.lock)
            self.lock = None

    def _read(self, file: Path) -> None:
        for record in _records(file):
            keys = {LeaseKey(*key) for key in record.get("prepare", ())}
            self.preparing |= keys
            self.preparing -= {LeaseKey(*key) for key in record.get("prepared", ())}
            self.uncertain |= {LeaseKey(*key) for key in record.get("dot", ())}
            self.uncertain -= {LeaseKey(*key) for key in record.get("undone", ())}
            for values in record.get("done", ()):
                settlement = Settlement(**values | {"key": LeaseKey(*values["key"])})
                self.uncertain.discard(settlement.key)
                self.done[settlement.key] = settlement


def abandoned(folder: Path) -> Iterator[Abandoned]:
    """The journals of engines that are gone, each locked until it is removed or its lock is closed."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        lock = _lock_of(path)
        if lock is None:
            continue
        journal = Abandoned(path, lock)
        for file in sorted(path.glob("*.log")):
            journal._read(file)
        yield journal


def _new_lock(path: Path) -> int:
    """The lock of a new journal, held."""
    while True:
        path.mkdir(parents=True, exist_ok=True)
        lock = os.open(path / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (path / _LOCK).exists():
            return lock
        os.close(lock)  # another process took it for abandoned before we had locked it


def _lock_of(path: Path) -> int | None:
    """The lock of an abandoned journal; None if its engine lives, or another process reads it."""
    try:
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    if not (path / _LOCK).exists():  # removed by whoever held the lock before us
        os.close(lock)
        return None
    return lock


def _records(file: Path) -> Iterator[dict[str, Any]]:  # JSON, which `_read` makes keys and settlements of
    for line in file.read_bytes().split(b"\n"):
        checksum, separator, content = line.partition(b" ")
        if separator and checksum == b"%08x" % zlib.crc32(content):
            yield orjson.loads(content)
        elif line:
            _log.warning("a line of the journal is no record", file=str(file), length=len(line))


def _line(record: Mapping[str, object]) -> bytes:
    content = orjson.dumps(record, default=list)  # a key is a named tuple
    return b"%08x %s\n" % (zlib.crc32(content), content)


def _sync_all(descriptors: Sequence[int]) -> None:
    try:
        for descriptor in descriptors:
            os.fdatasync(descriptor)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _sync_folder(path: Path) -> None:
    """Makes a new file of the folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
