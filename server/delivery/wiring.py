"""Builds the package."""

from server.delivery.engine import Engine
from server.delivery.transports.choose import transport_of
from server.kernel import Kernel, Package


def build(kernel: Kernel) -> Package:
    """Delivers mail by the transport of the settings."""
    engine = Engine(
        kernel.database,
        kernel.writer,
        kernel.settings,
        kernel.clock,
        kernel.seal,
        transport_of(kernel.settings, kernel.resolver),
        kernel.mail_queued,
        kernel.events_appended,
        kernel.backpressure,
    )
    return Package(delivering=[engine])
