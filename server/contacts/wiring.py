"""Builds the package."""

from zidimail.v1.contacts_service_pb2 import DESCRIPTOR

from server.contacts import lists
from server.contacts.list_sender import ListSender
from server.contacts.rpc import ContactsServicer
from server.contacts.sheets import FETCH_S, Sheets
from server.emails.accept import Acceptor
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
    sender = ListSender(database, writer, clock, acceptor)

    async def sweep() -> bool:
        return await writer.run(lists.sweep)

    client = GuardedClient(
        kernel.resolver,
        allow_private_networks=kernel.settings.allow_private_networks,
        user_agent=_USER_AGENT,
        total_s=FETCH_S,
    )
    sheets = Sheets(client, kernel.settings.sheets_url)
    servicer = ContactsServicer(database, writer, clock, sheets, sender.wake)
    return Package(
        servicers={DESCRIPTOR.services_by_name["ContactsService"]: servicer},
        serving=[
            Sweeper("contacts.sweep", sweep),
            sheets,
            sender,
        ],
    )
