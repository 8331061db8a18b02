"""Files that are written as lists of numbers: made short while a body arrives.

JavaScript writes the bytes of a file as `[80, 75, 3, …]` (a Buffer), which is three times as long as base64.
Limits count the bytes of a file and not its spelling (C-1): a long list is written as base64 before the body
is held or parsed.
"""

from __future__ import annotations

import re
from binascii import b2a_base64

import orjson

from edge.transcoding.status import Violation, invalid

_OPENING = re.compile(rb'["\[]')
# The rest of a text, up to its end or a backslash whose second character is yet to come.
_IN_TEXT = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_IN_LIST = re.compile(rb"[\d,\s]*")
_QUOTE, _END_OF_LIST = ord('"'), ord("]")

LONG_LIST = 4096
"""Characters of a list of numbers that is a file and nothing else."""


class OctetLists:
    """Writes each long list of numbers in a JSON text as base64, and everything else as it is."""

    def __init__(self, field: str) -> None:
        """`field` names the files for whoever wrote one wrongly."""
        self._field = field
        self._is_text = False
        self._list: _List | None = None
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """The next part of the text. Raises Failure (VALIDATION_FAILED) for a list that holds no octets."""
        data = self._held + chunk if self._held else chunk
        self._held = b""
        parts: list[bytes] = []
        at = 0
        while at < len(data):
            if self._is_text:
                at = self._pass_text(data, at, parts)
            elif self._list is not None:
                at = self._take_list(self._list, data, at, parts)
            else:
                at = self._pass_rest(data, at, parts)
        return b"".join(parts)

    def finish(self) -> bytes:
        """The rest of a text that has ended, perhaps too early."""
        rest = self._held if self._list is None else self._list.as_written()
        self._held, self._list = b"", None
        return rest

    def _pass_rest(self, data: bytes, at: int, parts: list[bytes]) -> int:
        opening = _OPENING.search(data, at)
        if opening is None:
            parts.append(data[at:])
            return len(data)
        self._is_text = data[opening.start()] == _QUOTE
        if self._is_text:
            parts.append(data[at : opening.end()])
        else:
            parts.append(data[at : opening.start()])
            self._list = _List(self._field)
        return opening.end()

    def _pass_text(self, data: bytes, at: int, parts: list[bytes]) -> int:
        match = _IN_TEXT.match(data, at)
        assert match is not None
        end = match.end()
        if end < len(data) and data[end] == _QUOTE:
            self._is_text = False
            end += 1
        parts.append(data[at:end])
        if self._is_text:
            # A backslash may end the chunk.
            self._held = data[end:]
            return len(data)
        return end

    def _take_list(self, numbers: _List, data: bytes, at: int, parts: list[bytes]) -> int:
        match = _IN_LIST.match(data, at)
        assert match is not None
        end = match.end()
        parts.append(numbers.take(data[at:end]))
        if numbers.is_none:
            self._list = None
            parts.append(numbers.as_written())
        elif end < len(data):
            self._list = None
            if numbers.is_file and data[end] == _END_OF_LIST:
                parts.append(numbers.end())
                return end + 1
            parts.append(numbers.as_written())
        return end


class _List:
    """A list of numbers, from its bracket on: as it is written while it is short, else as base64."""

    def __init__(self, field: str) -> None:
        self._field = field
        self._written = b"["
        self._octets = b""
        self.is_file = False
        self.is_none = False
        """True for what is too long for a list of other things, and does not begin with two numbers."""

    def take(self, numbers: bytes) -> bytes:
        """Takes more of it; returns what is known of a file."""
        self._written += numbers
        begin = b""
        if not self.is_file:
            if len(self._written) <= LONG_LIST:
                return b""
            self.is_file = b"," in self._written
            self.is_none = not self.is_file
            if self.is_none:
                return b""
            self._written = self._written[1:]
            begin = b'"'
        whole, comma, self._written = self._written.rpartition(b",")
        if comma:
            self._octets += self._octets_of(whole)
        if len(self._written) > LONG_LIST:
            raise self._wrong()
        # Three octets are four characters.
        ready = len(self._octets) // 3 * 3
        encoded = b2a_base64(self._octets[:ready], newline=False)
        self._octets = self._octets[ready:]
        return begin + encoded

    def end(self) -> bytes:
        """The end of a file."""
        if not self._written.strip():
            raise self._wrong()
        return b2a_base64(self._octets + self._octets_of(self._written), newline=False) + b'"'

    def as_written(self) -> bytes:
        """A list that is none of octets, or has no end. Raises Failure if it was taken for a file."""
        if self.is_file:
            raise self._wrong()
        return self._written

    def _octets_of(self, numbers: bytes) -> bytes:
        try:
            return bytes(orjson.loads(b"[%b]" % numbers))
        except ValueError:
            raise self._wrong() from None

    def _wrong(self) -> Exception:
        return invalid([Violation(self._field, "must hold numbers from 0 to 255")])
