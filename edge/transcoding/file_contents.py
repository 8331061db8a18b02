"""The contents of files, taken out of a JSON text while it arrives.

To decode a file of many megabytes at once would keep everybody else waiting. So base64, and the lists of
octets that JavaScript writes for a Buffer, are decoded chunk by chunk, and the text that is left to be parsed
names each file by a handle. Limits count the bytes of a file and not how it spells its octets (C-1).
"""

from __future__ import annotations

import re
import secrets
from binascii import a2b_base64
from collections.abc import Collection, Mapping, Sequence

import orjson

from edge.transcoding.json_value import Json
from edge.transcoding.status import Violation, invalid
from edge.transcoding.values import LINE_ENDS, URL_SAFE

_OPENING = re.compile(rb'["\[]')
# The rest of a text, up to its end or to an escape that is not whole.
_IN_TEXT = re.compile(rb'[^"\\]*(?:\\(?:[^u]|u[\da-fA-F]{4})[^"\\]*)*', re.DOTALL)
_IN_LIST = re.compile(rb"[\d,\s]*")
_QUOTE, _END_OF_LIST = ord('"'), ord("]")
_LONGEST_ESCAPE = len(rb"\u002B")

LONG_LIST = 4096
"""Characters of a list of numbers that is a file and nothing else."""

LONG_TEXT = 64 << 10
"""Characters of base64 that take time to decode."""

_LONGEST_NAME = 32


class FileContents:
    """Takes the long contents of files out of a JSON text: the values of certain names that are base64, and
    lists of octets wherever they are."""

    def __init__(self, names: Collection[str], place: str) -> None:
        """`names` are those of contents; `place` names the files for whoever wrote one wrongly."""
        self._names = {name.encode() for name in names}
        self._place = place
        # Hard to guess: no text of the sender's own may be taken for a file.
        self._handle = secrets.token_urlsafe(18)
        self._files: dict[str, Sequence[bytes] | None] = {}
        self._is_text = False
        self._list: _List | None = None
        self._base64: _Base64 | None = None
        self._held = b""
        self._last_text = b""
        self._between = b""
        self.size = 0
        """Bytes so far: those of the text, with the octets of lists as base64 would spell them."""

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
        return self._counted(parts)

    def finish(self) -> bytes:
        """The rest of a text that has ended, perhaps too early."""
        parts = [] if self._base64 is None else [self._base64.as_written()]
        parts.append(self._held if self._list is None else self._list.as_written())
        self._held, self._list, self._base64 = b"", None, None
        return self._counted(parts)

    @property
    def files(self) -> Mapping[bytes, Sequence[bytes]]:
        """The octets of the files by their handles, in pieces."""
        return {handle.encode(): file for handle, file in self._files.items() if file is not None}

    def put_back(self, json: Json) -> None:
        """Makes bytes of each handle in the parsed text, which stand for its file; an asterisk if that was no
        base64."""
        # No recursion: the text may be nested deeper than Python calls.
        within: list[Json] = [json] if self._files and type(json) in (dict, list) else []
        while within:
            node = within.pop()
            for key, value in node.items() if type(node) is dict else enumerate(node):
                if type(value) is dict or type(value) is list:
                    within.append(value)
                elif type(value) is str and value in self._files:
                    node[key] = "*" if self._files[value] is None else value.encode()

    def _counted(self, parts: list[bytes]) -> bytes:
        text = b"".join(parts)
        self.size += len(text)
        return text

    def _apart(self, file: Sequence[bytes] | None) -> bytes:
        handle = f"{self._handle}{len(self._files)}"
        self._files[handle] = file
        return b'"%b"' % handle.encode()

    def _pass_rest(self, data: bytes, at: int, parts: list[bytes]) -> int:
        opening = _OPENING.search(data, at)
        end = len(data) if opening is None else opening.start()
        parts.append(data[at:end])
        # Enough to know whether it is the colon alone.
        self._between = (self._between + data[at:end].strip())[:2]
        if opening is None:
            return end
        self._is_text = data[end] == _QUOTE
        if not self._is_text:
            self._list = _List(self._place)
        elif self._between == b":" and self._is_name(self._last_text):
            self._base64 = _Base64()
        else:
            parts.append(b'"')
        self._between = self._last_text = b""
        return end + 1

    def _is_name(self, text: bytes) -> bool:
        """True for a name of contents, and for one that is written with escapes, which may be one."""
        return text in self._names or b"\\" in text

    def _pass_text(self, data: bytes, at: int, parts: list[bytes]) -> int:
        end = _end_of_text(data, at)
        self._is_text = end == len(data) or data[end] != _QUOTE
        goes_on = len(data) - end < _LONGEST_ESCAPE
        if self._is_text and not goes_on:
            # No escape of JSON: the parser will say so.
            end += 1
        text = data[at:end]
        if self._base64 is not None:
            self.size += self._base64.take(text)
        else:
            self._last_text = (self._last_text + text[:_LONGEST_NAME])[:_LONGEST_NAME]
            parts.append(text)
        if not self._is_text:
            parts.append(b'"' if self._base64 is None else self._end_of(self._base64))
            self._base64 = None
            return end + 1
        if goes_on:
            self._held = data[end:]
            return len(data)
        return end

    def _end_of(self, base64: _Base64) -> bytes:
        return self._apart(base64.end()) if base64.is_file else base64.as_written() + b'"'

    def _take_list(self, numbers: _List, data: bytes, at: int, parts: list[bytes]) -> int:
        match = _IN_LIST.match(data, at)
        assert match is not None
        end = match.end()
        self.size += numbers.take(data[at:end])
        if numbers.is_none:
            self._list = None
            parts.append(numbers.as_written())
        elif end < len(data):
            self._list = None
            if numbers.is_file and data[end] == _END_OF_LIST:
                parts.append(self._apart(numbers.end()))
                return end + 1
            parts.append(numbers.as_written())
        return end


def _end_of_text(data: bytes, at: int) -> int:
    """The end of a text, or of the chunk, or the place of an escape that is not whole."""
    quote = data.find(b'"', at)
    end = len(data) if quote < 0 else quote
    escape = data.find(b"\\", at, end)
    if escape < 0:
        return end
    match = _IN_TEXT.match(data, escape)
    assert match is not None
    return match.end()


class _Base64:
    """A text of base64, from its quote on: as it is written while it is short, else the file."""

    def __init__(self) -> None:
        self._written = b""
        self._parts: list[bytes] = []
        self._is_padded = False
        self._is_wrong = False
        self.is_file = False

    def take(self, text: bytes) -> int:
        """Takes more of it; returns how much of the text is now part of a file."""
        if not self.is_file:
            self._written += text
            if len(self._written) <= LONG_TEXT:
                return 0
            self.is_file = True
            text, self._written = self._written, b""
        if not self._is_wrong:
            self._try(text)
        return len(text)

    def _try(self, text: bytes) -> None:
        try:
            if b"\\" in text:
                text = orjson.loads(b'"%b"' % text).encode()
            self._decode(self._written + text)
        except ValueError:
            self._is_wrong = True
            self._parts.clear()

    def _decode(self, text: bytes) -> None:
        """Decodes all whole groups of four; either alphabet, in one line or several, as the binder does."""
        whole = len(text) & ~3
        try:
            octets = a2b_base64(text[:whole], strict_mode=True)
        except ValueError:
            text = text.translate(URL_SAFE, LINE_ENDS)
            whole = len(text) & ~3
            octets = a2b_base64(text[:whole], strict_mode=True)
        if self._is_padded and octets:
            raise ValueError
        self._is_padded = self._is_padded or text[:whole].endswith(b"=")
        self._parts.append(octets)
        self._written = text[whole:]

    def end(self) -> Sequence[bytes] | None:
        """The pieces of the file; None if it is no base64."""
        rest = self._written.translate(URL_SAFE, LINE_ENDS).rstrip(b"=")
        if not self._is_wrong:
            self._try(b"=" * (-len(rest) % 4) if rest else b"")
        return None if self._is_wrong else self._parts

    def as_written(self) -> bytes:
        """A text that is short, or has no end."""
        return b'"' + self._written


class _List:
    """A list of numbers, from its bracket on: as it is written while it is short, else the file."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._written = b"["
        self._parts: list[bytes] = []
        self.is_file = False
        self.is_none = False
        """True for what is too long for a list of other things, and does not begin with two numbers."""

    def take(self, numbers: bytes) -> int:
        """Takes more of it; returns the bytes that base64 takes for what is now part of a file."""
        self._written += numbers
        if not self.is_file:
            if len(self._written) <= LONG_LIST:
                return 0
            self.is_file = b"," in self._written
            self.is_none = not self.is_file
            if self.is_none:
                return 0
            self._written = self._written[1:]
        whole, comma, self._written = self._written.rpartition(b",")
        if len(self._written) > LONG_LIST:
            raise self._wrong()
        return self._keep(whole) if comma else 0

    def end(self) -> Sequence[bytes]:
        """The pieces of the file. Raises Failure if it is none."""
        if not self._written.strip():
            raise self._wrong()
        self._keep(self._written)
        return self._parts

    def as_written(self) -> bytes:
        """A list that is none of octets, or has no end. Raises Failure if it was taken for a file."""
        if self.is_file:
            raise self._wrong()
        return self._written

    def _keep(self, numbers: bytes) -> int:
        try:
            octets = bytes(orjson.loads(b"[%b]" % numbers))
        except ValueError:
            raise self._wrong() from None
        self._parts.append(octets)
        return len(octets) * 4 // 3

    def _wrong(self) -> Exception:
        return invalid([Violation(self._place, "must hold numbers from 0 to 255")])
