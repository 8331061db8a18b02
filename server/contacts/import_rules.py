"""Rules of imports: rows to contacts, as pure functions (contract rows Z-50 to Z-53)."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from server.addresses import MAX_LENGTH, NotAMailbox, mailbox
from server.contacts.rules import MAX_NAME_LENGTH, MAX_PART_LENGTH, split_name

# Bytes of a file (Z-51).
MAX_FILE_BYTES = 10 << 20
# Ends of headers of Google Contacts that stand beside an address and say what it is.
_KINDS = (" - label", " - type")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class Entry(NamedTuple):
    """A contact to import: the address as it is stored, and the two parts of its name."""

    email: str
    first_name: str
    last_name: str


class Rows(NamedTuple):
    """The rows of an import: their number, without empty ones, and the contacts of the valid ones.

    Of more rows than are wanted only the first were looked at, `read_count` of them.
    """

    row_count: int
    read_count: int
    entries: Sequence[Entry]
    email_column: str = ""
    name_column: str = ""


class Columns(NamedTuple):
    """The places of the addresses and of the names; None for no names."""

    email: int
    name: int | None


def columns_of(header: Sequence[str]) -> Columns:
    """The columns that headers name: the first with "email", else the first; the first other with "name".

    Without any "email" the first with "e-mail" has the addresses: Outlook and Google Contacts spell it so.
    """
    names = [text.casefold() for text in header]
    spelled = [place for place, text in enumerate(names) if "email" in text] or [
        place for place, text in enumerate(names) if "e-mail" in text and not text.endswith(_KINDS)
    ]
    email = next(iter(spelled), 0)
    named = (place for place, text in enumerate(names) if "name" in text and place != email)
    return Columns(email, next(named, None))


def entry(email: str, name: str) -> Entry | None:
    """The contact of a row, None if its address is not valid (`x@y.z`).

    A name of an address such as `Ada <ada@example.org>` stands in for a missing name. Long names are cut.
    """
    if "@" not in email or len(email) > MAX_LENGTH:
        return None
    try:
        box = mailbox(_CONTROLS.sub(" ", email))
    except NotAMailbox:
        return None
    if "." not in box.domain:
        return None
    parts = split_name(_CONTROLS.sub(" ", name or box.name)[:MAX_NAME_LENGTH])
    return Entry(box.key, parts.first[:MAX_PART_LENGTH], parts.last[:MAX_PART_LENGTH])


def rows_of(pairs: Iterable[tuple[str, str]], most: int | None) -> Rows:
    """The rows of addresses with names; of more than `most` only the first `most` are looked at."""
    entries: list[Entry] = []
    count = read = 0
    for email, name in pairs:
        count += 1
        if most is None or count <= most:
            read += 1
            found = entry(email, name)
            if found is not None:
                entries.append(found)
    return Rows(count, read, entries)


def rows_of_table(table: Iterable[Sequence[str]], most: int | None) -> Rows:
    """The rows of a table whose first row with any text has the headers; see `rows_of`."""
    lines = iter(table)
    header = next((line for line in lines if any(text.strip() for text in line)), ())
    columns = columns_of(header)

    def cell(line: Sequence[str], place: int | None) -> str:
        return line[place].strip() if place is not None and place < len(line) else ""

    pairs = (
        (cell(line, columns.email), cell(line, columns.name))
        for line in lines
        if any(text.strip() for text in line)
    )
    return rows_of(pairs, most)._replace(
        email_column=cell(header, columns.email), name_column=cell(header, columns.name)
    )


def without_repeats(entries: Iterable[Entry]) -> list[Entry]:
    """The first entry of each address."""
    found: dict[str, Entry] = {}
    for each in entries:
        found.setdefault(each.email, each)
    return list(found.values())
