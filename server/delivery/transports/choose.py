"""Selects the transport by the settings."""

from server.delivery.transport import Transport
from server.delivery.transports.capture import Capture
from server.delivery.transports.mx import Mx
from server.delivery.transports.simulator import Simulator, WithSimulator
from server.delivery.transports.smarthost import Smarthost
from server.net.dns import Resolver
from server.settings import Settings


def transport_of(settings: Settings, resolver: Resolver) -> Transport:
    """The transport named by `ZIDIMAIL_TRANSPORT`, with the simulator beside it. Raises `SettingsError`."""
    simulator = Simulator(settings.simulator_domain, settings.site_concurrency)
    return WithSimulator(_real(settings, resolver), simulator, settings.simulator_domain)


def _real(settings: Settings, resolver: Resolver) -> Transport:
    match settings.transport:
        case "capture":
            return Capture(settings.data_dir / "captured", settings.site_concurrency)
        case "mx":
            return Mx(settings, resolver)
        case _:
            return Smarthost(settings, resolver)
