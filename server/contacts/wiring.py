"""Builds the package."""

from zidimail.v1.contacts_service_pb2 import DESCRIPTOR

from server.contacts import lists
from server.contacts.list_sender import ListSender
from server.contacts.rpc import ContactsServicer
from server.contacts.send_rpc import SendServicer
from server.contacts.send_watchers import SendWatchers
from server.contacts.sends import Sends
from server.contacts.sheets import FETCH_S, Sheets
from server.contacts.unsubscribe_links import UnsubscribeLinks
from server.contacts.unsubscribing import Unsubscribing
from server.emails.accept import Acceptor
from server.events.stream_counts import StreamCounts
from server.kernel import Kernel, Package
from server.net.http import GuardedClient
from server.work.sweeper import Sweeper

_USER_AGENT = "ZidiMail-Sheets/1"


def build(kernel: Kernel) -> Package:
    """Shows and changes contacts and their lists, sends to lists, and removes what is deleted or old."""
    database, writer, clock = kernel.database, kernel.writer, kernel.clock
    acceptor = Acceptor(
        writer,
        clock,
        kernel.backpressure.load,
        kernel.mail_queued,
        kernel.events_appended,
        kernel.settings.slow_start,
        kernel.settings.support_url,
    )
    settings = kernel.settings
    links = UnsubscribeLinks(settings.secret, settings.app_url)
    sender = ListSender(database, writer, clock, acceptor, links)

    async def sweep() -> bool:
        return await writer.run(lists.sweep)

    client = GuardedClient(
        kernel.resolver,
        allow_private_networks=settings.allow_private_networks,
        user_agent=_USER_AGENT,
        total_s=FETCH_S,
    )
    sheets = Sheets(client, settings.sheets_url)
    watchers = SendWatchers(database)
    send_servicer = SendServicer(
        Sends(database, writer, clock, links, sender.wake),
        watchers,
        StreamCounts(of_caller=settings.streams_of_caller, of_org=settings.streams_of_org),
        Unsubscribing(database, writer, clock, kernel.events_appended, links),
    )
    servicers = (ContactsServicer(database, writer, clock, kernel.events_appended, sheets), send_servicer)
    return Package(
        servicers={DESCRIPTOR.services_by_name["ContactsService"]: servicers},
        streams=[watchers],
        serving=[
            Sweeper("contacts.sweep", sweep),
            sheets,
            sender,
        ],
    )
