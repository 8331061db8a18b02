"""Delivers to the hosts that the recipients' domains name in DNS."""

from collections.abc import Sequence

from server.delivery.route import Router
from server.delivery.smtp.target import Target, Timeouts
from server.delivery.transports.over_smtp import OverSmtp
from server.net.dns import Resolver
from server.settings import Settings


class Mx(OverSmtp):
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
        """See `OverSmtp`."""
        return [Target(host, address, self._port) for host, address in await self._router.route(site)]
