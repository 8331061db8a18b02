"""Host names as people type them at their DNS provider: relative to the zone of their domain."""

from functools import cache

from publicsuffixlist import PublicSuffixList

APEX = "@"


def zone_of(domain: str) -> str:
    """The zone that holds a domain: the registered name, one label below a public suffix.

    A domain that is itself a public suffix is its own zone. The list is the one of the installed package:
    nothing is downloaded.
    """
    return _suffixes().privatesuffix(domain) or domain


def host_in(zone: str, name: str) -> str:
    """`name` relative to a zone at or above it; `@` for the zone itself."""
    return APEX if name == zone else name.removesuffix(f".{zone}")


@cache
def _suffixes() -> PublicSuffixList:
    # Read at the first use: it takes some 50 ms.
    return PublicSuffixList()
