"""Which transport the settings ask for."""

from server.delivery.transports.capture import Capture
from server.delivery.transports.transport import Transport
from server.net.dns import Resolver
from server.settings import Settings, SettingsError


def transport_of(settings: Settings, resolver: Resolver) -> Transport:
    """The transport named by `ZIDIMAIL_TRANSPORT`. Raises `SettingsError`."""
    if settings.transport == "capture":
        return Capture(settings.data_dir / "captured", settings.site_concurrency)
    raise SettingsError(
        "ZIDIMAIL_TRANSPORT must be `capture`, `mx`, or a smarthost's URL `smtp://host:port`."
    )
