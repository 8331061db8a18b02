"""The first sheet of an Excel workbook as a table of texts (contract row Z-50)."""

import io
from collections.abc import Iterator, Sequence

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, WorksheetNotFound, ZipError

from server.contacts.csv_table import NotATable
from server.contacts.unpacking import check_unpacked

_ZIP = b"PK\x03\x04"
# The first bytes of .xlsx (a ZIP archive) and of .xls (an OLE compound file).
BEGINNINGS = (_ZIP, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
# Cells of the smallest rectangle with all that have a value.
MAX_CELLS = 4_000_000


def table_of(content: bytes) -> Iterator[Sequence[str]]:
    """The rows of the first sheet: values, never formulas. Raises `NotATable`."""
    if content.startswith(_ZIP):
        check_unpacked(content)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheet = book.get_sheet_by_index(0)
    except PasswordError as error:
        raise NotATable("is protected by a password") from error
    except (CalamineError, WorksheetNotFound, ZipError, OSError) as error:
        raise NotATable("is no Excel workbook that can be read") from error
    if sheet.total_height * sheet.total_width > MAX_CELLS:
        raise NotATable(
            f"cannot be read: its first sheet has more than {MAX_CELLS:,} cells. Remove the columns that are "
            "not needed, and values far below or beside the others"
        )
    for row in sheet.iter_rows():
        yield [_text(value) for value in row]


def _text(value: object) -> str:
    """A cell as it is shown: Excel has no whole numbers."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
