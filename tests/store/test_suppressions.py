"""Suppressions in the store, on both engines (contract rows Z-24, F-4; DELIVERY row 28)."""

from collections.abc import Set
from typing import Any

import pytest
from sqlalchemy import select

from server.db.database import Database
from server.db.tables.suppressions import suppressions
from server.db.writer import Writer
from server.ids import new_id
from server.suppressions import store
from server.suppressions.store import NewSuppression, Origin
from tests.harness import rows
from tests.harness.clock import START_MS
from tests.harness.sqlite_plans import plans_of

ORG, OTHER = new_id(), new_id()
ADA, BOB = "ada@receiver.test", "bob@receiver.test"


def new(
    address: str = ADA, origin: Origin = "bounce", org_id: str = ORG, at: int = START_MS, **more: Any
) -> NewSuppression:
    return NewSuppression(org_id=org_id, address=address, origin=origin, created_at=at, **more)


async def add(writer: Writer, *many: NewSuppression) -> None:
    await writer.run(store.add, many)


async def suppressed(database: Database, *pairs: tuple[str, str], at: int = START_MS) -> Set[tuple[str, str]]:
    return await database.read(store.suppressed, pairs, at)


async def stored(database: Database, org_id: str = ORG, address: str = ADA) -> Any:
    query = select(suppressions).where(suppressions.c.org_id == org_id, suppressions.c.address == address)
    [row] = await rows.stored(database, query)
    return row


async def test_suppression_applies_to_its_organisation_only(database: Database, writer: Writer) -> None:
    await add(writer, new(ADA), new(BOB, org_id=OTHER))
    asked = [(ORG, ADA), (ORG, BOB), (OTHER, ADA), (OTHER, BOB)]
    assert await suppressed(database, *asked) == {(ORG, ADA), (OTHER, BOB)}
    assert await suppressed(database) == set()


async def test_a_suppression_holds_until_it_expires(database: Database, writer: Writer) -> None:
    await add(writer, new(origin="manual", expires_at=START_MS + 10))
    assert await suppressed(database, (ORG, ADA), at=START_MS + 9) == {(ORG, ADA)}
    assert await suppressed(database, (ORG, ADA), at=START_MS + 10) == set()


async def test_earlier_suppression_is_kept(database: Database, writer: Writer) -> None:
    first = new(source_id=new_id())
    await add(writer, first)
    await add(writer, new(at=START_MS + 5, source_id=new_id()), new(origin="manual", at=START_MS + 5))
    row = await stored(database)
    assert (row.id, row.origin, row.source_id, row.created_at) == (
        first.id,
        "bounce",
        first.source_id,
        START_MS,
    )


@pytest.mark.parametrize("own_wish", ["complaint", "unsubscribe"])
async def test_complaint_or_unsubscribe_replaces_a_bounce(
    database: Database, writer: Writer, own_wish: Origin
) -> None:
    first, wish = new(), new(origin=own_wish, at=START_MS + 5, source_id=new_id())
    await add(writer, first, wish)
    await add(writer, new(at=START_MS + 9), new(origin="manual", at=START_MS + 9, expires_at=START_MS + 10))
    row = await stored(database)
    assert (row.id, row.origin, row.source_id, row.created_at, row.expires_at) == (
        first.id,
        own_wish,
        wish.source_id,
        START_MS,
        None,
    )


async def test_complaint_or_unsubscribe_never_expires() -> None:
    for own_wish in ("complaint", "unsubscribe"):
        with pytest.raises(ValueError, match="does not expire"):
            new(origin=own_wish, expires_at=START_MS + 10)


async def test_permanent_suppression_replaces_an_expiring_one(database: Database, writer: Writer) -> None:
    await add(writer, new(origin="manual", expires_at=START_MS + 10), new(origin="bounce"))
    assert await suppressed(database, (ORG, ADA), at=START_MS + 10) == {(ORG, ADA)}


async def test_expired_suppression_is_replaced(database: Database, writer: Writer) -> None:
    await add(writer, new(origin="manual", expires_at=START_MS + 10))
    again = new(origin="manual", at=START_MS + 10, expires_at=START_MS + 20)
    await add(writer, again)
    row = await stored(database)
    assert (row.id, row.created_at, row.expires_at) == (again.id, START_MS + 10, START_MS + 20)


def test_sqlite_looks_up_each_pair(sqlite_url: str) -> None:
    plans = plans_of(sqlite_url, store.suppressed, [(ORG, ADA)], START_MS)
    assert any("SEARCH suppressions USING PRIMARY KEY (org_id=? AND address=?)" in step for step in plans)
