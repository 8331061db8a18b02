"""Files of contacts read by their own process, workbooks and hostile ones among them (contract row Z-50)."""

import asyncio
import io
import struct
import zipfile
from collections.abc import Callable, Sequence

import openpyxl
import pytest
import xlwt

from server.contacts.files import FileReader
from server.contacts.import_rules import Entry
from server.faults import ValidationFailed
from server.owner import working_for

Cell = str | int | float | None
TABLE: Sequence[Sequence[Cell]] = [
    ["Id", "Name", "E-mail", "Email Address"],
    [1, "José Núñez", "x", "Jose@Example.org"],
    [2, 7, "x", "seven@example.org"],
    [3, None, None, "nobody"],
    [None, None, None, None],
    [4, None, None, "nameless@example.org"],
]
ENTRIES = [
    Entry("jose@example.org", "José", "Núñez"),
    Entry("seven@example.org", "7", ""),
    Entry("nameless@example.org", "", ""),
]


def xlsx(table: Sequence[Sequence[Cell]]) -> bytes:
    """A workbook as Excel of today writes it, with a second sheet that must not be read."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in table:
        sheet.append(list(row))
    book.create_sheet("Other").append(["second@example.org"])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def xls(table: Sequence[Sequence[Cell]]) -> bytes:
    """A workbook as Excel before 2007 wrote it."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("First")
    for number, row in enumerate(table):
        for place, value in enumerate(row):
            sheet.write(number, place, value)
    book.add_sheet("Other").write(0, 0, "second@example.org")
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def csv(table: Sequence[Sequence[Cell]]) -> bytes:
    """A file with semicolons, as Excel writes it where the comma is the decimal sign."""
    lines = [";".join("" if value is None else str(value) for value in row) for row in table]
    return "\r\n".join(lines).encode("cp1252")


@pytest.mark.parametrize("write", [xlsx, xls, csv])
async def test_files_of_all_kinds_are_read_alike(write: Callable[[Sequence[Sequence[Cell]]], bytes]) -> None:
    rows = await FileReader().rows(write(TABLE), None)
    assert rows.entries == ENTRIES
    assert (rows.row_count, rows.read_count) == (4, 4)
    assert (rows.email_column, rows.name_column) == ("Email Address", "Name")


async def test_first_rows_alone_are_read() -> None:
    """C-65."""
    rows = await FileReader().rows(xlsx(TABLE), 2)
    assert (rows.row_count, rows.read_count, list(rows.entries)) == (4, 2, ENTRIES[:2])


async def test_formulas_are_never_evaluated() -> None:
    """Z-50: values only. This writer stores no results, so such cells are empty."""
    table = [["Email", "Name"], ["a@example.org", "=1+1"], ['=CONCAT("b","@example.org")', "B"]]
    rows = await FileReader().rows(xlsx(table), None)
    assert list(rows.entries) == [Entry("a@example.org", "", "")]


def bomb() -> bytes:
    """A workbook of less than 10 MiB whose sheet has 900 MB of cells when it is unpacked."""
    plain = zipfile.ZipFile(io.BytesIO(xlsx([["Email"], ["a@example.org"]])))
    content = io.BytesIO()
    row = b'<row r="%d"><c r="A%d" t="inlineStr"><is><t>' + b"x" * 30_000 + b"</t></is></c></row>"
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for name in plain.namelist():
            if name != "xl/worksheets/sheet1.xml":
                packed.writestr(name, plain.read(name))
        with packed.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">')
            sheet.write(b"<sheetData>")
            for number in range(1, 30_000):
                sheet.write(row % (number, number))
            sheet.write(b"</sheetData></worksheet>")
    return content.getvalue()


def understating() -> bytes:
    """The same, which declares that its sheet has 1000 bytes."""
    content = bytearray(bomb())
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        true = packed.getinfo("xl/worksheets/sheet1.xml").file_size
    at = content.rindex(struct.pack("<L", true))
    content[at : at + 4] = struct.pack("<L", 1000)
    return bytes(content)


def sparse() -> bytes:
    """A sheet of two cells, with more than four million places between them."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A1"], sheet["ZZ20000"] = "Email", "x"
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def unlisted() -> bytes:
    """A ZIP archive that is no workbook."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("word/document.xml", "<a/>")
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lambda: xlsx(TABLE)[:-200], id="truncated workbook"),
        pytest.param(lambda: xls(TABLE)[:1000], id="truncated old workbook"),
        pytest.param(unlisted, id="other archive"),
        pytest.param(lambda: b"PK\x03\x04" + bytes(1000), id="no archive"),
        pytest.param(lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 5000, id="no compound file"),
        pytest.param(bomb, id="bomb"),
    ],
)
async def test_damaged_and_hostile_workbooks_are_refused(content: Callable[[], bytes]) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await FileReader().rows(content(), None)
    [violation] = refused.value.violations
    assert violation.field == "content"
    assert "read" in violation.description


@pytest.mark.parametrize("content", [bomb, understating], ids=lambda content: content.__name__)
async def test_bomb_is_refused_before_it_is_unpacked(content: Callable[[], bytes]) -> None:
    """By its size, not by the time that it takes."""
    with pytest.raises(ValidationFailed, match="128 MiB when it is unpacked"):
        await FileReader().rows(content(), None)


async def test_sheet_with_too_many_cells_is_refused() -> None:
    """Empty ones between the others count: they cost as much."""
    with pytest.raises(ValidationFailed, match="more than 4,000,000 cells"):
        await FileReader().rows(sparse(), None)


async def test_large_sheet_of_equal_cells_is_read() -> None:
    """It is 20 times as large when it is unpacked, as real ones may be."""
    table = [["Email"], *([f"person{number}@example.org", *["same text"] * 10] for number in range(20_000))]
    assert (await FileReader().rows(xlsx(table), None)).row_count == 20_000


async def test_organisations_take_turns() -> None:
    """The files of one do not hold up those of others: it has one of the two places."""
    reader, order = FileReader(), list[str]()

    async def read(owner: str) -> None:
        with working_for(owner):
            await reader.rows(csv(TABLE), None)
        order.append(owner)

    await asyncio.gather(*(read("many") for _ in range(6)), read("one"))
    assert order.index("one") < 3, order


async def test_reader_has_no_secret_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZIDIMAIL_SECRET", "x" * 40)
    monkeypatch.setenv("PYTHONINSPECT", "1")
    assert (await FileReader().rows(csv(TABLE), None)).row_count == 4
