"""Selects the transport by the settings."""

from server.delivery.transport import Transport
from server.delivery.transports.capture import Capture
from server.delivery.transports.mx import Mx
from server.delivery.transports.simulator import Simulator, WithSimulator
from server.delivery.transports.smarthost import Smarthost, is_loopback, target_of
from server.net.dns import Resolver
from server.net.hosts import is_public_name
from server.settings import Settings, SettingsError


def transport_of(settings: Settings, resolver: Resolver) -> Transport:
    """The transport named by `ZIDIMAIL_TRANSPORT`, with the simulator beside it. Raises `SettingsError`."""
    _check_hostname(settings)
    simulator = Simulator(settings.simulator_domain, settings.site_concurrency)
    return WithSimulator(_real(settings, resolver), simulator, settings.simulator_domain)


def _check_hostname(settings: Settings) -> None:
    """Contract row C-61. Raises `SettingsError`."""
    if is_public_name(settings.hostname) or settings.transport == "capture":
        return
    if settings.transport != "mx" and is_loopback(target_of(settings.transport).name):
        return  # nobody else hears the name
    raise SettingsError(
        "ZIDIMAIL_HOSTNAME must be the public name of this host, such as mail.example.com, unless "
        "ZIDIMAIL_TRANSPORT is `capture`: it is the name given to receivers in EHLO, and the DNS records of "
        f"customers (SPF, return path) point below it. It is {settings.hostname!r}."
    )


def _real(settings: Settings, resolver: Resolver) -> Transport:
    match settings.transport:
        case "capture":
            return Capture(settings.data_dir / "captured", settings.site_concurrency)
        case "mx":
            return Mx(settings, resolver)
        case _:
            return Smarthost(settings, resolver)
