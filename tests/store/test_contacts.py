"""Contacts, lists and members in the store, on both engines (contract rows Z-48, Z-49)."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from server.contacts import counts, lists, store
from server.contacts.contact import ContactRow
from server.contacts.faults import (
    ContactLimitReached,
    ContactListLimitReached,
    ContactListNotFound,
    ContactNotFound,
)
from server.contacts.store import Changes, Filter
from server.db.database import Database
from server.db.listing import PageRequest
from server.db.tables.contacts import contact_list_members
from server.db.tx import Tx
from server.db.writer import Writer
from server.ids import new_id
from tests.harness.clock import START_MS
from tests.harness.rows import own_values
from tests.store.shop import ADA, BOB, NAMELESS, ORG, OTHER, Shop


@pytest.fixture
async def shop(database: Database, writer: Writer) -> Shop:
    """An organisation on the plan `free`."""
    return await Shop(database, writer).open()


async def test_contact_is_created_once_and_keeps_what_a_second_creation_does_not_name(shop: Shop) -> None:
    first = await shop.add(ADA, changes=Changes("Ada", "Lovelace", True))
    again = await shop.add(ADA, changes=Changes("Augusta", None, False))
    assert again == first._replace(first_name="Augusta")
    assert again.unsubscribed
    assert await shop.counts() == (1, 0)


async def test_contact_is_subscribed_again_by_a_change_only(shop: Shop) -> None:
    row = await shop.add(ADA)
    assert not row.unsubscribed
    assert (await shop.add(ADA, changes=Changes(unsubscribed=True))).unsubscribed
    for name in (ADA, row.id):
        changed = await shop.writer.run(store.change, ORG, name, None, Changes(unsubscribed=False), START_MS)
        assert changed == row
    assert await shop.writer.run(store.change, ORG, BOB, None, NAMELESS, START_MS) is None


async def test_limit_of_contacts_is_exact_under_concurrent_creations(
    database: Database, writer: Writer
) -> None:
    """Z-48, with two writers as two servers have them; on SQLite one process writes."""
    shop = await Shop(database, writer).open(contact_limit=5)
    second = Writer(database) if not database.is_sqlite else writer
    if second is not writer:
        second.start()
    outcomes = await asyncio.gather(
        *(
            each.run(store.create, ORG, f"user-{number}@receiver.test", NAMELESS, [], START_MS)
            for number in range(10)
            for each in (writer, second)
        ),
        return_exceptions=True,
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, ContactLimitReached)]
    assert {outcome for outcome in outcomes if isinstance(outcome, Exception)} == set(refused)
    # Each address came twice: both creations of an address within the limit succeed.
    assert len(outcomes) - len(refused) == 10
    assert await shop.counts() == (5, 0)
    assert {(fault.metadata["used"], fault.metadata["limit"]) for fault in refused} == {("5", "5")}
    if second is not writer:
        await second.close()


@pytest.mark.parametrize(
    ("plan", "limits"),
    [
        ("free", (500, 500, 3)),
        ("starter", (2_500, 2_500, 10)),
        ("pro", (25_000, 5_000, 25)),
        ("scale", (250_000, 10_000, 100)),
        ("enterprise", (1_000_000, 50_000, 500)),
    ],
)
async def test_plans_have_the_limits_of_the_document(
    database: Database, writer: Writer, plan: str, limits: tuple[int, int, int]
) -> None:
    """Z-48."""
    await Shop(database, writer).open(plan)
    found = await database.read(counts.limits_of, ORG)
    assert (found.contacts, found.import_rows, found.lists) == limits


async def test_own_number_of_an_organisation_replaces_its_plans(database: Database, writer: Writer) -> None:
    """C-13."""
    await Shop(database, writer).open(contact_limit=7)
    found = await database.read(counts.limits_of, ORG)
    assert (found.contacts, found.import_rows, found.lists) == (7, 500, 3)


async def test_limit_of_lists_frees_when_a_list_is_deleted(shop: Shop) -> None:
    ids = [await shop.add_list() for _ in range(3)]
    with pytest.raises(ContactListLimitReached):
        await shop.add_list()
    assert await shop.writer.run(lists.remove, ORG, ids[0], START_MS)
    assert not await shop.writer.run(lists.remove, ORG, ids[0], START_MS)
    await shop.add_list()
    assert await shop.counts() == (0, 3)


async def test_deleted_contact_leaves_all_lists_and_frees_its_place(shop: Shop) -> None:
    one, two = await shop.add_list("One"), await shop.add_list("Two")
    ada, bob = await shop.add(ADA, one, two), await shop.add(BOB, one)
    assert await shop.remove(ada.id, BOB, ADA, "nobody@receiver.test") == [ada.id, bob.id]
    assert (await shop.members(one), await shop.members(two)) == (0, 0)
    assert await shop.counts() == (0, 2)
    assert await shop.remove(ADA) == []


async def test_deleted_list_is_gone_at_once_and_its_members_stay_contacts(shop: Shop) -> None:
    """Z-49."""
    gone, kept = await shop.add_list("Gone"), await shop.add_list("Kept")
    for number in range(3):
        await shop.add(f"user-{number}@receiver.test", gone, kept)
    await shop.writer.run(lists.remove, ORG, gone, START_MS)
    assert await shop.database.read(lists.get, ORG, gone) is None
    with pytest.raises(ContactListNotFound):
        await shop.emails(list_id=gone)
    with pytest.raises(ContactListNotFound):
        await shop.add(ADA, gone)
    while await shop.writer.run(lists.sweep):
        pass

    def left(tx: Tx) -> list[str]:
        return own_values(tx, str, select(contact_list_members.c.list_id).distinct())

    assert await shop.database.read(left) == [kept]
    assert await shop.members(kept) == 3
    assert await shop.counts() == (3, 1)


async def test_sweep_removes_the_members_of_a_large_list_in_several_steps(shop: Shop) -> None:
    list_id = await shop.add_list()
    rows = [ContactRow(new_id(), f"u{n}@receiver.test", "", "", False, START_MS) for n in range(1500)]

    def fill(tx: Tx) -> None:
        store.insert(tx, ORG, rows)
        lists.join(tx, ORG, [(list_id, row.id) for row in rows])

    await shop.writer.run(fill)
    await shop.writer.run(lists.remove, ORG, list_id, START_MS)
    steps = 0
    while await shop.writer.run(lists.sweep):
        steps += 1
    assert steps == 2
    assert await shop.counts() == (1500, 0)


async def test_members_are_added_all_or_none_and_count_once(shop: Shop) -> None:
    list_id = await shop.add_list()
    ada, bob = await shop.add(ADA), await shop.add(BOB, list_id)
    with pytest.raises(ContactNotFound):
        await shop.writer.run(store.add_members, ORG, list_id, [ADA, "nobody@receiver.test"], START_MS)
    assert await shop.members(list_id) == 1
    added = await shop.writer.run(store.add_members, ORG, list_id, [ADA, ada.id, bob.id], START_MS)
    assert added == ([ada.id, ada.id, bob.id], 1)
    assert await shop.members(list_id) == 2
    assert await shop.writer.run(store.remove_member, ORG, list_id, ADA, START_MS) == ada.id
    assert await shop.writer.run(store.remove_member, ORG, list_id, ADA, START_MS) is None
    assert await shop.members(list_id) == 1
    assert await shop.counts() == (2, 1)


async def test_contacts_are_found_by_list_text_and_subscription(shop: Shop) -> None:
    list_id = await shop.add_list()
    await shop.add(ADA, list_id, changes=Changes("Ada", "Lovelace"))
    await shop.add(BOB, changes=Changes("Bob", "100%", True))
    assert await shop.emails() == [BOB, ADA]
    assert await shop.emails(list_id=list_id) == [ADA]
    assert await shop.emails(search="ada LOVE") == [ADA]
    assert await shop.emails(search="BOB@") == [BOB]
    assert await shop.emails(search="0%") == [BOB]
    assert await shop.emails(search="a%e") == []
    assert await shop.emails(unsubscribed=True) == [BOB]
    assert await shop.emails(unsubscribed=False, list_id=list_id) == [ADA]


async def test_members_are_walked_by_cursors_without_gap(shop: Shop) -> None:
    list_id = await shop.add_list()
    wanted = [(await shop.add(f"user-{number}@receiver.test", list_id)).id for number in range(7)][::-1]
    walked: list[str] = []
    after = None
    while True:
        request = PageRequest(3, after=after)
        page = await shop.database.read(store.page, ORG, Filter(list_id=list_id), request)
        walked += [row.id for row in page.rows]
        if not page.has_more:
            break
        after = walked[-1]
    assert walked == wanted


async def test_lists_of_a_contact_are_shown(shop: Shop) -> None:
    one, two = await shop.add_list("One"), await shop.add_list("Two")
    ada = await shop.add(ADA, one)

    async def shown(**criteria: Any) -> list[str]:
        page = await shop.database.read(
            lists.page, ORG, criteria.get("search"), criteria.get("contact_id"), PageRequest(10)
        )
        return [row.id for row in page.rows]

    assert await shown() == [two, one]
    assert await shown(contact_id=ada.id) == [one]
    assert await shown(search="tW") == [two]


async def test_other_organisations_contacts_and_lists_are_not_touched(shop: Shop) -> None:
    other = await Shop(shop.database, shop.writer, OTHER).open()
    theirs = await other.add_list()
    row = await other.add(ADA, theirs)
    mine = await shop.add(ADA)
    with pytest.raises(ContactListNotFound):
        await shop.add(BOB, theirs)
    assert await shop.remove(row.id) == []
    assert await shop.writer.run(lists.change, ORG, theirs, {"name": "Mine"}) is None
    assert not await shop.writer.run(lists.remove, ORG, theirs, START_MS)
    assert await shop.database.read(store.get, ORG, row.id) is None
    assert await shop.remove(ADA) == [mine.id]
    assert await other.members(theirs) == 1
    assert (await shop.counts(), await other.counts()) == ((0, 0), (1, 1))
