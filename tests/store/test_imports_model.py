"""Model test of imports (Z-50 to Z-54): any file, interrupted and repeated in any order, on both engines.

The store equals a dictionary of contacts and a set of members for each list; the numbers of every import add
up, and no contact is lost or doubled.
"""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from server.contacts import csv_table, imports, lists, store
from server.contacts.faults import ContactImportTooLarge, ContactListLimitReached
from server.contacts.import_rules import Rows, rows_of_table
from server.contacts.imports import Importer, Outcome, Target
from server.contacts.store import Changes
from server.db.writer import Writer
from server.faults import Unavailable
from server.ids import new_id
from server.work.notifier import Notifier
from tests.harness.clock import START_MS, ManualClock
from tests.store.machines import Store, StoreMachine, explore, with_time_to_shorten
from tests.store.shop import Shop

# Small, so that short files need several transactions.
CHUNK = 3
CONTACTS, ROWS, LISTS = 12, 12, 3
ADDRESSES = [f"user-{number}@receiver.test" for number in range(18)]
# As people write them: each is the same address.
SPELLINGS: Sequence[Callable[[str], str]] = (
    str,
    str.upper,
    "  {} ".format,
    "<{}>".format,
)
INVALID = ("", "nobody", "user@", "@receiver.test", "user@host", "a b@receiver.test", "a@receiver..test")
NAMES = st.one_of(
    st.sampled_from(["", "Ada", "Ada Lovelace", "Ludwig van  Beethoven", '"Bob", the; Builder', "O'Neill|x"]),
    st.text(alphabet="aé ,;|\"'\t\n", max_size=8),
)
HEADERS = (("Email", "Name"), ("Your EMAIL address", "first name"), ("Contact", "Username"))


class Line(NamedTuple):
    """A row of a file: its address, None for an invalid one, as it is written, and the name."""

    address: str | None
    written: str
    name: str

    @property
    def parts(self) -> tuple[str, str]:
        """The two parts of the name."""
        first, _, last = " ".join(self.name.split()).partition(" ")
        return first, last


VALID = st.builds(
    lambda address, spelling, name: Line(address, spelling(address), name),
    st.sampled_from(ADDRESSES),
    st.sampled_from(SPELLINGS),
    NAMES,
)
WRONG = st.builds(lambda written, name: Line(None, written, name), st.sampled_from(INVALID), NAMES)
LINES = st.lists(st.one_of(VALID, VALID, VALID, WRONG), max_size=ROWS + 2)


@dataclass(frozen=True)
class File:
    """A file of contacts: its lines, and the form in which it was saved."""

    lines: Sequence[Line]
    header: tuple[str, str]
    separator: str
    encoding: str
    blank: bool

    @property
    def content(self) -> bytes:
        """The bytes of the file."""
        text = io.StringIO()
        writer = csv.writer(text, delimiter=self.separator)
        writer.writerow([*self.header, "Other"])
        for line in self.lines:
            writer.writerow([line.written, line.name, "x"])
            if self.blank:
                writer.writerow(["", " ", ""])
        return text.getvalue().encode(self.encoding)

    @property
    def firsts(self) -> dict[str, Line]:
        """The first line of each address, in order."""
        found: dict[str, Line] = {}
        for line in self.lines:
            if line.address is not None:
                found.setdefault(line.address, line)
        return found

    @property
    def valid_count(self) -> int:
        """The number of lines with a valid address."""
        return sum(line.address is not None for line in self.lines)


FILES = st.builds(
    File,
    LINES,
    st.sampled_from(HEADERS),
    st.sampled_from(",;\t|"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    st.booleans(),
)


class Outage:
    """A writer that is away after some transactions."""

    def __init__(self, writer: Writer, left: int) -> None:
        self._writer = writer
        self._left = left

    async def run(self, *arguments: Any) -> Any:
        if not self._left:
            raise Unavailable(1.0)
        self._left -= 1
        return await self._writer.run(*arguments)


class Imports(StoreMachine):
    """An organisation that imports files into lists until its quota is gone, and deletes contacts."""

    @initialize()
    def begin(self) -> None:
        self.org_id = new_id()
        self.shop = Shop(self.store.database, self.store.writer, self.org_id)
        limits = {
            "contact_limit": CONTACTS,
            "contact_import_limit": ROWS,
            "contact_list_limit": LISTS,
        }
        self.run(self.shop.open, "free", **limits)
        self.contacts: dict[str, tuple[str, str, bool]] = {}
        self.lists: dict[str, set[str]] = {}
        self.files: list[tuple[File, str | None]] = []

    @rule(file=FILES, into=st.integers(0, LISTS), whole=st.booleans())
    def import_file(self, file: File, into: int, whole: bool) -> None:
        """Into none or one of the lists; kept, to be repeated."""
        list_id = ([*sorted(self.lists)] + [None] * (LISTS + 1))[into]
        self.files.append((file, list_id))
        self._import(file, list_id, None if whole else 1)

    @precondition(lambda self: self.files)
    @rule(number=st.integers(0, 100), after=st.sampled_from([None, None, 0, 1, 2]))
    def repeat(self, number: int, after: int | None) -> None:
        """One of the files again, whole or interrupted."""
        file, list_id = self.files[number % len(self.files)]
        self._import(file, list_id, after)

    @rule(file=FILES)
    def import_into_new_list(self, file: File) -> None:
        rows = _rows(file)
        target = Target(org_id=self.org_id, new_list_name="New")
        if len(file.lines) > ROWS:
            with pytest.raises(ContactImportTooLarge):
                self.run(self._importer().run, target, rows)
            return
        if len(self.lists) == LISTS:
            with pytest.raises(ContactListLimitReached):
                self.run(self._importer().run, target, rows)
            return
        expected = self._expected(file)
        outcome = self.run(self._importer().run, target, rows)
        assert outcome.list_id is not None
        self.lists[outcome.list_id] = set()
        self._take(list(file.firsts.values()), outcome.list_id)
        self._check(file, rows, outcome, expected)

    @rule(file=FILES)
    def preview(self, file: File) -> None:
        """C-65: it says what the import would do, and changes nothing."""
        rows = _rows(file)
        outcome = self.run(self._importer().run, Target(org_id=self.org_id, dry_run=True), rows)
        self._check(file, rows, outcome, self._expected(file))

    @precondition(lambda self: self.contacts)
    @rule(number=st.integers(0, 100), act=st.sampled_from(["delete", "unsubscribe", "leave"]))
    def change(self, number: int, act: str) -> None:
        """One of the contacts is deleted, unsubscribed, or leaves a list."""
        email = sorted(self.contacts)[number % len(self.contacts)]
        if act == "delete":
            self.run(self.shop.remove, email)
            del self.contacts[email]
            for members in self.lists.values():
                members.discard(email)
        elif act == "unsubscribe":
            changes = Changes(unsubscribed=True)
            self.run(self.store.writer.run, store.change, self.org_id, email, None, changes, START_MS)
            self.contacts[email] = (*self.contacts[email][:2], True)
        else:
            for list_id, members in self.lists.items():
                self.run(self.store.writer.run, store.remove_member, self.org_id, list_id, email, START_MS)
                members.discard(email)

    @precondition(lambda self: self.lists)
    @rule()
    def delete_list(self) -> None:
        """Z-49: its members stay contacts."""
        list_id = min(self.lists)
        self.run(self.store.writer.run, lists.remove, self.org_id, list_id, START_MS)
        del self.lists[list_id]
        self.files = [(file, kept) for file, kept in self.files if kept != list_id]

    @invariant()
    def store_equals_the_model(self) -> None:
        rows = self.run(self.shop.rows)
        found = {row.email: (row.first_name, row.last_name, row.unsubscribed) for row in rows}
        assert len(rows) == len(found)
        assert found == self.contacts
        assert len(found) <= CONTACTS
        assert self.run(self.shop.counts) == (len(self.contacts), len(self.lists))
        for list_id, members in self.lists.items():
            assert sorted(self.run(self.shop.emails, list_id=list_id)) == sorted(members)
            assert self.run(self.shop.members, list_id) == len(members)

    def _importer(self, after: int | None = None) -> Importer:
        writer: Any = self.store.writer if after is None else Outage(self.store.writer, after)
        return Importer(self.store.database, writer, ManualClock(), Notifier())

    def _import(self, file: File, list_id: str | None, after: int | None) -> None:
        rows = _rows(file)
        target = Target(org_id=self.org_id, list_id=list_id)
        if len(file.lines) > ROWS:
            with pytest.raises(ContactImportTooLarge):
                self.run(self._importer(after).run, target, rows)
            return
        expected = self._expected(file)
        entries = list(file.firsts.values())
        needed = max(-(-len(entries) // CHUNK), 1)
        if after is not None and after < needed:
            with pytest.raises(Unavailable):
                self.run(self._importer(after).run, target, rows)
            self._take(entries[: after * CHUNK], list_id)
            return
        outcome = self.run(self._importer(after).run, target, rows)
        self._take(entries, list_id)
        self._check(file, rows, outcome, expected)

    def _expected(self, file: File) -> tuple[int, int, int, int]:
        """The numbers of an import: added, skipped, capped, available."""
        entries = file.firsts
        known = sum(address in self.contacts for address in entries)
        available = CONTACTS - len(self.contacts)
        added = min(len(entries) - known, available)
        return added, known + file.valid_count - len(entries), len(entries) - known - added, available

    def _take(self, entries: Sequence[Line], list_id: str | None) -> None:
        """Adds to the model what these lines add: known contacts keep their names, and join the list."""
        for line in entries:
            assert line.address is not None
            if line.address not in self.contacts:
                if len(self.contacts) == CONTACTS:
                    continue
                self.contacts[line.address] = (*line.parts, False)
            if list_id is not None:
                self.lists[list_id].add(line.address)

    def _check(self, file: File, rows: Rows, outcome: Outcome, expected: tuple[int, int, int, int]) -> None:
        numbers = outcome.added, outcome.skipped, outcome.capped, outcome.available
        assert numbers == expected
        invalid = rows.read_count - len(rows.entries)
        assert sum(numbers[:3]) + invalid == rows.row_count == len(file.lines)
        assert outcome.used.contacts == len(self.contacts)


def _rows(file: File) -> Rows:
    return rows_of_table(csv_table.table_of(file.content), None)


@with_time_to_shorten
def test_no_contact_is_lost_or_doubled_and_the_numbers_add_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "CHUNK", CHUNK)
    explore(Imports, examples=25, steps=15, store=store)
