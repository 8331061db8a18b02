"""CSV files as spreadsheet programs and mailing services write them, as tables (contract row Z-50)."""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence

# Characters of one cell: more is a quotation mark that is never closed.
_MAX_CELL = 131_072
_SEPARATORS = ",;\t|"
# Web applications write it into files that they name .xls or .csv, and error pages are made of it.
_MARKUP = re.compile(r"\s*<(?:!doctype|\?xml|html|head|body|meta|table|div)\b", re.IGNORECASE)
# Excel's "Unicode text" is UTF-16; the longer mark comes first, as it begins with a shorter one.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class NotATable(ValueError):
    """The file holds no table that can be read; the message says why."""


def table_of(content: bytes) -> Iterator[Sequence[str]]:
    """The rows of a CSV file, empty ones among them. Raises `NotATable`."""
    text = text_of(content)
    if _MARKUP.match(text):
        raise NotATable("is HTML or XML: open it in a spreadsheet program and save it as .xlsx or CSV")
    # `str.splitlines` also divides at characters that stand within cells, such as U+2028.
    lines = list(io.StringIO(text, newline=""))
    while lines and not lines[0].strip():
        del lines[0]
    separator = separator_of(lines[0]) if lines else ","
    # Excel's own hint, which is no row.
    if lines and lines[0].strip().lower().startswith("sep=") and len(lines[0].strip()) == 5:
        separator = lines[0].strip()[4]
        del lines[0]
    return _rows(lines, separator)


def text_of(content: bytes) -> str:
    """The text of a file: by its byte-order mark, else UTF-8, else Windows-1252. Raises `NotATable`."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            try:
                return content[len(mark) :].decode(encoding)
            except UnicodeDecodeError as error:
                raise NotATable(f"is not the {encoding.upper()} that its first bytes say") from error
    if b"\x00" in content:
        raise NotATable("is neither CSV nor an Excel workbook (.xlsx or .xls)")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def separator_of(header: str) -> str:
    """The separator that stands most often in a header, outside of quotes; a comma if none does."""
    unquoted = "".join(header.split('"')[::2])
    best = max(_SEPARATORS, key=unquoted.count)
    return best if best in unquoted else ","


def _rows(lines: list[str], separator: str) -> Iterator[Sequence[str]]:
    is_at_end = False

    def each() -> Iterator[str]:
        nonlocal is_at_end
        yield from lines
        is_at_end = True

    csv.field_size_limit(_MAX_CELL)
    reader = csv.reader(each(), delimiter=separator)
    number = 0
    while True:
        number += 1
        first = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise NotATable(f"cannot be read from line {first} on: {error}") from error
        if row is None:
            return
        if is_at_end:
            # The reader ran out of lines within a row.
            raise NotATable(f"has a quotation mark in line {first} that is never closed")
        yield row
