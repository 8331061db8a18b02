"""An organisation with a list of contacts, and a server that sends to it."""

from typing import Any

from sqlalchemy import select
from zidimail.v1 import contacts_service_pb2 as pb

from server.contacts import send_store, store
from server.contacts.list_sender import ListSender
from server.contacts.send_store import SendRow
from server.contacts.sends import Sends
from server.contacts.store import Changes
from server.contacts.unsubscribe_links import UnsubscribeLinks
from server.db.database import Database
from server.db.tables.emails import recipients
from server.db.writer import Writer
from server.ids import new_id
from server.wire.caller import SessionCaller
from tests.harness.rows import own_values
from tests.store.accepting import CALLER, DOMAIN, OTHER, Accepting
from tests.store.shop import Shop

APP_URL = "https://mail.example.com"
USER = SessionCaller(CALLER.org_id, new_id(), "member", 0)
STRANGER = SessionCaller(OTHER.org_id, new_id(), "member", 0)


class Mailing(Accepting):
    """An organisation with a list, and a server that sends to it."""

    def __init__(self, database: Database, writer: Writer) -> None:
        super().__init__(database, writer)
        self.shop = Shop(database, writer, CALLER.org_id)
        self.links = UnsubscribeLinks("a secret", APP_URL)
        self.sends = Sends(database, writer, self.clock, self.links, lambda: None)
        self.sender = ListSender(database, writer, self.clock, self.acceptor, self.links)
        self.list_id = ""

    async def open(self, **own: Any) -> "Mailing":
        """Adds the organisation, its domain and its list."""
        await self.add_organisation(CALLER, plan="enterprise", **own)
        await self.verify(CALLER, DOMAIN)
        self.list_id = await self.shop.add_list()
        return self

    async def members(self, *names: str) -> None:
        """Adds members, each with its name."""
        for name in names:
            await self.shop.add(f"{name}@list.test", self.list_id, changes=Changes(name.title(), ""))

    async def list_with(self, name: str) -> str:
        """The id of a new list with one of the members."""
        list_id = await self.shop.add_list()
        await self.writer.run(
            store.add_members, CALLER.org_id, list_id, [f"{name}@list.test"], self.clock.now_ms()
        )
        return list_id

    async def remove_list(self) -> None:
        """Deletes the list."""
        key, now_ms = (CALLER.org_id, self.list_id), self.clock.now_ms()
        assert await self.writer.run(send_store.remove_list, *key, now_ms)

    async def begin(self, caller: SessionCaller = USER, **fields: Any) -> str:
        """The id of a new send."""
        given = {
            "contact_list_id": self.list_id,
            "from": f"Acme <hello@{DOMAIN}>",
            "subject": "Hello",
            "text": "Hi.",
        }
        request = pb.SendToContactListRequest(**given | fields)
        return (await self.sends.begin(request, caller)).contact_list_send.id

    async def get(self, id: str) -> SendRow:
        """The send, whose numbers never exceed those of its members."""
        row = await self.sends.get(CALLER.org_id, id)
        decided = row.accepted_count + row.unsubscribed_count + row.suppressed_count + row.failed_count
        assert decided <= row.member_count
        assert (row.due_at is None) == (row.completed_at is not None)
        return row

    async def work(self) -> None:
        """Sends until nothing is due."""
        while await self.sender.step():
            pass

    async def sent(self) -> list[str]:
        """The recipients of all emails that were accepted, each as often as it has one."""
        query = select(recipients.c.address).order_by(recipients.c.address)
        addresses = await self.database.read(own_values, str, query)
        return [address.removesuffix("@list.test") for address in addresses]

    async def outcome(self, id: str) -> tuple[str, int, int, int, int]:
        """The state of a send: accepted, unsubscribed, suppressed, failed."""
        row = await self.get(id)
        return (
            row.status,
            row.accepted_count,
            row.unsubscribed_count,
            row.suppressed_count,
            row.failed_count,
        )
