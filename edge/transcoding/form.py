"""Forms with a file (multipart/form-data, RFC 7578), read while they arrive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlencode

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from edge.transcoding.status import Failure, Violation, invalid

MEDIA_TYPE = b"multipart/form-data"
# The texts of a form beside its file: their bytes, and the number of its parts.
MAX_TEXT_BYTES = 64 * 1024
MAX_PARTS = 32
_MAX_BOUNDARY = 70


def boundary_of(content_type: bytes) -> bytes | None:
    """The boundary of a form, None for a body of another type. Raises Failure for a form without one."""
    media_type, options = parse_options_header(content_type)
    if media_type.lower() != MEDIA_TYPE:
        return None
    boundary = options.get(b"boundary", b"")
    if not 1 <= len(boundary) <= _MAX_BOUNDARY:
        raise _malformed("must be a form whose Content-Type names a boundary of 1 to 70 characters")
    return boundary


class Form:
    """A form of which one field is a file, and all others are short texts."""

    def __init__(self, boundary: bytes, file: str) -> None:
        """`file` is the name of the field with the file."""
        self._file = file
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, start, end: self._add(self._header, data[start:end]),
                "on_header_value": lambda data, start, end: self._add(self._value, data[start:end]),
                "on_header_end": self._end_header,
                "on_headers_finished": self._end_headers,
                "on_part_data": lambda data, start, end: self._target.append(data[start:end]),
                "on_part_end": self._end,
                "on_end": self._finish,
            },
        )
        self._fields: list[tuple[str, bytes]] = []
        self._contents: list[bytes] = []
        self._target: list[bytes] = []
        self._header = bytearray()
        self._value = bytearray()
        self._name = ""
        self._parts = self._text_bytes = 0
        self._has_file = self._is_complete = False

    async def file(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The parts of the file, none of them empty. Raises Failure for a form that is malformed."""
        async for chunk in chunks:
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise _malformed("is no multipart/form-data (RFC 7578)") from error
            if contents := b"".join(self._contents):
                yield contents
            self._contents.clear()
        if not self._is_complete:
            raise _malformed("ends before its last boundary")
        if not self._has_file:
            raise invalid([Violation(self._file, "is required: a file in the form")])

    @property
    def query(self) -> bytes:
        """The texts of the form in the form of a query; complete after the last part of the file."""
        return urlencode([(name, value) for name, value in self._fields if value]).encode()

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise _malformed(f"has more than {MAX_PARTS} parts")
        self._name = ""
        self._target = []

    def _add(self, text: bytearray, data: bytes) -> None:
        text += data

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            self._name = options.get(b"name", b"").decode("utf-8", "replace")
        self._header.clear()
        self._value.clear()

    def _end_headers(self) -> None:
        if self._name == self._file:
            if self._has_file:
                raise invalid([Violation(self._file, "must be one file only")])
            self._has_file = True
            self._target = self._contents

    def _end(self) -> None:
        if self._target is not self._contents:
            value = b"".join(self._target)
            self._text_bytes += len(value)
            if self._text_bytes > MAX_TEXT_BYTES:
                raise _malformed(f"has more than {MAX_TEXT_BYTES} bytes beside the file")
            self._fields.append((self._name, value))
        self._target = []

    def _finish(self) -> None:
        self._is_complete = True


def _malformed(reason: str) -> Failure:
    return invalid([Violation("body", reason)])
