"""One asynchronous DNS resolver for everything that looks names up: verification, MX, webhooks.

It tells three outcomes apart, because mail is lost where they are mixed up: the name does not exist
(`NotFound`), the name has no record of that type (an empty list), and nobody could say now (`NotNow`).
"""

import asyncio
import ipaddress
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import dns.asyncbackend
import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.resolver
import idna

from server.clock import Clock, SystemClock
from server.settings import Settings, SettingsError

# An answer is kept as long as its owner says, within these bounds (seconds): a TTL of 0 would cost a query
# for every message, one of a week would keep mail going to a host that has moved.
SHORTEST_TTL_S = 30
LONGEST_TTL_S = 3600
LONGEST_NEGATIVE_TTL_S = 60
MAX_CACHED = 20_000
# Each query holds a socket while it waits.
MAX_CONCURRENT = 128
_MAX_CNAMES = 8
_ROUNDS = 2
# The size that passes every path unfragmented (DNS flag day 2020).
_UDP_PAYLOAD = 1232
_HOSTS_FILE = Path("/etc/hosts")
_LOCALHOST = ("127.0.0.1", "::1")


class NotFound(Exception):
    """The name does not exist (NXDOMAIN), or is no name that could."""


class NotNow(Exception):
    """Nobody could say: a timeout, SERVFAIL, REFUSED, or an answer that is none."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The records of one name and type, none if the name has none, and how long to believe it."""

    records: tuple[dns.rdata.Rdata, ...]
    ttl_s: int


@dataclass(frozen=True, slots=True)
class _Cached:
    answer: Answer | None  # None: the name does not exist
    until_ms: int


class Resolver:
    """Looks names up at `ZIDIMAIL_DNS`, else at the resolvers the system names.

    Answers are cached within bounds; concurrent look-ups of the same name and type are one query. With
    `fresh`, a cached answer is not used. `timeout_s` bounds a whole look-up of one type, retries included.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock | None = None,
        *,
        timeout_s: float = 5.0,
        hosts_file: Path = _HOSTS_FILE,
    ) -> None:
        self._servers = [_server(settings.dns)] if settings.dns else _system_servers()
        self._clock = clock or SystemClock()
        self._timeout_s = timeout_s
        self._hosts = _read_hosts(hosts_file)
        self._cache: OrderedDict[tuple[str, str], _Cached] = OrderedDict()
        self._flights: dict[tuple[str, str], asyncio.Task[Answer]] = {}
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)
        self._backend = dns.asyncbackend.get_backend("asyncio")

    async def close(self) -> None:
        """Abandons the queries that are under way."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    async def txt(self, name: str, *, fresh: bool = False) -> list[str]:
        """The TXT records of `name`, the strings of each joined (RFC 7208 section 3.3).

        Raises `NotFound`, `NotNow`.
        """
        answer = await self.answer(name, "TXT", fresh=fresh)
        # Whatever bytes a stranger publishes must not break the reader; latin-1 reads all of them.
        return [b"".join(record.strings).decode("latin-1") for record in answer.records]  # type: ignore[attr-defined]

    async def mx(self, name: str, *, fresh: bool = False) -> list[tuple[int, str]]:
        """The preference and host of each MX record of `name`, best first.

        The host of a null MX (RFC 7505) is the empty string. Raises `NotFound`, `NotNow`.
        """
        answer = await self.answer(name, "MX", fresh=fresh)
        return sorted(
            (record.preference, record.exchange.to_text(omit_final_dot=True).lower().removeprefix("."))  # type: ignore[attr-defined]
            for record in answer.records
        )

    async def addresses(self, host: str, *, fresh: bool = False) -> list[str]:
        """The IPv4 addresses of `host`, then its IPv6 addresses; an IP address is returned as it is.

        `localhost` and the names of the hosts file need no DNS. One family that cannot be asked now does
        not hide the other. Raises `NotFound`, `NotNow`.
        """
        if (literal := _ip(host)) is not None:
            return [literal]
        name = host.rstrip(".").lower()
        if name in self._hosts:
            return list(self._hosts[name])
        if name == "localhost" or name.endswith(".localhost"):
            return list(_LOCALHOST)
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
            _raise_worst(answers)
        return found

    async def answer(self, name: str, rdtype: str, *, fresh: bool = False) -> Answer:
        """The records of `name` of the type `rdtype`, aliases followed. Raises `NotFound`, `NotNow`."""
        key = (_wire_name(name).to_text().lower(), rdtype)
        cached = None if fresh else self._cached(key)
        if cached is not None:
            if cached.answer is None:
                raise NotFound(name)
            return cached.answer
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._look_up(key))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        # Shielded: a caller who gives up must not take the answer from the others.
        return await asyncio.shield(flight)

    def _landed(self, key: tuple[str, str], flight: asyncio.Task[Answer]) -> None:
        self._flights.pop(key, None)
        if not flight.cancelled():
            flight.exception()  # retrieved, although every caller may have gone

    def _cached(self, key: tuple[str, str]) -> _Cached | None:
        entry = self._cache.get(key)
        if entry is None or entry.until_ms <= self._clock.now_ms():
            return None
        self._cache.move_to_end(key)
        return entry

    def _keep(self, key: tuple[str, str], answer: Answer | None, ttl_s: int) -> None:
        self._cache[key] = _Cached(answer, self._clock.now_ms() + ttl_s * 1000)
        self._cache.move_to_end(key)
        if len(self._cache) > MAX_CACHED:
            self._cache.popitem(last=False)

    async def _look_up(self, key: tuple[str, str]) -> Answer:
        name, rdtype = key
        try:
            async with self._slots, asyncio.timeout(self._timeout_s):
                return await self._follow(key, dns.name.from_text(name), dns.rdatatype.from_text(rdtype))
        except TimeoutError:
            raise NotNow(f"{name} {rdtype}: no answer in {self._timeout_s:g} s") from None

    async def _follow(
        self, key: tuple[str, str], name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> Answer:
        """Asks, and asks on where an answer ends at an alias whose target it leaves out."""
        ttl = LONGEST_TTL_S
        for _ in range(_MAX_CNAMES):
            response = await self._ask(name, rdtype)
            try:
                chain = response.resolve_chaining()
            except dns.exception.DNSException as error:
                raise NotNow(f"{name} {rdtype.name}: {error}") from None
            ttl = min(ttl, chain.minimum_ttl)
            if response.rcode() == dns.rcode.NXDOMAIN:
                self._keep(key, None, _bounded(ttl, LONGEST_NEGATIVE_TTL_S))
                raise NotFound(str(name))
            if chain.answer is not None or not chain.cnames:
                longest = LONGEST_TTL_S if chain.answer is not None else LONGEST_NEGATIVE_TTL_S
                answer = Answer(tuple(chain.answer or ()), _bounded(ttl, longest))
                self._keep(key, answer, answer.ttl_s)
                return answer
            name = chain.canonical_name
        raise NotNow(f"{key[0]} {rdtype.name}: more than {_MAX_CNAMES} aliases")

    async def _ask(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> dns.message.QueryMessage:
        """A usable answer of the first server that gives one: NOERROR or NXDOMAIN."""
        problem = "no server"
        asked = list(self._servers)
        for _ in range(_ROUNDS):
            silent = []
            for server in asked:
                query = dns.message.make_query(name, rdtype, use_edns=0, payload=_UDP_PAYLOAD)
                try:
                    response, _over_tcp = await dns.asyncquery.udp_with_fallback(
                        query,
                        server[0],
                        port=server[1],
                        timeout=self._timeout_s / _ROUNDS / len(self._servers),
                        # A packet that answers another question may be forged: wait for the real one.
                        ignore_unexpected=True,
                        ignore_errors=True,
                        backend=self._backend,
                    )
                except dns.exception.Timeout:
                    problem = "no answer"
                    silent.append(server)
                except (dns.exception.DNSException, OSError, EOFError) as error:
                    problem = str(error) or type(error).__name__
                else:
                    if isinstance(response, dns.message.QueryMessage) and _is_usable(response):
                        return response
                    problem = response.rcode().name if response.rcode() else "a referral"
            # Only a lost packet is worth a second try: a server that refused has answered.
            asked = silent
        raise NotNow(f"{name} {rdtype.name}: {problem}")


def _is_usable(response: dns.message.QueryMessage) -> bool:
    if response.rcode() == dns.rcode.NXDOMAIN:
        return True
    if response.rcode() != dns.rcode.NOERROR:
        return False
    # A referral looks like "no such record", but says only that somebody else should be asked.
    types = {rrset.rdtype for rrset in response.authority}
    referral = dns.rdatatype.NS in types and dns.rdatatype.SOA not in types
    return bool(response.answer) or bool(response.flags & dns.flags.AA) or not referral


def _bounded(ttl_s: int, longest_s: int) -> int:
    return max(SHORTEST_TTL_S, min(ttl_s, longest_s))


def _raise_worst(answers: Iterable[Answer | BaseException]) -> None:
    """Raises what the failed look-ups of one host amount to; nothing if the host merely has no address."""
    failures = [answer for answer in answers if isinstance(answer, BaseException)]
    for failure in failures:
        if not isinstance(failure, NotFound):
            raise failure
    if len(failures) == len(list(answers)):
        raise failures[0]


def _wire_name(name: str) -> dns.name.Name:
    """The absolute name to ask for; names that DNS cannot hold do not exist."""
    try:
        if not name.isascii():
            name = idna.encode(name, uts46=True).decode()
        wire = dns.name.from_text(name)
    except (dns.exception.DNSException, UnicodeError):
        raise NotFound(name) from None
    if wire == dns.name.root:
        raise NotFound(name)
    return wire


def _ip(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def _server(text: str) -> tuple[str, int]:
    """Reads `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`. Raises `SettingsError`."""
    host, port = text, "53"
    if _ip(text) is None:
        host, _, port = text.rpartition(":")
    address = _ip(host.removeprefix("[").removesuffix("]"))
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


def _read_hosts(path: Path) -> dict[str, tuple[str, ...]]:
    """The addresses of each name in a hosts file, in its order."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return {}
    hosts: dict[str, tuple[str, ...]] = {}
    for line in lines:
        address, *names = line.partition("#")[0].split() or [""]
        literal = _ip(address)
        for name in names if literal is not None else ():
            known = hosts.get(name.lower(), ())
            if literal not in known:
                hosts[name.lower()] = (*known, str(literal))
    return hosts
