"""Imports: the rows of a request or a file become contacts (contract rows Z-51 to Z-54, C-65)."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.clock import Clock
from server.contacts import counts, import_store
from server.contacts.counts import Counts
from server.contacts.faults import ContactImportTooLarge
from server.contacts.import_rules import Entry, Rows, without_repeats
from server.contacts.rules import ContactLimits
from server.db.database import Database
from server.db.writer import Writer
from server.work.notifier import Notifier

# Contacts of one transaction: a large import must not hold up sends.
CHUNK = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The target of an import: a list by its id, a new one by its name, or none; a trial stores nothing."""

    org_id: str
    list_id: str | None = None
    new_list_name: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an import: its numbers (`available` None for any), its list, the quota after it."""

    added: int
    skipped: int
    capped: int
    available: int | None
    list_id: str | None
    limits: ContactLimits
    used: Counts


class Importer:
    """Imports contacts into organisations; `events_appended` is notified after each commit."""

    def __init__(self, database: Database, writer: Writer, clock: Clock, events_appended: Notifier) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._events_appended = events_appended

    async def most_rows(self, org_id: str) -> int | None:
        """The rows that an organisation may import at once, None for any number."""
        return (await self._database.read(counts.limits_of, org_id)).import_rows

    async def run(self, target: Target, rows: Rows) -> Outcome:
        """Adds the new contacts, as many as the plan allows, and makes all of them members of the list.

        A large import has several transactions: each leaves the numbers exact, and a repeated import adds
        what an interrupted one has left.

        Raises `ContactImportTooLarge`, `ContactListNotFound`, `ContactListLimitReached`.
        """
        limits = await self._database.read(counts.limits_of, target.org_id)
        if not target.dry_run and limits.import_rows is not None and rows.read_count > limits.import_rows:
            raise ContactImportTooLarge(rows.read_count, limits.import_rows)
        entries = without_repeats(rows.entries)
        repeats = len(rows.entries) - len(entries)
        if target.dry_run:
            preview = import_store.preview
            known, used = await self._database.read(preview, target.org_id, target.list_id, entries)
            room = _room(limits, used)
            added = _most(len(entries) - known, room)
            capped = len(entries) - known - added
            return Outcome(added, known + repeats, capped, room, target.list_id, limits, used)
        return await self._store(target, limits, entries, repeats)

    async def _store(
        self, target: Target, limits: ContactLimits, entries: Sequence[Entry], repeats: int
    ) -> Outcome:
        list_id, new_name = target.list_id, target.new_list_name
        added = known = 0
        before: Counts | None = None
        for begin in range(0, max(len(entries), 1), CHUNK):
            chunk = await self._writer.run(
                import_store.add,
                target.org_id,
                list_id,
                new_name,
                entries[begin : begin + CHUNK],
                self._clock.now_ms(),
            )
            self._events_appended.notify()
            list_id, new_name = chunk.list_id, None
            added += chunk.added
            known += chunk.known
            before = before or chunk.before
        assert before is not None
        capped = len(entries) - known - added
        _, used = await self._database.read(counts.quota, target.org_id)
        return Outcome(added, known + repeats, capped, _room(limits, before), list_id, limits, used)


def _room(limits: ContactLimits, used: Counts) -> int | None:
    """The contacts that may still be added, None for any number."""
    return None if limits.contacts is None else max(limits.contacts - used.contacts, 0)


def _most(number: int, room: int | None) -> int:
    return number if room is None else min(number, room)
