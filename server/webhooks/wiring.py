"""Builds the package."""

from zidimail.v1.webhook_service_pb2 import DESCRIPTOR

from server.kernel import Kernel, Package
from server.webhooks.dispatch import Dispatcher
from server.webhooks.fan_out import FanOut
from server.webhooks.receivers import Receivers
from server.webhooks.rpc import WebhookServicer


def build(kernel: Kernel) -> Package:
    """Manages webhooks, and calls them for each event."""
    database, writer, clock, settings = kernel.database, kernel.writer, kernel.clock, kernel.settings
    receivers = Receivers(database)
    dispatcher = Dispatcher(
        database, writer, settings, clock, kernel.seal, kernel.resolver, kernel.webhook_calls_due, receivers
    )
    fan_out = FanOut(
        database,
        writer,
        clock,
        kernel.events_appended,
        kernel.webhook_calls_due,
        kernel.backpressure,
    )
    servicer = WebhookServicer(
        database, writer, settings, clock, kernel.seal, kernel.webhook_calls_due, receivers
    )
    return Package(
        servicers={DESCRIPTOR.services_by_name["WebhookService"]: servicer},
        # The fan-out stops first: the calls that it adds are made by another process, or later.
        delivering=[dispatcher, fan_out],
    )
