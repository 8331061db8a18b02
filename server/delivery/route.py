"""The hosts that take a domain's mail: MX records, else its own address (RFC 5321 section 5, RFC 7505)."""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from server.delivery.verdict import Outcome, impossible, unreachable
from server.net.dns import DnsTemporaryError, NxDomain, Resolver
from server.net.guard import is_allowed

# Limits of one attempt: of all addresses that it tries, and of those of one host.
MAX_ADDRESSES = 5
MAX_ADDRESSES_PER_HOST = 2
# The hosts of a set that are looked up at all, and at once: almost always the first ones are enough.
_MAX_HOSTS = 20
_HOSTS_AT_ONCE = MAX_ADDRESSES

Shuffle = Callable[[list[str]], None]
MailExchanger = tuple[int, str]
Address = tuple[str, str]


class NoRoute(Exception):
    """The domain has no reachable host; `outcome` is a deferral or a bounce."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome


class Router:
    """Finds the hosts of a domain. The resolver keeps answers as long as their owners allow."""

    def __init__(
        self,
        resolver: Resolver,
        hostname: str,
        *,
        allow_private_networks: bool,
        shuffle: Shuffle = random.shuffle,
    ) -> None:
        self._resolver = resolver
        self._hostname = hostname.lower()
        self._allow_private_networks = allow_private_networks
        self._shuffle = shuffle

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
        usable = without_loop([pair for pair in exchangers if pair[1]], self._hostname)
        hosts = in_order(usable, self._shuffle)[:_MAX_HOSTS]
        if not hosts:
            raise NoRoute(unreachable("4.4.6", f"the best mail exchanger of {domain} is this host itself"))
        return hosts

    async def _addresses(self, domain: str, hosts: Sequence[str]) -> list[Address]:
        limit = MAX_ADDRESSES_PER_HOST if len(hosts) > 1 else MAX_ADDRESSES
        found: list[Address] = []
        problem: Outcome | None = None
        nothing = True
        for start in range(0, len(hosts), _HOSTS_AT_ONCE):
            some = hosts[start : start + _HOSTS_AT_ONCE]
            # Together, as each name server that does not answer takes its time.
            answers = await asyncio.gather(*map(self._resolver.addresses, some), return_exceptions=True)
            for host, addresses in zip(some, answers, strict=True):
                if isinstance(addresses, NxDomain):
                    continue
                if isinstance(addresses, DnsTemporaryError):
                    nothing = False
                    problem = unreachable("4.4.3", f"the name service gave no answer: {addresses}")
                    continue
                if isinstance(addresses, BaseException):
                    raise addresses
                nothing = nothing and not addresses
                allowed = [address for address in addresses if self._is_allowed(host, address)]
                if len(allowed) < len(addresses):
                    text = f"{host} has an address that no public mail host has"
                    problem = problem or unreachable("4.4.4", text)
                found += [(host, address) for address in interleaved(allowed, self._shuffle)[:limit]]
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


def in_order(exchangers: Sequence[MailExchanger], shuffle: Shuffle = random.shuffle) -> list[str]:
    """Hosts by preference, those of the same preference in random order (RFC 5321 section 5.1)."""
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


def interleaved(addresses: Sequence[str], shuffle: Shuffle = random.shuffle) -> list[str]:
    """Addresses of both families in turn, so that a broken family costs one try and not the message.

    Those of one family are equal, and come in random order: the resolver's cache keeps one order for long.
    """
    families = [[a for a in addresses if ":" not in a], [a for a in addresses if ":" in a]]
    for family in families:
        shuffle(family)
    return list(_alternating(families))


def _alternating(lists: Sequence[list[str]]) -> Iterator[str]:
    for place in range(max(map(len, lists), default=0)):
        yield from (items[place] for items in lists if place < len(items))
