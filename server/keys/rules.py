"""The rules for the name and the bounds of an API key (contract rows Z-35, F-7)."""

import unicodedata
from collections.abc import Collection, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

import idna

from server.faults import ValidationFailed, Violation

MAX_NAME_LENGTH = 100
MAX_BOUNDS = 100
# The prefix `::ffff:0:0/96` of an IPv4 address that is mapped to IPv6.
_MAPPED_BITS = 96


def check_name(name: str) -> str:
    """The name of a key without the space around it: 1 to 100 characters (contract row Z-35).

    Raises `ValidationFailed`.
    """
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise ValidationFailed([Violation("name", f"must have 1 to {MAX_NAME_LENGTH} characters")])
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise ValidationFailed([Violation("name", "must not contain control characters")])
    return name


def domain_bounds(names: Sequence[str], own: Collection[str]) -> tuple[list[str], list[Violation]]:
    """The domains that a key is bound to, as A-labels, and the violations.

    `own` holds the organisation's domains; any other domain is a violation.
    """
    allowed, violations = [], _too_many("allowed_domains", names)
    for position, name in enumerate(names[:MAX_BOUNDS]):
        domain = _a_labels(name)
        if domain in own:
            allowed.append(domain)
        else:
            violations.append(
                Violation(f"allowed_domains[{position}]", "must be a domain of this organisation")
            )
    return list(dict.fromkeys(allowed)), violations


def address_bounds(texts: Sequence[str]) -> tuple[list[str], list[Violation]]:
    """The networks that a key may be used from, in canonical form, and the violations."""
    networks, violations = [], _too_many("allowed_ips", texts)
    for position, text in enumerate(texts[:MAX_BOUNDS]):
        try:
            networks.append(str(_network(text.strip())))
        except ValueError:
            violations.append(
                Violation(f"allowed_ips[{position}]", "must be an address or a network, such as 192.0.2.0/24")
            )
    return list(dict.fromkeys(networks)), violations


def _network(text: str) -> IPv4Network | IPv6Network:
    """The network of a text; an IPv4-mapped one as IPv4 (RFC 4291 section 2.5.5.2). Raises ValueError."""
    network = ip_network(text, strict=False)
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < _MAPPED_BITS:
        return network
    return ip_network((mapped, network.prefixlen - _MAPPED_BITS))


def _too_many(field: str, values: Sequence[str]) -> list[Violation]:
    return [Violation(field, f"must be at most {MAX_BOUNDS}")] if len(values) > MAX_BOUNDS else []


def _a_labels(name: str) -> str:
    try:
        return idna.encode(name.strip(), uts46=True).decode("ascii").removesuffix(".")
    except UnicodeError:
        return ""
