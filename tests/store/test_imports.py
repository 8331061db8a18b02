"""Imports in the store, on both engines (contract rows Z-52 to Z-54, C-65)."""

import asyncio
from collections.abc import Sequence

import pytest

from server.contacts.faults import (
    ContactImportTooLarge,
    ContactListLimitReached,
    ContactListNotFound,
)
from server.contacts.import_rules import Entry, Rows, entry
from server.contacts.imports import CHUNK, Importer, Outcome, Target
from server.db.database import Database
from server.db.writer import Writer
from server.ids import new_id
from server.work.notifier import Notifier
from tests.harness.clock import ManualClock
from tests.store.shop import ORG, OTHER, Shop


def addresses(*numbers: int) -> list[str]:
    return [f"user-{number}@receiver.test" for number in numbers]


def rows(emails: Sequence[str]) -> Rows:
    found = [entry(email, "") for email in emails]
    return Rows(len(emails), len(emails), [each for each in found if each is not None])


class Office:
    """One organisation's imports."""

    def __init__(self, shop: Shop, writer: Writer | None = None) -> None:
        self.shop = shop
        self.importer = Importer(shop.database, writer or shop.writer, ManualClock(), Notifier())

    async def take(
        self,
        emails: Sequence[str],
        *,
        list_id: str | None = None,
        new_list_name: str | None = None,
        dry_run: bool = False,
    ) -> Outcome:
        """Imports addresses; the numbers of the outcome must add up."""
        target = Target(
            org_id=self.shop.org_id, list_id=list_id, new_list_name=new_list_name, dry_run=dry_run
        )
        given = rows(emails)
        outcome = await self.importer.run(target, given)
        assert outcome.added + outcome.skipped + outcome.capped == len(given.entries)
        return outcome


@pytest.fixture
async def office(database: Database, writer: Writer) -> Office:
    """An organisation on the plan `free`: 500 contacts, 500 rows of an import, 3 lists."""
    return Office(await Shop(database, writer).open())


async def test_worked_example_of_the_document(office: Office) -> None:
    """Z-53: 490 of 500 contacts; 100 rows, of which 30 are known."""
    await office.take(addresses(*range(490)))
    for dry_run in (True, False):
        outcome = await office.take(addresses(*range(460, 560)), dry_run=dry_run)
        assert (outcome.added, outcome.skipped, outcome.capped, outcome.available) == (10, 30, 60, 10)
        assert outcome.list_id is None
        assert (outcome.limits.contacts, outcome.used.contacts) == (500, 490 if dry_run else 500)
    assert await office.shop.counts() == (500, 0)
    # The first of the new rows were added.
    assert (await office.shop.emails())[:10] == addresses(*range(499, 489, -1))
    # Capped contacts are added after others are deleted, and known ones are free.
    await office.shop.remove(*addresses(*range(5)))
    again = await office.take(addresses(*range(460, 560)))
    assert (again.added, again.skipped, again.capped, again.available) == (5, 40, 55, 5)


async def test_repeated_address_counts_once_and_its_first_row_is_kept(office: Office) -> None:
    """Z-52."""
    given = [
        entry(" User@Receiver.TEST ", "First Name"),
        entry("user@receiver.test", "Second"),
        entry("b@receiver.test", ""),
    ]
    entries = [each for each in given if each is not None]
    outcome = await office.importer.run(Target(org_id=ORG), Rows(3, 3, entries))
    assert (outcome.added, outcome.skipped, outcome.capped) == (2, 1, 0)
    page = {row.email: row for row in await office.shop.rows()}
    assert page.keys() == {"user@receiver.test", "b@receiver.test"}
    assert (page["user@receiver.test"].first_name, page["user@receiver.test"].last_name) == ("First", "Name")
    # A known contact keeps its name, and stays unsubscribed.
    again = await office.importer.run(
        Target(org_id=ORG), Rows(1, 1, [Entry("user@receiver.test", "Other", "")])
    )
    assert (again.added, again.skipped) == (0, 1)
    assert {row.email: row for row in await office.shop.rows()} == page


async def test_known_contacts_join_the_list_and_capped_ones_do_not(office: Office) -> None:
    """Z-54."""
    await office.take(addresses(*range(499)))
    list_id = await office.shop.add_list()
    outcome = await office.take(addresses(0, 1, 600, 601), list_id=list_id)
    assert (outcome.added, outcome.skipped, outcome.capped, outcome.list_id) == (1, 2, 1, list_id)
    assert sorted(await office.shop.emails(list_id=list_id)) == addresses(0, 1, 600)
    assert await office.shop.members(list_id) == 3


async def test_new_list_is_made_with_its_members_and_counts(office: Office) -> None:
    """Z-54."""
    outcome = await office.take(addresses(1, 2), new_list_name="Imported")
    assert outcome.list_id is not None
    assert await office.shop.members(outcome.list_id) == 2
    assert await office.shop.counts() == (2, 1)
    for _ in range(2):
        await office.shop.add_list()
    with pytest.raises(ContactListLimitReached):
        await office.take(addresses(3), new_list_name="Fourth")
    assert await office.shop.counts() == (2, 3)


async def test_trial_stores_nothing_and_may_have_any_number_of_rows(office: Office) -> None:
    """C-65."""
    outcome = await office.take(addresses(*range(600)), new_list_name="Trial", dry_run=True)
    assert (outcome.added, outcome.skipped, outcome.capped) == (500, 0, 100)
    assert await office.shop.counts() == (0, 0)
    with pytest.raises(ContactListNotFound):
        await office.take(addresses(1), list_id=new_id(), dry_run=True)


async def test_more_rows_than_the_plan_allows_are_refused_as_a_whole(office: Office) -> None:
    """Z-51: invalid and repeated rows count."""
    many = [*addresses(*range(300)), *["nobody"] * 100, *addresses(*range(101))]
    with pytest.raises(ContactImportTooLarge) as refused:
        await office.take(many)
    assert refused.value.metadata == {"rows": "501", "limit": "500"}
    assert await office.shop.counts() == (0, 0)
    assert (await office.take(many[1:])).added == 300


async def test_list_of_another_organisation_is_not_found(office: Office) -> None:
    other = await Shop(office.shop.database, office.shop.writer, OTHER).open()
    theirs = await other.add_list()
    for dry_run in (True, False):
        with pytest.raises(ContactListNotFound):
            await office.take(addresses(1), list_id=theirs, dry_run=dry_run)
    assert await other.members(theirs) == 0


async def test_concurrent_imports_fill_the_quota_exactly(database: Database, writer: Writer) -> None:
    """Z-48: two writers as two servers have them; large imports take turns; on SQLite one process writes."""
    shop = await Shop(database, writer).open("pro", contact_limit=2 * CHUNK + 500)
    second = writer if database.is_sqlite else Writer(database)
    if second is not writer:
        second.start()
    offices = [Office(shop), Office(shop, second)]
    # Four imports that overlap by halves.
    imports = [addresses(*range(begin * CHUNK, (begin + 2) * CHUNK)) for begin in range(4)]
    outcomes = await asyncio.gather(*(each.take(emails) for emails in imports for each in offices))
    assert sum(outcome.added for outcome in outcomes) == 2 * CHUNK + 500
    assert await shop.counts() == (2 * CHUNK + 500, 0)
    if second is not writer:
        await second.close()


async def test_repeated_import_adds_what_an_interrupted_one_left(database: Database, writer: Writer) -> None:
    shop = await Shop(database, writer).open("pro")
    office = Office(shop)
    list_id = await shop.add_list()
    emails = addresses(*range(CHUNK + 10))
    await office.take(emails[:CHUNK], list_id=list_id)
    again = await office.take(emails, list_id=list_id)
    assert (again.added, again.skipped, again.capped) == (10, CHUNK, 0)
    assert await shop.members(list_id) == CHUNK + 10
    assert await shop.counts() == (CHUNK + 10, 1)
