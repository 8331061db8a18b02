"""Recipients of list mail unsubscribe, by the links in their emails (RFC 8058)."""

from zidimail.v1 import contacts_service_pb2 as pb
from zidimail.v1 import email_service_pb2 as email_pb

from server.clock import Clock
from server.contacts import send_store, store
from server.contacts.unsubscribe_links import Subscription, UnsubscribeLinks
from server.db.database import Database
from server.db.writer import Writer
from server.work.notifier import Notifier


class Unsubscribing:
    """Unsubscribes recipients, each by its token alone; `events_appended` is notified after each commit."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        clock: Clock,
        events_appended: Notifier,
        links: UnsubscribeLinks,
    ) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._events_appended = events_appended
        self._links = links

    async def unsubscribe(self, request: pb.UnsubscribeRequest) -> pb.UnsubscribeResponse:
        """Unsubscribes the recipient that a token stands for; a trial changes nothing.

        Raises `LinkNotValid`.
        """
        recipient = self._links.open(request.token)
        org_id, email = recipient.org_id, recipient.email
        if request.dry_run:
            row = await self._database.read(store.get, org_id, email)
            is_unsubscribed = row is not None and row.unsubscribed
        else:
            is_unsubscribed = await self._writer.run(store.unsubscribe, org_id, email, self._clock.now_ms())
            self._events_appended.notify()
        response = pb.UnsubscribeResponse(email=email, unsubscribed=is_unsubscribed)
        setattr(response, "from", await self._sender(recipient))
        return response

    async def _sender(self, recipient: Subscription) -> str:
        """The sender of the email, empty if its send is no longer kept."""
        send = await self._database.read(send_store.get, recipient.org_id, recipient.send_id)
        if send is None:
            return ""
        sender: str = getattr(email_pb.SendEmailRequest.FromString(send.template), "from")
        return sender
