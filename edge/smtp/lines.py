"""Command lines, cut out of the bytes that come. No I/O."""

from __future__ import annotations

from collections.abc import Iterator

from edge.smtp.authentication import LINE_OCTETS
from edge.smtp.replies import refusal


class Lines:
    """Bytes that were received and not read yet."""

    __slots__ = ("_at", "_data", "_is_passing_over")

    def __init__(self) -> None:
        self._data = b""
        self._at = 0
        # The rest of a line that is too long is passed over.
        self._is_passing_over = False

    def __len__(self) -> int:
        return len(self._data) - self._at

    def feed(self, data: bytes) -> None:
        """Adds received bytes."""
        self._data = self._data[self._at :] + data if self._at < len(self._data) else data
        self._at = 0

    def take(self) -> bytes:
        """Takes all bytes."""
        data = self._data[self._at :] if self._at else self._data
        self._data = b""
        self._at = 0
        return data

    def next(self) -> bytes | None:
        """The next line without its end; None if it is not complete.

        Raises Refusal (500) for one that is too long, or ends with an LF alone, or has a CR in it.
        """
        end = self._data.find(b"\n", self._at)
        if end < 0:
            if self._is_passing_over or len(self) > LINE_OCTETS:
                self._is_passing_over = True
                self.take()
            return None
        line = self._data[self._at : end]
        self._at = end + 1
        if self._is_passing_over or len(line) > LINE_OCTETS:
            self._is_passing_over = False
            raise refusal(500, "5.5.6", f"The line is too long: at most {LINE_OCTETS} octets are read.")
        if line[-1:] != b"\r" or b"\r" in line[:-1]:
            raise refusal(500, "5.5.2", "A CR or LF stands alone: a command ends with CRLF.")
        return line[:-1]

    def ahead(self) -> Iterator[bytes]:
        """The complete lines that come next, which stay."""
        at = self._at
        while (end := self._data.find(b"\r\n", at)) >= 0:
            yield self._data[at:end]
            at = end + 2
