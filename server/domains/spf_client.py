"""The client of an SPF check (RFC 7208 section 4.1): an address, a network, or an unknown address."""

import ipaddress
from collections.abc import Sequence

from server.domains.spf_terms import Network

# A term that depends on the very address is tried with every address of so small a network (addresses).
_SMALL_NETWORK = 16


class Split(Exception):
    """Parts of the client may get different results: each of `networks` must be checked alone."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self.networks = networks


class Client:
    """With None for a network, an IPv4 address that no record lists.

    An IPv4 address that is written as an IPv6 one is an IPv4 address (section 5).
    """

    def __init__(self, network: Network | None) -> None:
        if isinstance(network, ipaddress.IPv6Network) and network.prefixlen == network.max_prefixlen:
            mapped = network.network_address.ipv4_mapped
            network = network if mapped is None else ipaddress.IPv4Network(mapped)
        self._network = network
        self.version = 4 if network is None else network.version

    @property
    def known(self) -> bool:
        """True if it has an address."""
        return self._network is not None

    def is_in(self, network: Network) -> bool:
        """True if all of it is inside a network. Raises `Split` if only a part is."""
        mine = self._network
        if isinstance(mine, ipaddress.IPv4Network) and isinstance(network, ipaddress.IPv4Network):
            if mine.subnet_of(network) or not network.subnet_of(mine):
                return mine.subnet_of(network)
            raise Split([network, *mine.address_exclude(network)])
        if isinstance(mine, ipaddress.IPv6Network) and isinstance(network, ipaddress.IPv6Network):
            if mine.subnet_of(network) or not network.subnet_of(mine):
                return mine.subnet_of(network)
            raise Split([network, *mine.address_exclude(network)])
        return False

    def address(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
        """Its one address. Raises `Split`: a large network is tried with its first and its last address."""
        if self._network is None:
            raise ValueError("the client has no address")
        if self._network.num_addresses == 1:
            return self._network.network_address
        few = self._network.num_addresses <= _SMALL_NETWORK
        addresses = self._network if few else (self._network[0], self._network[-1])
        raise Split([ipaddress.ip_network(str(address)) for address in addresses])
