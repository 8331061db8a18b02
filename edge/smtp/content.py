"""The message after DATA: dots removed, its end found, its lines checked; kept in memory or on disk.

It ends with `CRLF . CRLF` and with nothing else, and a CR or LF that stands alone is found (RFC 5321 section
2.3.8): no receiver behind us can find another end in it (SMTP smuggling, CVE-2023-51764). Each byte is looked
at a fixed number of times.
"""

from __future__ import annotations

import os
import tempfile

END = b"\r\n.\r\n"
# Bytes of a message that are kept in memory; more go to a file.
SPOOLED = 128 << 10
# Bytes before the message in its file, for what its reader wants to put there.
RESERVED = 16


class Content:
    """A message that arrives. `limit` is in bytes; what comes after it is read and forgotten.

    `size` counts the bytes of the message; `is_lost` is True if the disk did not take it. Close it when it is
    no longer needed.
    """

    __slots__ = (
        "_descriptor",
        "_has_bare",
        "_held",
        "_is_begun",
        "_kept",
        "_limit",
        "_spooled",
        "is_lost",
        "size",
    )

    def __init__(self, limit: int, spooled: int = SPOOLED) -> None:
        """`spooled` is the size, in bytes, from which the message is a file."""
        self._limit = limit
        self._spooled = spooled
        # The line before the first one ends here.
        self._held = b"\r\n"
        self._is_begun = False
        self._kept = bytearray()
        self._descriptor = -1
        self._has_bare = False
        self.is_lost = False
        self.size = 0

    @property
    def is_too_large(self) -> bool:
        """True if the message has more bytes than the limit."""
        return self.size > self._limit

    @property
    def has_bare_line_end(self) -> bool:
        """True if a CR or an LF stands alone in it."""
        return self._has_bare

    @property
    def is_spooled(self) -> bool:
        """True if the message is in a file."""
        return self._descriptor >= 0

    def feed(self, data: bytes) -> bytes | None:
        """Takes received bytes. Returns those after the message's end, or None while it goes on."""
        data = self._held + data
        end = data.find(END)
        if end >= 0:
            # The CRLF before the dot belongs to the message.
            self._take(data[: end + 2])
            return data[end + len(END) :]
        held = _beginning_of_end(data)
        self._held = data[len(data) - held :]
        if held < len(data):
            self._take(data[: len(data) - held])
        return None

    def _take(self, data: bytes) -> None:
        if b"\r\n." in data:
            data = data.replace(b"\r\n.", b"\r\n")
        if not self._has_bare:
            ends = data.count(b"\n")
            self._has_bare = data.count(b"\r") != ends or data.count(b"\r\n") != ends
        if not self._is_begun:
            self._is_begun = True
            data = data[2:]
        self.size += len(data)
        if self.size > self._limit or self._has_bare or self.is_lost:
            # It will be refused.
            self.close()
            return
        try:
            self._keep(data)
        except OSError:
            self.is_lost = True
            self.close()

    def _keep(self, data: bytes) -> None:
        if self._descriptor >= 0:
            _write(self._descriptor, data)
            return
        self._kept += data
        if self.size > self._spooled:
            self._spool()

    def _spool(self) -> None:
        """Moves the message to a file without a name, which is gone with its last user (C-89)."""
        with tempfile.TemporaryFile(buffering=0) as file:
            self._descriptor = os.dup(file.fileno())
        _write(self._descriptor, bytes(RESERVED))
        _write(self._descriptor, self._kept)
        self._kept = bytearray()

    def read(self, before: bytes = b"", after: bytes = b"") -> bytes:
        """The message between other bytes, at most 16 of them before it; from a file it is read in one piece.

        Raises OSError.
        """
        if self._descriptor < 0:
            return b"".join((before, self._kept, after))
        begin = RESERVED - len(before)
        os.pwrite(self._descriptor, before, begin)
        _write(self._descriptor, after)
        return os.pread(self._descriptor, len(before) + self.size + len(after), begin)

    def close(self) -> None:
        """Gives up the message and its file."""
        self._kept = bytearray()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _beginning_of_end(data: bytes) -> int:
    """The number of bytes at the end of `data` that may be the beginning of the message's end."""
    for length in range(min(len(END) - 1, len(data)), 0, -1):
        if data.endswith(END[:length]):
            return length
    return 0


def _write(descriptor: int, data: bytes | bytearray) -> None:
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, memoryview(data)[written:])
