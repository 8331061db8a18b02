"""Receivers of mail that are found through DNS."""

from contextlib import AsyncExitStack
from typing import Any

from server.delivery.smtp.target import Timeouts
from server.delivery.transports.mx import Mx
from server.delivery.verdict import Outcome
from server.net.dns import Resolver
from tests.delivery.letters import SHORT, Dots, letter, settings
from tests.harness.dns_server import DnsServer
from tests.harness.smtp_sink import SmtpSink


class World:
    """A DNS server, and hosts that are reached through it."""

    def __init__(self, dns: DnsServer, stack: AsyncExitStack) -> None:
        self.dns = dns
        self._stack = stack
        self.port = 0

    async def host(self, address: str = "127.0.0.1") -> SmtpSink:
        """A receiver; all of them share one port, as on the internet."""
        sink = await self._stack.enter_async_context(SmtpSink(host=address, port=self.port))
        self.port = sink.port
        return sink

    def mx(self, timeouts: Timeouts = SHORT, **changes: Any) -> Mx:
        configured = settings(
            "mx",
            **{"dns": self.dns.address, "mx_port": self.port or 1, "allow_private_networks": True} | changes,
        )
        transport = Mx(configured, Resolver(configured), timeouts)
        self._stack.push_async_callback(transport.close)
        return transport

    async def deliver(self, transport: Mx | None = None, domain: str = "r.test") -> Outcome:
        mx = transport or self.mx()
        outcomes = await mx.deliver(letter(), {1: f"ok@{domain}"}, mx.site_of(domain), Dots())
        return outcomes[1]

    async def site(self, count: int, domain: str = "r.test") -> list[SmtpSink]:
        """Hosts of a domain, the one to be preferred first."""
        sinks = []
        for no in range(1, count + 1):
            sinks.append(await self.host(f"127.0.0.{no}"))
            self.dns.zones[f"mx{no}.{domain}", "A"] = [f"127.0.0.{no}"]
        self.dns.zones[domain, "MX"] = [f"{no * 10} mx{no}.{domain}." for no in range(1, count + 1)]
        return sinks
