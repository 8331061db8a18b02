"""The methods of ContactsService that send to lists (contract row Z-55)."""

from collections.abc import Callable

from zidimail.v1 import contacts_service_pb2 as pb

from server.clock import Clock
from server.contacts import send_store
from server.contacts.faults import ContactListSendNotFound
from server.contacts.send_requests import hash_of, new_send, send_message
from server.contacts.send_store import SendRow
from server.contacts.unsubscribe_links import UnsubscribeLinks
from server.db.database import Database
from server.db.listing import Page, PageRequest
from server.db.writer import Writer
from server.domains.store import verified_domains
from server.emails.faults import DomainNotVerified, IdempotencyKeyReused
from server.ids import is_id
from server.wire.caller import OrganisationCaller


class Sends:
    """Begins, shows and cancels sends to lists; `wake` is called when one has begun."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        clock: Clock,
        links: UnsubscribeLinks,
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._links = links
        self._wake = wake

    async def begin(
        self, request: pb.SendToContactListRequest, caller: OrganisationCaller
    ) -> pb.SendToContactListResponse:
        """Begins a send.

        Raises `ContactListNotFound`, `DomainNotVerified`, `IdempotencyKeyReused`, `InvalidIdempotencyKey`,
        `ValidationFailed`.
        """
        assert caller.user_id is not None
        row, domain = new_send(request, caller, caller.user_id, self._links, self._clock.now_ms())
        key = (caller.org_id, domain)
        if key not in await self._database.read(verified_domains, [key]):
            raise DomainNotVerified(domain)
        idempotency_key = request.idempotency_key if request.HasField("idempotency_key") else None
        given = hash_of(request)
        id, known = await self._writer.run(send_store.begin, row, idempotency_key, given)
        if known != given:
            raise IdempotencyKeyReused(request.idempotency_key)
        self._wake()
        begun = await self.get(caller.org_id, id)
        return pb.SendToContactListResponse(contact_list_send=send_message(begun), replayed=id != row.id)

    async def get(self, org_id: str, id: str) -> SendRow:
        """One send. Raises `ContactListSendNotFound`."""
        row = await self._database.read(send_store.get, org_id, id) if is_id(id) else None
        if row is None:
            raise ContactListSendNotFound(id)
        return row

    async def cancel(self, org_id: str, id: str) -> SendRow:
        """The canceled send. Raises `ContactListSendNotFound`."""
        row = None
        if is_id(id):
            row = await self._writer.run(send_store.cancel, org_id, id, self._clock.now_ms())
        if row is None:
            raise ContactListSendNotFound(id)
        return row

    async def page(self, org_id: str, asked: PageRequest) -> Page[SendRow]:
        """A page of sends, newest first."""
        return await self._database.read(send_store.page, org_id, asked)
