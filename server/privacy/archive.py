"""Forms of an export on their way out: lines of JSON, or an archive of them with tables as CSV."""

import csv
import gzip
import io
import zipfile
from typing import Any

import orjson

from server.privacy.sections import BY_NAME

# A cell that begins so is a formula to spreadsheets (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def lines_of(content: bytes) -> bytes:
    """The lines of a part."""
    return gzip.decompress(content)


def cell(value: Any) -> str:
    """A value as a cell of a CSV file: one that a spreadsheet would compute gets a quote before it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_head(section: str) -> bytes:
    """The first line of a table."""
    return _csv([BY_NAME[section].names])


def csv_lines(section: str, lines: bytes) -> bytes:
    """Lines of JSON as lines of the table."""
    names = BY_NAME[section].names
    rows = map(orjson.loads, lines.splitlines())
    return _csv([[cell(row[name]) for name in names] for row in rows])


def _csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue().encode()


class Archive:
    """A ZIP file that is written from its beginning to its end; each method returns what it adds."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._file = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_DEFLATED)

    def begin(self, name: str) -> None:
        """Begins a file."""
        self._entry = self._file.open(name, "w", force_zip64=True)

    def add(self, content: bytes) -> bytes:
        """Adds to the file."""
        self._entry.write(content)
        return self._sink.taken()

    def finish(self) -> bytes:
        """Ends the file."""
        self._entry.close()
        return self._sink.taken()

    def end(self) -> bytes:
        """Ends the archive with its directory."""
        self._file.close()
        return self._sink.taken()


class _Sink(io.RawIOBase):
    """Keeps what is written until it is taken; without places to go back to, as a connection."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self._kept += content
        return len(content)

    def taken(self) -> bytes:
        """All that was written since it was called before."""
        kept = bytes(self._kept)
        self._kept.clear()
        return kept
