"""Delivers to the MX hosts of the recipients' domains."""

from collections.abc import Sequence

from server.delivery.route import NoRoute, Router
from server.delivery.smtp.target import Target, Timeouts
from server.delivery.transports.smtp_transport import SmtpTransport
from server.delivery.verdict import unreachable
from server.net.dns import Resolver
from server.settings import Settings


class Mx(SmtpTransport):
    """Each domain is a site."""

    has_many_sites = True

    def __init__(self, settings: Settings, resolver: Resolver, timeouts: Timeouts | None = None) -> None:
        super().__init__(settings.hostname, settings.site_concurrency, timeouts)
        self._port = settings.mx_port
        self._router = Router(
            resolver, settings.hostname, allow_private_networks=settings.allow_private_networks
        )

    def site_of(self, domain: str) -> str:
        """See `Transport`."""
        return domain

    async def targets(self, site: str) -> Sequence[Target]:
        """See `SmtpTransport`. Hosts that were silent lately are left out."""
        found = [Target(host, address, self._port) for host, address in await self._router.route(site)]
        waits = [self.silence.wait_s(target) for target in found]
        if all(waits):
            first, wait_s = found[0], min(waits)
            text = f"it said nothing when it was last tried, and is tried again in {wait_s:.0f} s"
            raise NoRoute(unreachable("4.4.1", text, first.display_name))
        return [target for target, wait_s in zip(found, waits, strict=True) if not wait_s]
