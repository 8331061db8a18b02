"""Whatever changes a contact is in the log of its organisation, on both engines (C-59)."""

import json
from typing import Any

import pytest
from sqlalchemy import select
from zidimail.v1 import event_pb2

from server.contacts import import_store, lists, store
from server.contacts.faults import ContactLimitReached, ContactNotFound
from server.contacts.import_rules import Entry
from server.contacts.store import Changes
from server.db.database import Database
from server.db.tables.webhooks import webhook_calls
from server.db.writer import Writer
from server.events import log
from server.events.cursors import Cursors
from server.events.rows import BEGINNING, EventRow
from server.events.to_proto import event_message
from tests.harness.clock import START_MS
from tests.harness.rows import stored
from tests.store.shop import ADA, BOB, NAMELESS, ORG, OTHER, Shop
from tests.store.test_webhooks import fan_out, register

LATER_MS = START_MS + 1_000


@pytest.fixture
async def shop(database: Database, writer: Writer) -> Shop:
    """An organisation that may have five contacts."""
    return await Shop(database, writer).open(contact_limit=5)


async def entries(shop: Shop) -> list[EventRow]:
    """The log of the organisation."""
    return await shop.database.read(log.read, shop.org_id, BEGINNING, 10_000)


async def seen(shop: Shop) -> list[tuple[str, str]]:
    """The types of the events and the addresses that they are about, in the order of the log."""
    return [(row.type.removeprefix("contact."), row.recipient) for row in await entries(shop)]


async def newest(shop: Shop) -> dict[str, Any]:
    """The contact of the newest event."""
    row = (await entries(shop))[-1]
    assert row.details is not None
    return dict(json.loads(row.details))


async def test_creation_has_one_event_with_the_contact_and_its_lists(shop: Shop) -> None:
    list_ids = sorted([await shop.add_list(), await shop.add_list()])
    row = await shop.add(ADA, *list_ids, changes=Changes("Ada", "Lovelace"))
    [event] = await entries(shop)
    assert (event.type, event.email_id, event.recipient) == ("contact.created", "", ADA)
    assert await newest(shop) == {**row._asdict(), "contact_list_ids": list_ids}


async def test_second_creation_has_an_event_if_it_changes_something(shop: Shop) -> None:
    list_id = await shop.add_list()
    await shop.add(ADA, list_id, changes=Changes("Ada"))
    await shop.add(ADA, list_id, changes=Changes("Ada", unsubscribed=False))
    assert await seen(shop) == [("created", ADA)]
    await shop.add(ADA, changes=Changes("Augusta"))
    await shop.add(ADA, await shop.add_list("Friends"))
    assert await seen(shop) == [("created", ADA), ("updated", ADA), ("updated", ADA)]
    assert (await newest(shop))["first_name"] == "Augusta"


async def test_change_has_an_event_if_it_changes_something(shop: Shop) -> None:
    row = await shop.add(ADA, changes=Changes("Ada"))
    for changes in (Changes("Ada"), NAMELESS, Changes("Augusta", unsubscribed=True)):
        await shop.writer.run(store.change, ORG, row.id, None, changes, LATER_MS)
    assert await seen(shop) == [("created", ADA), ("updated", ADA)]
    contact = await newest(shop)
    assert (contact["first_name"], contact["unsubscribed"]) == ("Augusta", True)


async def test_recipient_who_follows_a_link_twice_has_one_event(shop: Shop) -> None:
    await shop.add(ADA)
    for _ in range(2):
        assert await shop.writer.run(store.unsubscribe, ORG, ADA, LATER_MS)
    assert not await shop.writer.run(store.unsubscribe, ORG, BOB, LATER_MS)
    assert await seen(shop) == [("created", ADA), ("updated", ADA)]
    assert (await newest(shop))["unsubscribed"] is True


async def test_only_new_and_former_members_of_a_list_have_events(shop: Shop) -> None:
    list_id = await shop.add_list()
    await shop.add(ADA, list_id)
    await shop.add(BOB)
    before = await seen(shop)
    await shop.writer.run(store.add_members, ORG, list_id, [ADA, BOB], LATER_MS)
    assert await seen(shop) == [*before, ("updated", BOB)]
    assert (await newest(shop))["contact_list_ids"] == [list_id]
    for _ in range(2):
        await shop.writer.run(store.remove_member, ORG, list_id, BOB, LATER_MS)
    assert await seen(shop) == [*before, ("updated", BOB), ("updated", BOB)]
    assert (await newest(shop))["contact_list_ids"] == []


async def test_deleted_contacts_have_an_event_each_with_the_lists_that_they_were_in(shop: Shop) -> None:
    list_id, gone = await shop.add_list(), await shop.add_list()
    await shop.add(ADA, list_id, gone)
    await shop.add(BOB)
    await shop.writer.run(lists.remove, ORG, gone, LATER_MS)
    await shop.remove(BOB, "nobody@receiver.test")
    await shop.remove(ADA)
    assert (await seen(shop))[2:] == [("deleted", BOB), ("deleted", ADA)]
    assert (await newest(shop))["contact_list_ids"] == [list_id]


async def test_import_has_an_event_for_each_contact_that_it_adds_or_makes_a_member(shop: Shop) -> None:
    """The limit leaves room for four of five new ones."""
    list_id = await shop.add_list()
    await shop.add(ADA)
    before = await seen(shop)
    rows = [Entry(ADA, "", ""), *(Entry(f"{number}@receiver.test", "No", "Name") for number in range(5))]
    for _ in range(2):
        await shop.writer.run(import_store.add, ORG, list_id, None, rows, LATER_MS)
    new = [("created", f"{number}@receiver.test") for number in range(4)]
    assert sorted(await seen(shop)) == sorted([*before, ("updated", ADA), *new])
    for event in (await entries(shop))[1:]:
        assert json.loads(event.details or "")["contact_list_ids"] == [list_id]


async def test_refused_act_has_no_event(shop: Shop) -> None:
    for number in range(5):
        await shop.add(f"{number}@receiver.test")
    list_id, before = await shop.add_list(), await seen(shop)
    with pytest.raises(ContactLimitReached):
        await shop.add(ADA, list_id)
    with pytest.raises(ContactNotFound):
        await shop.writer.run(store.add_members, ORG, list_id, ["0@receiver.test", BOB], LATER_MS)
    assert await seen(shop) == before


async def test_event_of_a_contact_as_the_log_shows_it(shop: Shop) -> None:
    row = await shop.add(ADA, changes=Changes("Ada", "Lovelace"))
    [stored_event] = await entries(shop)
    event = event_message(stored_event, Cursors("s" * 32))
    assert event.type == event_pb2.EVENT_TYPE_CONTACT_CREATED
    assert (event.contact.id, event.contact.email, event.contact.last_name) == (row.id, ADA, "Lovelace")
    assert event.contact.created_at.ToMilliseconds() == START_MS
    assert not event.HasField("account")


async def test_webhooks_of_the_organisation_that_subscribe_get_it(
    shop: Shop, database: Database, writer: Writer
) -> None:
    other = await Shop(database, writer, OTHER).open()
    webhook_id = await register(writer, ORG, "contact.updated")
    await register(writer, OTHER, "contact.created")
    list_id = await shop.add_list()
    row = await shop.add(ADA, changes=Changes("Ada", "Lovelace"))
    await shop.writer.run(store.add_members, ORG, list_id, [ADA], LATER_MS)
    await other.rows()
    await fan_out(database, writer)
    [call] = await stored(database, select(webhook_calls.c.webhook_id, webhook_calls.c.body))
    assert call.webhook_id == webhook_id
    assert json.loads(call.body) == {
        "type": "contact.updated",
        "created_at": "2027-01-15T08:00:01.000Z",
        "data": {
            "id": row.id,
            "email": ADA,
            "first_name": "Ada",
            "last_name": "Lovelace",
            "unsubscribed": False,
            "created_at": "2027-01-15T08:00:00.000Z",
            "updated_at": "2027-01-15T08:00:01.000Z",
            "contact_list_ids": [list_id],
            "segment_ids": [list_id],
        },
    }
