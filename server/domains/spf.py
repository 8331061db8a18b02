"""Evaluates SPF records (RFC 7208) for one client: an address, a network, or an address that nobody knows.

Explanations (`exp=`) are not looked up: they do not change a result.
"""

import ipaddress
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from server.domains.look_ups import LookUps, TooManyLookUps
from server.domains.spf_client import Client
from server.domains.spf_macros import Template
from server.domains.spf_outcome import Included, Outcome, Result, Sender
from server.domains.spf_terms import Directive, Network, Policy, SpfSyntaxError, is_spf, parse
from server.net.dns import DnsTemporaryError

T = TypeVar("T")
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Section 4.6.4.
MAX_TERMS = 10
MAX_VOID_TERMS = 2
MAX_HOSTS = 10
_MAX_NAME, _MAX_LABEL = 253, 63
# The letters of macros that need the address of the client.
_ADDRESS_LETTERS = {"i", "p"}


async def check_host(
    look_ups: LookUps, client: Network | None, sender: Sender, included: Included | None = None
) -> Outcome:
    """Section 4. Raises `Split` if parts of the client may get different results.

    A client of None is an address that no term lists: `all` and an `exists` without its address match it.
    """
    return await _Check(look_ups, Client(client), sender, included).run()


class _Failure(Exception):
    def __init__(self, result: Result, domain: str, reason: str) -> None:
        self.outcome = Outcome(result, domain, reason=reason)


class _Check:
    def __init__(self, look_ups: LookUps, client: Client, sender: Sender, included: Included | None) -> None:
        self._look_ups = look_ups
        self._client = client
        self._sender = sender
        self._included = included
        self._terms = 0
        self._void_terms = 0
        self._hint = ""

    async def run(self) -> Outcome:
        try:
            outcome = await self._check(self._sender.domain)
        except _Failure as failure:
            outcome = failure.outcome
        except TooManyLookUps:
            outcome = Outcome(
                "permerror", self._sender.domain, reason="the record leads to too many look-ups"
            )
        return replace(outcome, hint=self._hint)

    async def _check(self, domain: str) -> Outcome:
        if not _is_name(domain):
            return Outcome("none", domain, reason=f"{domain!r} is not a domain name")
        policy = await self._policy(domain)
        if policy is None:
            return Outcome("none", domain, reason=f"{domain} has no SPF record")
        for position, directive in enumerate(policy.directives):
            inner = await self._match(directive, domain)
            if inner is not None:
                by_inclusion = inner.by_inclusion and directive.verdict == "pass"
                if directive.verdict != "pass":
                    self._note(inner, directive, policy.directives[position + 1 :], domain)
                return Outcome(directive.verdict, domain, directive.text, by_inclusion=by_inclusion)
        if policy.redirect is not None:
            return await self._redirected(policy.redirect, domain)
        return Outcome("neutral", domain, reason=f"no term of the SPF record of {domain} matches")

    async def _policy(self, domain: str) -> Policy | None:
        """The record of a domain (sections 4.4 to 4.6)."""
        found = [record for record in await self._asked(self._look_ups.txt(domain), domain) if is_spf(record)]
        if len(found) > 1:
            reason = f"{domain} has {len(found)} SPF records, and may have one"
            raise _Failure("permerror", domain, reason)
        try:
            return parse(found[0]) if found else None
        except SpfSyntaxError as error:
            raise _Failure("permerror", domain, f"in the SPF record of {domain}, {error}") from None

    async def _match(self, directive: Directive, domain: str) -> Outcome | None:
        """An outcome if the mechanism matches (section 5), its cause inside an included record known."""
        matches = Outcome("pass", domain, directive.text)
        match directive.mechanism:
            case "all":
                return matches
            case "ip4" | "ip6":
                return matches if directive.network and self._client.is_in(directive.network) else None
        self._count(directive.text, domain)
        if directive.mechanism == "ptr":
            return matches if await self._ptr(directive.target, domain) else None
        name = await self._name(directive.target, domain)
        if name is None:
            return None
        match directive.mechanism:
            case "include":
                return await self._include(name, directive, domain)
            case "a":
                return matches if await self._a(name, directive, domain) else None
            case "mx":
                return matches if await self._mx(name, directive, domain) else None
            case _:
                found = await self._asked(self._look_ups.addresses(name, 4), domain)
                return matches if self._nonvoid(found, directive.text, domain) else None

    async def _include(self, name: str, directive: Directive, domain: str) -> Outcome | None:
        """Section 5.2."""
        if self._is_included(name):
            return self._inclusion(directive.text, domain)
        inner = await self._check(name)
        if inner.result == "none":
            reason = f"{directive.text} of {domain} leads to {name}, which has no SPF record"
            raise _Failure("permerror", domain, reason)
        return inner if inner.result == "pass" else None

    async def _redirected(self, redirect: Template, domain: str) -> Outcome:
        """Section 6.1."""
        text = f"redirect={redirect.source}"
        self._count(text, domain)
        name = await self._name(redirect, domain)
        if name is None:
            return Outcome("neutral", domain, text, reason=f"{text} of {domain} depends on the address")
        if self._is_included(name):
            return self._inclusion(text, domain)
        outcome = await self._check(name)
        if outcome.result == "none":
            reason = f"{text} of {domain} leads to {name}, which has no SPF record"
            raise _Failure("permerror", domain, reason)
        return outcome

    async def _a(self, name: str, directive: Directive, domain: str) -> bool:
        """Section 5.3."""
        found = await self._asked(self._look_ups.addresses(name, self._client.version), domain)
        return self._covered(self._nonvoid(found, directive.text, domain), directive)

    async def _mx(self, name: str, directive: Directive, domain: str) -> bool:
        """Section 5.4."""
        hosts = await self._asked(self._look_ups.mx(name), domain)
        if len(hosts) > MAX_HOSTS:
            reason = f"{directive.text} of {domain} leads to more than {MAX_HOSTS} MX hosts"
            raise _Failure("permerror", domain, reason)
        for _, host in self._nonvoid(hosts, directive.text, domain):
            addresses = await self._asked(self._look_ups.addresses(host, self._client.version), domain)
            if host and self._covered(addresses, directive):
                return True
        return False

    async def _ptr(self, target: Template | None, domain: str) -> bool:
        """Section 5.5."""
        ending = domain if target is None else await self._name(target, domain)
        if not self._client.known or ending is None:
            return False
        suffix = ending.lower()
        names = await self._validated(self._client.address())
        return any(name == suffix or name.endswith(f".{suffix}") for name in names)

    async def _validated(self, address: _Address) -> list[str]:
        """The names of an address that lead back to it; failed look-ups are as no name."""
        try:
            names = await self._look_ups.names(address.reverse_pointer)
        except DnsTemporaryError:
            return []
        return [name for name in names[:MAX_HOSTS] if await self._leads_to(name, address)]

    async def _leads_to(self, name: str, address: _Address) -> bool:
        try:
            found = await self._look_ups.addresses(name, address.version)
        except DnsTemporaryError:
            return False
        return address in map(ipaddress.ip_address, found)

    async def _name(self, target: Template | None, domain: str) -> str | None:
        """The name that a term leads to (section 7); None if it depends on an address that is not known."""
        if target is None:
            return domain
        letters = target.letters
        if not letters & _ADDRESS_LETTERS:
            return target.name(self._values(domain))
        if not self._client.known:
            return None
        address = self._client.address()
        values = {**self._values(domain), "i": _dotted(address)}
        if "p" in letters:
            values["p"] = _best_name(await self._validated(address), domain)
        return target.name(values)

    def _values(self, domain: str) -> Mapping[str, str]:
        sender = self._sender
        return {
            "s": f"{sender.local}@{sender.domain}",
            "l": sender.local,
            "o": sender.domain,
            "d": domain,
            "h": sender.helo,
            "v": "in-addr" if self._client.version == 4 else "ip6",
        }

    def _covered(self, addresses: Sequence[str], directive: Directive) -> bool:
        bits = directive.v4_bits if self._client.version == 4 else directive.v6_bits
        networks = (ipaddress.ip_network(f"{address}/{bits}", strict=False) for address in addresses)
        return any(self._client.is_in(network) for network in networks)

    def _is_included(self, name: str) -> bool:
        return self._included is not None and name.lower() == self._included.name.lower()

    def _inclusion(self, text: str, domain: str) -> Outcome:
        assert self._included is not None
        for _ in range(self._included.terms):
            self._count(text, domain)
        return Outcome("pass", domain, text, by_inclusion=True)

    def _note(
        self, inner: Outcome, directive: Directive, unreached: Sequence[Directive], domain: str
    ) -> None:
        """Keeps why the included name does not count: its qualifier, or a term before it that matches all."""
        if self._included is None:
            return
        if inner.by_inclusion:
            self._hint = f"{directive.text} of {domain} has a qualifier that does not let mail pass"
        for later in unreached:
            if later.target is not None and self._is_included(later.target.source.removesuffix(".")):
                self._hint = f"{later.text} of {domain} stands behind {directive.text}, which matches first"

    def _count(self, text: str, domain: str) -> None:
        self._terms += 1
        if self._terms > MAX_TERMS:
            reason = f"the record needs more than {MAX_TERMS} look-ups: {text} of {domain} is one too many"
            raise _Failure("permerror", domain, reason)

    def _nonvoid(self, found: list[T], text: str, domain: str) -> list[T]:
        if not found:
            self._void_terms += 1
        if self._void_terms > MAX_VOID_TERMS:
            reason = f"more than {MAX_VOID_TERMS} terms lead to nothing in DNS, the last {text} of {domain}"
            raise _Failure("permerror", domain, reason)
        return found

    async def _asked(self, look_up: Awaitable[list[T]], domain: str) -> list[T]:
        try:
            return await look_up
        except DnsTemporaryError as error:
            raise _Failure("temperror", domain, f"DNS did not answer: {error}") from None


def _is_name(domain: str) -> bool:
    """True for a domain that may be looked up (section 4.3): two labels or more of 1 to 63 characters."""
    labels = domain.removesuffix(".").split(".")
    return (
        len(labels) > 1
        and len(domain) <= _MAX_NAME
        and all(0 < len(label) <= _MAX_LABEL for label in labels)
        and not domain.endswith("]")
    )


def _dotted(address: _Address) -> str:
    """The macro `i` (section 7.3): an IPv6 address as 32 digits with dots between them."""
    if address.version == 4:
        return str(address)
    return ".".join(address.exploded.replace(":", ""))


def _best_name(names: Sequence[str], domain: str) -> str:
    """The macro `p` (section 7.3): the domain itself, else a name below it, else any, else `unknown`."""
    domain = domain.lower()
    below = [name for name in names if name.endswith(f".{domain}")]
    return domain if domain in names else next(iter([*below, *names]), "unknown")
