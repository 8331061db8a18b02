"""Builds the package."""

from zidimail.v1.contacts_service_pb2 import DESCRIPTOR

from server.contacts import lists
from server.contacts.rpc import ContactsServicer
from server.kernel import Kernel, Package
from server.work.sweeper import Sweeper


def build(kernel: Kernel) -> Package:
    """Shows and changes contacts and their lists, and removes the members of deleted lists."""

    async def sweep() -> bool:
        return await kernel.writer.run(lists.sweep)

    servicer = ContactsServicer(kernel.database, kernel.writer, kernel.clock)
    return Package(
        servicers={DESCRIPTOR.services_by_name["ContactsService"]: servicer},
        serving=[Sweeper("contacts.sweep", sweep)],
    )
