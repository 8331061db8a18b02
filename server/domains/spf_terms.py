"""The grammar of SPF records (RFC 7208 sections 4.6.1, 5, 6 and 12)."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Literal, cast

from server.domains.spf_macros import Template, domain_spec, macro_string

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Mechanism = Literal["all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"]
Verdict = Literal["pass", "fail", "softfail", "neutral"]

VERSION = "v=spf1"
_QUALIFIERS: dict[str, Verdict] = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_MODIFIER = re.compile(r"([a-z][a-z0-9_.-]*)=(.*)", re.I | re.S)
_DIRECTIVE = re.compile(r"([+\-~?]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?=[:/]|\Z)(.*)", re.I | re.S)
_PREFIXES = re.compile(r"(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?\Z")
_V4_BITS, _V6_BITS = 32, 128


class SpfSyntaxError(Exception):
    """A term that no receiver accepts: the whole record is an error (section 4.6)."""


@dataclass(frozen=True, slots=True)
class Directive:
    """A mechanism and the result that it gives; `text` is as written."""

    text: str
    verdict: Verdict
    mechanism: Mechanism
    target: Template | None = None
    v4_bits: int = _V4_BITS
    v6_bits: int = _V6_BITS
    network: Network | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The terms of a record; `redirect` counts only if there is no `all` (section 6.1)."""

    directives: tuple[Directive, ...]
    redirect: Template | None


def is_spf(record: str) -> bool:
    """True for a TXT record that is an SPF record (section 4.5)."""
    return record.lower().split(" ", 1)[0] == VERSION


def parse(record: str) -> Policy:
    """Reads a record for which `is_spf` holds. Raises `SpfSyntaxError`."""
    directives: list[Directive] = []
    modifiers: dict[str, Template] = {}
    for text in filter(None, record[len(VERSION) :].split(" ")):
        try:
            if modifier := _MODIFIER.fullmatch(text):
                _add_modifier(modifiers, modifier[1].lower(), modifier[2])
            else:
                directives.append(_directive(text))
        except ValueError as error:
            raise SpfSyntaxError(f"the term {text!r} is wrong: {error}") from None
    ends = any(directive.mechanism == "all" for directive in directives)
    return Policy(tuple(directives), None if ends else modifiers.get("redirect"))


def _add_modifier(modifiers: dict[str, Template], name: str, value: str) -> None:
    if name not in {"redirect", "exp"}:
        macro_string(value, explanation=True)
        return
    if name in modifiers:
        raise ValueError(f"{name}= may stand there once")
    modifiers[name] = domain_spec(value)


def _directive(text: str) -> Directive:
    found = _DIRECTIVE.fullmatch(text)
    if found is None:
        raise ValueError("no such mechanism")
    verdict = _QUALIFIERS[found[1] or "+"]
    mechanism = cast(Mechanism, found[2].lower())
    rest = found[3]
    match mechanism:
        case "all":
            if rest:
                raise ValueError("nothing may follow `all`")
            return Directive(text, verdict, mechanism)
        case "ip4" | "ip6":
            return Directive(text, verdict, mechanism, network=_network(mechanism, rest))
        case "a" | "mx":
            return _host_directive(text, verdict, mechanism, rest)
        case "ptr":
            return Directive(text, verdict, mechanism, domain_spec(rest[1:]) if rest else None)
        case _:
            if not rest.startswith(":"):
                raise ValueError("a domain name is missing")
            return Directive(text, verdict, mechanism, domain_spec(rest[1:]))


def _host_directive(text: str, verdict: Verdict, mechanism: Mechanism, rest: str) -> Directive:
    prefixes = cast(re.Match[str], _PREFIXES.search(rest))
    v4_bits, v6_bits = int(prefixes[1] or _V4_BITS), int(prefixes[2] or _V6_BITS)
    if v4_bits > _V4_BITS or v6_bits > _V6_BITS:
        raise ValueError("the prefix is too long")
    name = rest[: prefixes.start()]
    target = domain_spec(name[1:]) if name else None
    return Directive(text, verdict, mechanism, target, v4_bits, v6_bits)


def _network(mechanism: Mechanism, rest: str) -> Network:
    address, slash, bits = rest.removeprefix(":").partition("/")
    longest = _V4_BITS if mechanism == "ip4" else _V6_BITS
    if not rest.startswith(":") or "%" in address:
        raise ValueError("an IP address is missing")
    if slash and (not re.fullmatch(r"0|[1-9][0-9]{0,2}", bits, re.ASCII) or int(bits) > longest):
        raise ValueError("the prefix is not a number of bits")
    prefix = int(bits) if slash else longest
    if mechanism == "ip4":
        return ipaddress.IPv4Network((ipaddress.IPv4Address(address), prefix), strict=False)
    return ipaddress.IPv6Network((ipaddress.IPv6Address(address), prefix), strict=False)
