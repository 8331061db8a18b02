"""The asynchronous DNS resolver of every look-up: verification, MX, smarthosts, webhooks, links.

A look-up has three negative outcomes, and mail is lost if a caller confuses them: the name does not exist
(`NxDomain`), the name has no record of that type (an empty list), no server could answer
(`DnsTemporaryError`). A look-up for which this machine has no socket is none of them (`Exhausted`). Name
servers, retries, TCP and EDNS are dnspython's.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import dns.asyncbackend
import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdata
import dns.resolver
import idna

from server.clock import Clock, SystemClock
from server.net.descriptors import Exhausted, at_most, is_exhaustion
from server.net.hosts import HOSTS_FILE, Hosts
from server.net.nameservers import name_servers
from server.newest import Newest
from server.owner import current_owner
from server.settings import Settings
from server.turns import Turns

# The bounds of the time for which an answer is cached, its TTL (seconds): a TTL of 0 would cost a query for
# every message, and with one of a week mail would go to a host that has moved.
SHORTEST_TTL_S = 30
LONGEST_TTL_S = 3600
LONGEST_NEGATIVE_TTL_S = 60
# The time for which a failure to get an answer is cached: else every message to a domain whose name servers
# are silent would wait for them.
FAILURE_TTL_S = 45
MAX_CACHED = 20_000
# Each query holds a socket while it waits.
MAX_CONCURRENT = 256
_PART_OF_DESCRIPTORS = 8
# A look-up that waited for this part of its time, or longer, had too little left.
_PART_OF_WAIT = 10
_MAX_CNAMES = 8
# Two queries to each server, as a packet may be lost.
_ROUNDS = 2
# The size that passes every network path without fragmentation (DNS flag day 2020), in bytes.
_UDP_PAYLOAD = 1232

_Key = tuple[str, str]
# A look-up of one owner: that of another may wait longer for its turn.
_OwnKey = tuple[str, str, str]


class NxDomain(Exception):
    """The name does not exist (NXDOMAIN), or is not a valid name."""


class DnsTemporaryError(Exception):
    """No server could answer: a timeout, SERVFAIL, REFUSED, a referral, or a malformed answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The records of one name and type, and the time in seconds for which they are valid."""

    records: tuple[dns.rdata.Rdata, ...]
    ttl_s: int


@dataclass(frozen=True, slots=True)
class _Cached:
    # An answer, or why there is none: `NxDomain` or `DnsTemporaryError` with this text.
    found: Answer | NxDomain | DnsTemporaryError
    until_ms: int

    def answer(self) -> Answer:
        """The answer. Raises a new exception of the kind that was cached."""
        if isinstance(self.found, Answer):
            return self.found
        raise type(self.found)(*self.found.args)


class Resolver:
    """Looks up names at the resolver `ZIDIMAIL_DNS`, by default at those of the system.

    At most `max_cached` answers are cached; concurrent look-ups of the same name and type for one owner are
    joined into one query. With `fresh`, a cached answer is not used. `timeout_s` limits a whole look-up of
    one type, retries and the wait for a slot included: owners (`server.owner`) take turns at the slots.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock | None = None,
        *,
        timeout_s: float = 5.0,
        max_cached: int = MAX_CACHED,
        hosts_file: Path = HOSTS_FILE,
    ) -> None:
        servers = name_servers(settings)
        self._resolver = dns.asyncresolver.Resolver(configure=False)
        self._resolver.nameservers = servers
        self._resolver.timeout = timeout_s / _ROUNDS / len(servers)
        self._resolver.lifetime = timeout_s
        self._resolver.use_edns(0, 0, _UDP_PAYLOAD)
        self._backend = dns.asyncbackend.get_backend("asyncio")
        self._clock = clock or SystemClock()
        self._timeout_s = timeout_s
        self._hosts = Hosts(hosts_file)
        self._cache: Newest[_Key, _Cached] = Newest(max_cached)
        self._look_ups: dict[_OwnKey, asyncio.Task[Answer]] = {}
        self._slots = Turns(at_most(MAX_CONCURRENT, part=_PART_OF_DESCRIPTORS))

    async def close(self) -> None:
        """Cancels the queries in progress."""
        look_ups = list(self._look_ups.values())
        for look_up in look_ups:
            look_up.cancel()
        await asyncio.gather(*look_ups, return_exceptions=True)

    async def txt(self, name: str, *, fresh: bool = False) -> list[str]:
        """The TXT records of `name`, the strings of each joined (RFC 7208 section 3.3).

        Raises `NxDomain`, `DnsTemporaryError`.
        """
        answer = await self.answer(name, "TXT", fresh=fresh)
        # Latin-1 decodes any bytes: a published record must not raise an error here.
        return [b"".join(record.strings).decode("latin-1") for record in answer.records]  # type: ignore[attr-defined]

    async def mx(self, name: str, *, fresh: bool = False) -> list[tuple[int, str]]:
        """The preference and host of each MX record of `name`, best first.

        The host of a null MX (RFC 7505) is the empty string. Raises `NxDomain`, `DnsTemporaryError`.
        """
        answer = await self.answer(name, "MX", fresh=fresh)
        return sorted(
            (record.preference, record.exchange.to_text(omit_final_dot=True).lower().removeprefix("."))  # type: ignore[attr-defined]
            for record in answer.records
        )

    async def addresses(self, host: str, *, fresh: bool = False) -> list[str]:
        """The IPv4 addresses of `host`, then its IPv6 addresses; an IP address is returned as it is.

        `localhost` and the names of the hosts file need no DNS. A failed look-up of one family does not hide
        the addresses of the other. Raises `NxDomain`, `DnsTemporaryError`.
        """
        if (known := self._hosts.addresses(host)) is not None:
            return known
        answers = await asyncio.gather(
            self.answer(host, "A", fresh=fresh),
            self.answer(host, "AAAA", fresh=fresh),
            return_exceptions=True,
        )
        found = [
            record.address  # type: ignore[attr-defined]
            for answer in answers
            if isinstance(answer, Answer)
            for record in answer.records
        ]
        if not found:
            _raise_failure(answers)
        return found

    async def answer(self, name: str, rdtype: str, *, fresh: bool = False) -> Answer:
        """The records of `name` of the type `rdtype`, aliases followed.

        Raises `NxDomain`, `DnsTemporaryError`.
        """
        key = (_absolute(name).to_text().lower(), rdtype)
        cached = None if fresh else self._cached(key)
        if cached is not None:
            return cached.answer()
        owned = (current_owner(), *key)
        look_up = self._look_ups.get(owned)
        if look_up is None:
            look_up = asyncio.create_task(self._look_up(key, fresh=fresh))
            self._look_ups[owned] = look_up
            look_up.add_done_callback(lambda done: self._ended(owned, done))
        # Shielded: a caller that is cancelled must not cancel the look-up for the others.
        return await asyncio.shield(look_up)

    def _ended(self, key: _OwnKey, look_up: asyncio.Task[Answer]) -> None:
        self._look_ups.pop(key, None)
        if not look_up.cancelled():
            look_up.exception()  # retrieved, as every caller may have been cancelled

    def _cached(self, key: _Key) -> _Cached | None:
        entry = self._cache.get(key)
        if entry is None or entry.until_ms <= self._clock.now_ms():
            return None
        self._cache.move_to_end(key)
        return entry

    def _keep(self, key: _Key, found: Answer | NxDomain | DnsTemporaryError, ttl_s: int) -> None:
        self._cache.keep(key, _Cached(found, self._clock.now_ms() + ttl_s * 1000))

    async def _look_up(self, key: _Key, *, fresh: bool) -> Answer:
        name, rdtype = key
        loop = asyncio.get_running_loop()
        began_at, is_late = loop.time(), True
        try:
            async with asyncio.timeout(self._timeout_s), self._slots.of(current_owner()):
                is_late = loop.time() - began_at > self._timeout_s / _PART_OF_WAIT
                if not fresh and (cached := self._cached(key)) is not None:
                    # Another owner's look-up has ended meanwhile.
                    return cached.answer()
                answer = await self._resolve(dns.name.from_text(name), rdtype)
        except dns.resolver.NXDOMAIN as error:
            ttls = [response.resolve_chaining().minimum_ttl for response in error.responses().values()]
            missing = NxDomain(name)
            self._keep(key, missing, _bounded(min(ttls), LONGEST_NEGATIVE_TTL_S))
            raise missing from None
        except (dns.exception.DNSException, OSError) as error:
            failure = _last_failure(error)
            if is_exhaustion(failure):
                raise Exhausted(f"{name} {rdtype}: {failure}") from error
            if isinstance(error, TimeoutError | dns.exception.Timeout):
                if is_late:
                    # The time went by for others' look-ups, which says nothing about the name.
                    raise DnsTemporaryError(f"{name} {rdtype}: too many look-ups at once") from None
                raise self._failed(key, f"no answer in {self._timeout_s:g} s") from None
            raise self._failed(key, str(failure) or type(failure).__name__) from None
        self._keep(key, answer, answer.ttl_s)
        return answer

    def _failed(self, key: _Key, reason: str) -> DnsTemporaryError:
        """The failure of a look-up, cached unless an answer is: a `fresh` look-up may have failed."""
        name, rdtype = key
        failed = DnsTemporaryError(f"{name} {rdtype}: {reason}")
        if self._cached(key) is None:
            self._keep(key, failed, FAILURE_TTL_S)
        return failed

    async def _resolve(self, name: dns.name.Name, rdtype: str) -> Answer:
        """Queries, and follows aliases that the answer does not: dnspython would report "no such record"."""
        ttl = LONGEST_TTL_S
        for _ in range(_MAX_CNAMES):
            found = await self._resolver.resolve(
                name, rdtype, raise_on_no_answer=False, search=False, backend=self._backend
            )
            ttl = min(ttl, found.chaining_result.minimum_ttl)
            if found.rrset is not None or not found.chaining_result.cnames:
                longest = LONGEST_NEGATIVE_TTL_S if found.rrset is None else LONGEST_TTL_S
                return Answer(tuple(found.rrset or ()), _bounded(ttl, longest))
            name = found.canonical_name
        raise dns.exception.DNSException(f"more than {_MAX_CNAMES} aliases")


def _last_failure(error: Exception) -> BaseException:
    """The failure of the last server, which does not name its address: callers see its text."""
    tried = getattr(error, "kwargs", {}).get("errors")  # of `NoNameservers` and `LifetimeTimeout`
    if not tried:
        return error
    *_, (_server, _tcp, _port, failure, _response) = tried
    return failure if isinstance(failure, BaseException) else dns.exception.DNSException(str(failure))


def _bounded(ttl_s: int, longest_s: int) -> int:
    return max(SHORTEST_TTL_S, min(ttl_s, longest_s))


def _raise_failure(answers: Sequence[Answer | BaseException]) -> None:
    """Raises the worst failure of both families; nothing if the host merely has no address."""
    failures = [answer for answer in answers if isinstance(answer, BaseException)]
    for failure in failures:
        if not isinstance(failure, NxDomain):
            raise failure
    if len(failures) == len(answers):
        raise failures[0]


def _absolute(name: str) -> dns.name.Name:
    """The absolute name. Raises `NxDomain` for a text that is no DNS name."""
    try:
        if not name.isascii():
            name = idna.encode(name, uts46=True).decode()
        absolute = dns.name.from_text(name)
    except (dns.exception.DNSException, UnicodeError):
        raise NxDomain(name) from None
    if absolute == dns.name.root:
        raise NxDomain(name)
    return absolute
