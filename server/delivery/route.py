"""The hosts that take a domain's mail: MX records, else its own address (RFC 5321 section 5, RFC 7505)."""

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from server.delivery.verdict import Outcome, impossible, unreachable
from server.net.dns import DnsTemporaryError, NxDomain, Resolver
from server.net.guard import is_allowed

# Limits of one attempt: of all addresses that it tries, and of those of one host.
MAX_ADDRESSES = 5
MAX_ADDRESSES_PER_HOST = 2

MailExchanger = tuple[int, str]
Address = tuple[str, str]


class NoRoute(Exception):
    """The domain has no reachable host; `outcome` is a deferral or a bounce."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome


class Router:
    """Finds the hosts of a domain. The resolver keeps answers as long as their owners allow."""

    def __init__(self, resolver: Resolver, hostname: str, *, allow_private_networks: bool) -> None:
        self._resolver = resolver
        self._hostname = hostname.lower()
        self._allow_private_networks = allow_private_networks

    async def route(self, domain: str) -> list[Address]:
        """Up to five hosts with their addresses, in the order in which they are to be tried.

        Raises `NoRoute`: for good only if the domain does not exist, has no host at all, or says that it
        takes no mail.
        """
        try:
            hosts = await self._hosts(domain)
        except DnsTemporaryError as error:
            raise NoRoute(unreachable("4.4.3", f"the name service gave no answer: {error}")) from None
        except NxDomain:
            raise NoRoute(impossible("5.1.2", f"the domain {domain} does not exist")) from None
        return await self._addresses(domain, hosts)

    async def _hosts(self, domain: str) -> list[str]:
        exchangers = await self._resolver.mx(domain)
        if not exchangers:
            return [domain]
        if [host for _, host in exchangers] == [""]:
            raise NoRoute(impossible("5.1.10", f"the domain {domain} takes no mail (null MX)"))
        hosts = in_order(without_loop([pair for pair in exchangers if pair[1]], self._hostname))
        if not hosts:
            raise NoRoute(unreachable("4.4.6", f"the best mail exchanger of {domain} is this host itself"))
        return hosts

    async def _addresses(self, domain: str, hosts: Sequence[str]) -> list[Address]:
        found: list[Address] = []
        problem: Outcome | None = None
        nothing = True
        for host in hosts:
            try:
                addresses = await self._resolver.addresses(host)
            except NxDomain:
                continue
            except DnsTemporaryError as error:
                nothing = False
                problem = unreachable("4.4.3", f"the name service gave no answer: {error}")
                continue
            nothing = nothing and not addresses
            allowed = [address for address in addresses if self._is_allowed(host, address)]
            if len(allowed) < len(addresses):
                text = f"{host} has an address that no public mail host has"
                problem = problem or unreachable("4.4.4", text)
            limit = MAX_ADDRESSES_PER_HOST if len(hosts) > 1 else MAX_ADDRESSES
            found += [(host, address) for address in interleaved(allowed)[:limit]]
            if len(found) >= MAX_ADDRESSES:
                break
        if found:
            return found[:MAX_ADDRESSES]
        if nothing and list(hosts) == [domain]:
            raise NoRoute(
                impossible("5.1.2", f"the domain {domain} has neither a mail exchanger nor an address")
            )
        raise NoRoute(problem or unreachable("4.4.4", f"no mail exchanger of {domain} has an address"))

    def _is_allowed(self, host: str, address: str) -> bool:
        # An MX record must name a host; one that holds an address is broken, or bait.
        return host != address and is_allowed(address, allow_private_networks=self._allow_private_networks)


def in_order(
    exchangers: Sequence[MailExchanger], shuffle: Callable[[list[str]], None] = random.shuffle
) -> list[str]:
    """Hosts by preference, those of the same preference in random order, to spread the load."""
    hosts: list[str] = []
    for _, equals in groupby(sorted(exchangers), key=lambda pair: pair[0]):
        names = [host for _, host in equals]
        shuffle(names)
        hosts += names
    return list(dict.fromkeys(hosts))


def without_loop(exchangers: Sequence[MailExchanger], hostname: str) -> list[MailExchanger]:
    """The exchangers that are better than this host itself (RFC 5321 section 5.1)."""
    ours = min((preference for preference, host in exchangers if host == hostname), default=None)
    return [pair for pair in exchangers if ours is None or pair[0] < ours]


def interleaved(addresses: Sequence[str]) -> list[str]:
    """Addresses of both families in turn, so that a broken family costs one try and not the message."""
    families = [[a for a in addresses if ":" not in a], [a for a in addresses if ":" in a]]
    return list(_alternating(families))


def _alternating(lists: Sequence[list[str]]) -> Iterator[str]:
    for place in range(max(map(len, lists), default=0)):
        yield from (items[place] for items in lists if place < len(items))
