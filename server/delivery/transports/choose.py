"""Which transport the settings ask for."""

from server.delivery.transports.capture import Capture
from server.delivery.transports.mx import Mx
from server.delivery.transports.smarthost import Smarthost
from server.delivery.transports.transport import Transport
from server.net.dns import Resolver
from server.settings import Settings


def transport_of(settings: Settings, resolver: Resolver) -> Transport:
    """The transport named by `ZIDIMAIL_TRANSPORT`. Raises `SettingsError`."""
    match settings.transport:
        case "capture":
            return Capture(settings.data_dir / "captured", settings.site_concurrency)
        case "mx":
            return Mx(settings, resolver)
        case _:
            return Smarthost(settings, resolver)
