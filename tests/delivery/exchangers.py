"""Transports to MX hosts that a scripted DNS server names, and what became of the emails."""

from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

from server.db.database import Database
from server.delivery.smtp.target import Timeouts
from server.delivery.transports.mx import Mx
from server.net.dns import Resolver
from tests.delivery.letters import settings
from tests.delivery.queued import Queued, status_of
from tests.harness.dns_server import DnsServer

M = TypeVar("M", bound=Mx)


@overload
def transport(dns: DnsServer, port: int, timeouts: Timeouts | None = None) -> Mx: ...
@overload
def transport(dns: DnsServer, port: int, timeouts: Timeouts | None = None, *, kind: type[M]) -> M: ...
def transport(dns: DnsServer, port: int, timeouts: Timeouts | None = None, *, kind: type[Mx] = Mx) -> Mx:
    configured = settings("mx", dns=dns.address, mx_port=port, allow_private_networks=True)
    return kind(configured, Resolver(configured), timeouts or Timeouts())


def have(database: Database, emails: list[Queued], status: str) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return {await status_of(database, email) for email in emails} == {status}

    return look
