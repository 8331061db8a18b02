"""Delivers all mail to one host, which relays it."""

import ipaddress
import ssl
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from server.delivery.route import MAX_ADDRESSES, NoRoute, interleaved
from server.delivery.smtp.pool import IDLE_S
from server.delivery.smtp.target import Credentials, Target, Timeouts, Tls
from server.delivery.transports.smtp_transport import SmtpTransport
from server.delivery.verdict import unreachable
from server.net.dns import DnsTemporaryError, NxDomain, Resolver
from server.settings import Settings, SettingsError

_SCHEMES = {
    "smtp": (Tls.OPPORTUNISTIC, 25),
    "smtp+starttls": (Tls.REQUIRED, 587),
    "smtps": (Tls.IMPLICIT, 465),
}
_SITE = "smarthost"


def target_of(url: str) -> Target:
    """The host of a URL `smtp[+starttls|s]://[user:password@]host[:port]`; its address is empty.

    With credentials, `smtp` requires STARTTLS with a valid certificate too, unless the host is on this
    machine: a password is never sent in clear. Raises `SettingsError`, whose message never shows the URL.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in _SCHEMES or not host or parts.path not in ("", "/") or parts.query:
        raise SettingsError(
            "ZIDIMAIL_TRANSPORT must be `capture`, `mx`, or a smarthost's URL such as"
            " `smtp://user:password@host:587`; its value is not shown here."
        )
    tls, default_port = _SCHEMES[parts.scheme]
    credentials = None
    if parts.username:
        credentials = Credentials(unquote(parts.username), unquote(parts.password or ""))
        if tls is Tls.OPPORTUNISTIC and not is_loopback(host):
            tls = Tls.REQUIRED
            default_port = 587
    return Target(host, "", port or default_port, tls, credentials)


def is_loopback(host: str) -> bool:
    """True for a host on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Smarthost(SmtpTransport):
    """One site for all mail."""

    has_many_sites = False

    def __init__(
        self,
        settings: Settings,
        resolver: Resolver,
        timeouts: Timeouts | None = None,
        verified: ssl.SSLContext | None = None,
        idle_s: float = IDLE_S,
    ) -> None:
        super().__init__(settings.hostname, settings.site_concurrency, timeouts, verified, idle_s)
        self._target = target_of(settings.transport)
        self._resolver = resolver

    def site_of(self, domain: str) -> str:
        """See `Transport`."""
        return _SITE

    async def targets(self, site: str) -> Sequence[Target]:
        """See `SmtpTransport`. The host may be in a private network, as the operator chose it."""
        host = self._target
        try:
            addresses = await self._resolver.addresses(host.name)
        except (NxDomain, DnsTemporaryError) as error:
            text = f"the smarthost's name {host.name} has no address now: {error}"
            raise NoRoute(unreachable("4.4.3", text)) from None
        if not addresses:
            raise NoRoute(unreachable("4.4.3", f"the smarthost's name {host.name} has no address"))
        return [
            Target(host.name, address, host.port, host.tls, host.credentials)
            for address in interleaved(addresses)[:MAX_ADDRESSES]
        ]
