"""Checks that SPF lets this platform send for a domain (contract row C-53)."""

import asyncio
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from server.domains.findings import Finding, failed, shortened, unanswered
from server.domains.look_ups import LookUps, TooManyLookUps
from server.domains.rules import spf_mechanism, spf_name
from server.domains.spf import MAX_HOSTS, MAX_TERMS, check_host
from server.domains.spf_client import Split
from server.domains.spf_outcome import Included, Outcome, Sender
from server.domains.spf_terms import Directive, Network, Policy, SpfSyntaxError, is_spf, parse
from server.net.dns import DnsTemporaryError

# All look-ups of one check together (seconds): as long as RFC 7208 section 4.6.4 gives a receiver.
TIME_LIMIT_S = 20.0
# Reading our own record (seconds): callers wait for it and the check together.
_PLATFORM_TIME_LIMIT_S = 5.0
# The parts with different results into which our addresses may fall.
_MAX_PARTS = 64


@dataclass(frozen=True, slots=True)
class Platform:
    """The platform's own record, `_spf.<hostname>`: the networks that it lets pass.

    `terms` is the number of look-ups that it costs a receiver. `unknown` is the reason if DNS did not answer.
    """

    hostname: str
    networks: tuple[Network, ...] = ()
    terms: int = 0
    unknown: str = ""


async def read_platform(look_ups: LookUps, hostname: str) -> Platform:
    """Reads the platform's own record. One that is missing or broken lists nothing."""
    reading = _Reading(look_ups)
    try:
        async with asyncio.timeout(_PLATFORM_TIME_LIMIT_S):
            await reading.read(spf_name(hostname))
            listed = [part for version in (4, 6) for part in reading.collapsed(version)]
            sender = Sender(spf_name(hostname), hostname)
            parts = await _parts(look_ups, listed, sender, None) if listed else []
    except (SpfSyntaxError, TooManyLookUps):
        return Platform(hostname)
    except (TimeoutError, DnsTemporaryError) as error:
        return Platform(hostname, unknown=str(error) or "no answer in time")
    passing = tuple(network for network, outcome in parts if outcome.result == "pass")
    return Platform(hostname, passing, reading.terms)


async def check_spf(look_ups: LookUps, domain: str, platform: Platform) -> Finding:
    """`verified` if the platform's record is included, or all of its addresses pass on their own.

    An `include` counts anywhere in the tree that RFC 7208 walks, if its qualifiers let mail pass.
    """
    try:
        async with asyncio.timeout(TIME_LIMIT_S):
            found = _relevant(await look_ups.txt(domain))
            outcome, client = await _deciding(look_ups, domain, platform)
    except TimeoutError:
        return unanswered(domain, f"no answer in {TIME_LIMIT_S:g} s")
    except DnsTemporaryError as error:
        return unanswered(domain, str(error))
    except TooManyLookUps:
        return failed([], f"The records of {domain} lead to too many look-ups.")
    if outcome.result == "pass":
        return Finding("verified", shortened(found))
    if outcome.result == "temperror":
        unknown = unanswered(outcome.domain, outcome.reason)
        return Finding(unknown.status, shortened(found), unknown.problem)
    return failed(found, _problem(outcome, client, domain, platform))


async def _deciding(look_ups: LookUps, domain: str, platform: Platform) -> tuple[Outcome, Network | None]:
    """The outcome that decides, and the network that it is about: None for an address that is not listed."""
    sender = Sender(domain, platform.hostname)
    included = Included(spf_name(platform.hostname), platform.terms)
    unlisted = await check_host(look_ups, None, sender, included)
    if unlisted.result == "pass":
        return unlisted, None
    parts = await _parts(look_ups, platform.networks, sender, included)
    if parts and all(outcome.result == "pass" for _, outcome in parts):
        return parts[0][1], None
    for network, outcome in parts:
        if outcome.by_inclusion:
            return outcome, network
    if platform.unknown and unlisted.result != "temperror":
        reason = f"the record of this platform is unknown: {platform.unknown}"
        return Outcome("temperror", spf_name(platform.hostname), reason=reason), None
    if unlisted.result == "temperror":
        return unlisted, None
    refused = [(outcome, network) for network, outcome in parts if outcome.result != "pass"]
    # A definite refusal of one address decides, whatever becomes of the others.
    definite = [each for each in refused if each[0].result != "temperror"]
    return next(iter([*definite, *refused]), (unlisted, None))


async def _parts(
    look_ups: LookUps, networks: Sequence[Network], sender: Sender, included: Included | None
) -> list[tuple[Network, Outcome]]:
    """The networks, cut into parts with one outcome each."""
    waiting = list(reversed(networks))
    parts: list[tuple[Network, Outcome]] = []
    while waiting:
        network = waiting.pop()
        try:
            outcome = await check_host(look_ups, network, sender, included)
        except Split as split:
            waiting += reversed(split.networks)
            if len(waiting) + len(parts) > _MAX_PARTS:
                reason = f"the record cuts this platform's addresses into more than {_MAX_PARTS} parts"
                return [*parts, (network, Outcome("permerror", sender.domain, reason=reason))]
        else:
            parts.append((network, outcome))
    return parts


class _Reading:
    """Collects the networks that a record lists: by `ip4`, `ip6`, `a` and `mx`, also of included records."""

    def __init__(self, look_ups: LookUps) -> None:
        self._look_ups = look_ups
        self._networks: set[Network] = set()
        self.terms = 0

    def collapsed(self, version: int) -> Iterable[Network]:
        """The networks of one IP version without overlaps."""
        if version == 4:
            four = [network for network in self._networks if isinstance(network, ipaddress.IPv4Network)]
            return sorted(ipaddress.collapse_addresses(four))
        six = [network for network in self._networks if isinstance(network, ipaddress.IPv6Network)]
        return sorted(ipaddress.collapse_addresses(six))

    async def read(self, name: str) -> None:
        """Raises `SpfSyntaxError`, `DnsTemporaryError`, `TooManyLookUps`."""
        found = [record for record in await self._look_ups.txt(name) if is_spf(record)]
        if len(found) != 1 or self.terms > MAX_TERMS:
            return
        policy = parse(found[0])
        for directive in policy.directives:
            await self._read_directive(directive, name)
        await self._redirect(policy)

    async def _redirect(self, policy: Policy) -> None:
        if policy.redirect is not None:
            self.terms += 1
            if not policy.redirect.letters:
                await self.read(policy.redirect.name({}))

    async def _read_directive(self, directive: Directive, name: str) -> None:
        if directive.network is not None and directive.verdict == "pass":
            self._networks.add(directive.network)
        if directive.mechanism in {"all", "ip4", "ip6"}:
            return
        self.terms += 1
        target = directive.target
        if directive.verdict != "pass" or (target is not None and target.letters):
            return
        host = name if target is None else target.name({})
        match directive.mechanism:
            case "include":
                await self.read(host)
            case "a":
                await self._add(host, directive)
            case "mx":
                for _, exchange in (await self._look_ups.mx(host))[:MAX_HOSTS]:
                    await self._add(exchange, directive)

    async def _add(self, host: str, directive: Directive) -> None:
        for version, bits in ((4, directive.v4_bits), (6, directive.v6_bits)):
            for address in await self._look_ups.addresses(host, version):
                self._networks.add(ipaddress.ip_network(f"{address}/{bits}", strict=False))


def _relevant(found: list[str]) -> list[str]:
    """The SPF records among TXT records; all, if there is none."""
    return [record for record in found if is_spf(record)] or found


def _problem(outcome: Outcome, client: Network | None, domain: str, platform: Platform) -> str:
    mechanism = spf_mechanism(platform.hostname)
    if outcome.hint:
        return f"{outcome.hint}. Let {mechanism} stand before it, without a qualifier."
    if outcome.result == "none":
        return f'{outcome.reason}. Publish a TXT record there: "v=spf1 {mechanism} ~all".'
    if outcome.result == "permerror":
        return f"Receivers take the SPF record of {domain} for an error: {outcome.reason}."
    cause = outcome.reason or f"{outcome.term} of {outcome.domain} gives {outcome.result}"
    alone = client is not None and platform.networks != (client,)
    whom = f"this platform's {client}" if alone else "this platform"
    return (
        f"The SPF record of {domain} does not let {whom} pass: {cause}. Add {mechanism} to it, before that."
    )
