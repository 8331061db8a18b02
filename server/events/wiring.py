"""Builds the package."""

from zidimail.v1.event_service_pb2 import DESCRIPTOR

from server.events.rpc import EventServicer
from server.kernel import Kernel, Package


def build(kernel: Kernel) -> Package:
    """Lists and streams the log."""
    servicer = EventServicer(kernel.database, kernel.events_appended)
    return Package(
        servicers={DESCRIPTOR.services_by_name["EventService"]: servicer},
        streams=[servicer],
    )
