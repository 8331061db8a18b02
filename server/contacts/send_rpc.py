"""The methods of ContactsService about sends to lists (contract row Z-55, RFC 8058)."""

from collections.abc import AsyncIterator

from zidimail.v1 import contacts_service_pb2 as pb

from server.contacts.send_requests import send_message
from server.contacts.send_watchers import SendWatchers
from server.contacts.sends import Sends
from server.contacts.unsubscribing import Unsubscribing
from server.events.stream_counts import StreamCounts
from server.faults import Unavailable
from server.wire.caller import current_caller
from server.wire.interceptors import Context
from server.wire.paging import page_fields, page_request


class SendServicer:
    """Sends to lists, and the recipients who want no more of them."""

    def __init__(
        self, sends: Sends, watchers: SendWatchers, counts: StreamCounts, unsubscribing: Unsubscribing
    ) -> None:
        self._sends = sends
        self._watchers = watchers
        self._counts = counts
        self._unsubscribing = unsubscribing

    async def SendToContactList(
        self, request: pb.SendToContactListRequest, context: Context
    ) -> pb.SendToContactListResponse:
        """Begins to send to a list."""
        return await self._sends.begin(request, current_caller())

    async def GetContactListSend(
        self, request: pb.GetContactListSendRequest, context: Context
    ) -> pb.GetContactListSendResponse:
        """One send to a list."""
        row = await self._sends.get(current_caller().org_id, request.id)
        return pb.GetContactListSendResponse(contact_list_send=send_message(row))

    async def WatchContactListSend(
        self, request: pb.WatchContactListSendRequest, context: Context
    ) -> AsyncIterator[pb.WatchContactListSendResponse]:
        """One send to a list, at first and after each change, until its end."""
        caller = current_caller()
        with self._counts.counted(caller):
            row = await self._sends.get(caller.org_id, request.contact_list_send_id)
            yield pb.WatchContactListSendResponse(contact_list_send=send_message(row))
            async for changed in self._watchers.changes(row):
                row = changed
                yield pb.WatchContactListSendResponse(contact_list_send=send_message(row))
            if row.due_at is not None:
                # Raises `ContactListSendNotFound` if it is gone.
                await self._sends.get(caller.org_id, request.contact_list_send_id)
                raise Unavailable(1.0, "The server is stopping. Call again.")

    async def ListContactListSends(
        self, request: pb.ListContactListSendsRequest, context: Context
    ) -> pb.ListContactListSendsResponse:
        """A page of sends to lists, newest first."""
        asked = page_request(request)
        page = await self._sends.page(current_caller().org_id, asked)
        return pb.ListContactListSendsResponse(data=map(send_message, page.rows), **page_fields(page, asked))

    async def CancelContactListSend(
        self, request: pb.CancelContactListSendRequest, context: Context
    ) -> pb.CancelContactListSendResponse:
        """Cancels a send to a list."""
        row = await self._sends.cancel(current_caller().org_id, request.id)
        return pb.CancelContactListSendResponse(contact_list_send=send_message(row))

    async def Unsubscribe(self, request: pb.UnsubscribeRequest, context: Context) -> pb.UnsubscribeResponse:
        """Unsubscribes the recipient of an email to a list."""
        return await self._unsubscribing.unsubscribe(request)
