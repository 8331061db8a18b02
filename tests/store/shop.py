"""An organisation with contacts in the store, whose numbers are compared with its rows at each look."""

from typing import Any

from sqlalchemy import func, select

from server.contacts import counts, lists, store
from server.contacts.contact import ContactRow
from server.contacts.store import Changes, Filter
from server.db.database import Database
from server.db.listing import PageRequest
from server.db.tables.accounts import organisations
from server.db.tables.contacts import contact_lists, contacts
from server.db.tx import Tx
from server.db.writer import Writer
from server.ids import new_id
from tests.harness.clock import START_MS

ORG, OTHER = new_id(), new_id()
ADA, BOB = "ada@receiver.test", "bob@receiver.test"
NAMELESS = Changes()


class Shop:
    """One organisation's contacts."""

    def __init__(self, database: Database, writer: Writer, org_id: str = ORG) -> None:
        self.database, self.writer, self.org_id = database, writer, org_id

    async def open(self, plan: str = "free", **own: Any) -> "Shop":
        """Adds the organisation."""

        def add(tx: Tx) -> None:
            tx.change(
                organisations.insert().values(
                    org_id=self.org_id,
                    name="Shop",
                    plan=plan,
                    profile="plan",
                    sandbox=False,
                    owner_email="owner@example.com",
                    state="healthy",
                    created_at=START_MS,
                    **own,
                )
            )

        await self.writer.run(add)
        return self

    async def add(self, email: str, *list_ids: str, changes: Changes = NAMELESS) -> ContactRow:
        """Creates a contact in lists."""
        return await self.writer.run(store.create, self.org_id, email, changes, list_ids, START_MS)

    async def add_list(self, name: str = "Customers") -> str:
        """The id of a new list."""
        return (await self.writer.run(lists.create, self.org_id, name, "", START_MS)).id

    async def remove(self, *names: str) -> list[str]:
        """Deletes contacts."""
        return await self.writer.run(store.remove, self.org_id, names, START_MS)

    async def counts(self) -> tuple[int, int]:
        """The numbers of contacts and lists as they are counted; they must be those of the rows."""

        def rows(tx: Tx) -> tuple[int, int]:
            mine = select(func.count()).where(contacts.c.org_id == self.org_id)
            own = (contact_lists.c.org_id == self.org_id, contact_lists.c.deleted_at.is_(None))
            return tx.scalar(int, mine) or 0, tx.scalar(int, select(func.count()).where(*own)) or 0

        _, counted = await self.database.read(counts.quota, self.org_id)
        assert tuple(counted) == await self.database.read(rows)
        return counted.contacts, counted.lists

    async def rows(self, **criteria: Any) -> list[ContactRow]:
        """A list of contacts, of which there are fewer than 10,000."""
        page = await self.database.read(store.page, self.org_id, Filter(**criteria), PageRequest(10_000))
        assert page.total == len(page.rows)
        return list(page.rows)

    async def emails(self, **criteria: Any) -> list[str]:
        """The addresses of a list of contacts."""
        return [row.email for row in await self.rows(**criteria)]

    async def members(self, list_id: str) -> int:
        """The number of members of a list as it is counted; it must be that of the rows."""
        row = await self.database.read(lists.get, self.org_id, list_id)
        assert row is not None
        assert row.member_count == len(await self.emails(list_id=list_id))
        return row.member_count
