"""Builds the package."""

from zidimail.v1.event_service_pb2 import DESCRIPTOR

from server.events.cursors import Cursors
from server.events.rpc import EventServicer
from server.events.stream_counts import StreamCounts
from server.events.watchers import Watchers
from server.kernel import Kernel, Package


def build(kernel: Kernel) -> Package:
    """Lists and streams the log."""
    settings = kernel.settings
    watchers = Watchers(kernel.database, kernel.events_appended, kernel.backpressure)
    counts = StreamCounts(of_caller=settings.streams_of_caller, of_org=settings.streams_of_org)
    servicer = EventServicer(kernel.database, watchers, counts, Cursors(settings.secret))
    return Package(
        servicers={DESCRIPTOR.services_by_name["EventService"]: servicer},
        streams=[servicer],
    )
