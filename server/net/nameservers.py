"""The recursive name servers: `ZIDIMAIL_DNS`, by default those of the system."""

from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.nameserver
import dns.rcode
import dns.rdatatype
import dns.resolver

from server.net.hosts import ip_address
from server.settings import Settings, SettingsError


def name_servers(settings: Settings) -> list[dns.nameserver.Nameserver]:
    """The name servers, at least one. Raises `SettingsError`."""
    servers = [_server(settings.dns)] if settings.dns else _system_servers()
    return [_RecursiveServer(address, port) for address, port in servers]


class _RecursiveServer(dns.nameserver.Do53Nameserver):
    """A name server whose referrals are failures: dnspython would take them for "no such record"."""

    # The arguments are dnspython's, passed on.
    async def async_query(self, *args: Any, **kwargs: Any) -> dns.message.Message:
        response = await super().async_query(*args, **kwargs)
        types = {rrset.rdtype for rrset in response.authority}
        if (
            response.rcode() == dns.rcode.NOERROR
            and not response.answer
            and not response.flags & dns.flags.AA
            and dns.rdatatype.NS in types
            and dns.rdatatype.SOA not in types
        ):
            raise dns.exception.FormError("a referral")
        return response


def _server(text: str) -> tuple[str, int]:
    """Reads `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`. Raises `SettingsError`."""
    host, port = text, "53"
    if ip_address(text) is None:
        host, _, port = text.rpartition(":")
    address = ip_address(host.removeprefix("[").removesuffix("]"))
    if address is None or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise SettingsError(
            f"ZIDIMAIL_DNS must be the IP address of a resolver, with or without a port, not {text!r}."
        )
    return address, int(port)


def _system_servers() -> list[tuple[str, int]]:
    try:
        system = dns.resolver.Resolver()
    except dns.resolver.NoResolverConfiguration:
        return [("127.0.0.1", 53)]  # as the C library does
    addresses = [server for server in system.nameservers if isinstance(server, str)]
    return [(address, system.port) for address in addresses] or [("127.0.0.1", 53)]
