"""A DNS server with scripted answers, over UDP and TCP on one loopback port.

    zones = {("mail.example.com", "TXT"): ["v=spf1 -all"], ("slow.test", "MX"): DnsFault.TIMEOUT}
    async with DnsServer(zones) as dns: ...

A name without any entry is NXDOMAIN, a name with entries of other types has no data. `CNAME` entries are
followed. Values are in presentation form: `10 mx.test.` for MX; a TXT value is one string of any length.
The `zones` may be changed while the server runs.
"""

import asyncio
import enum
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Self, cast

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset


class DnsFault(enum.Enum):
    """A fault that takes the place of an answer."""

    SERVFAIL = "servfail"
    REFUSED = "refused"
    NXDOMAIN = "nxdomain"
    TIMEOUT = "timeout"


Answer = list[str] | DnsFault
Zones = dict[tuple[str, str], Answer]

RCODES = {
    DnsFault.SERVFAIL: dns.rcode.SERVFAIL,
    DnsFault.REFUSED: dns.rcode.REFUSED,
    DnsFault.NXDOMAIN: dns.rcode.NXDOMAIN,
}
TTL_S = 1
LONGEST_CHAIN = 8


class DnsServer:
    """The server; `queries` counts what was asked as `(name, type)`, `truncated` names what UDP cuts off."""

    def __init__(
        self, zones: Mapping[tuple[str, str], Answer] | None = None, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.zones: Zones = dict(zones or {})
        self.host = host
        self.port = port
        self.queries: Counter[tuple[str, str]] = Counter()
        self.truncated: set[tuple[str, str]] = set()
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: list[Callable[[], None]] | None = None
        self._holds = asyncio.Event()

    @property
    def address(self) -> str:
        """The server for `ZIDIMAIL_DNS`."""
        return f"{self.host}:{self.port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listens on one port for both transports."""
        for _ in range(20):
            self._tcp = await asyncio.start_server(self._stream, self.host, self.port)
            port = self._tcp.sockets[0].getsockname()[1]
            try:
                self._udp, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                    lambda: _Datagrams(self), local_addr=(self.host, port)
                )
            except OSError:
                # The port is free for TCP only: take another.
                self._tcp.close()
                continue
            self.port = port
            return
        raise OSError("no port is free for both UDP and TCP")

    async def stop(self) -> None:
        """Stops answering."""
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def answer(self, wire: bytes, *, udp: bool) -> bytes | None:
        """The answer to one query, None for silence."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        kind = dns.rdatatype.to_text(question.rdtype)
        name = question.name.to_text(omit_final_dot=True).lower()
        self.queries[name, kind] += 1
        response = dns.message.make_response(query, recursion_available=True)
        if udp and (name, kind) in self.truncated:
            response.flags |= dns.flags.TC
            return response.to_wire()
        if not self._fill(response, name, kind):
            return None
        wire = response.to_wire(max_size=65535)
        if udp and len(wire) > max(512, query.payload or 0):
            response.answer.clear()
            response.flags |= dns.flags.TC
            wire = response.to_wire()
        return wire

    @contextmanager
    def holding_answers(self) -> Iterator[asyncio.Event]:
        """Keeps the answers over UDP until the end; the event is set by the first of them."""
        self._held = held = []
        self._holds = asyncio.Event()
        yield self._holds
        self._held = None
        for send in held:
            send()

    def send(self, datagram: Callable[[], None]) -> None:
        """Sends an answer over UDP, now or once answers are no longer held."""
        if self._held is None:
            datagram()
        else:
            self._held.append(datagram)
            self._holds.set()

    def _fill(self, response: dns.message.Message, name: str, kind: str) -> bool:
        for _ in range(LONGEST_CHAIN):
            found = self.zones.get((name, kind))
            if found is None and kind != "CNAME":
                alias = self.zones.get((name, "CNAME"))
                if isinstance(alias, list):
                    response.answer.append(_rrset(name, "CNAME", alias))
                    name = alias[0].rstrip(".").lower()
                    continue
                found = alias
            if isinstance(found, list):
                if found:
                    response.answer.append(_rrset(name, kind, found))
                return True
            if found is DnsFault.TIMEOUT:
                return False
            if found is not None:
                response.set_rcode(RCODES[found])
            elif not any(known == name or known.endswith(f".{name}") for known, _ in self.zones):
                response.set_rcode(dns.rcode.NXDOMAIN)
            return True
        return True

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast(asyncio.Task[None], asyncio.current_task())
        self._tasks.add(task)
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(2), "big")
                wire = self.answer(await reader.readexactly(size), udp=False)
                if wire is not None:
                    writer.write(len(wire).to_bytes(2, "big") + wire)
                    await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()


@contextmanager
def dns_in_a_thread(
    zones: Mapping[tuple[str, str], Answer] | None = None, *, host: str = "127.0.0.1", port: int = 0
) -> Iterator[DnsServer]:
    """A server beside tests that have no event loop of their own, or many."""
    loop = asyncio.new_event_loop()
    server = DnsServer(zones, host=host, port=port)
    loop.run_until_complete(server.start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        wire = self._server.answer(data, udp=True)
        if wire is not None:
            self._server.send(partial(self._transport.sendto, wire, addr))


def _rrset(name: str, kind: str, values: list[str]) -> dns.rrset.RRset:
    texts = [_quoted(value) for value in values] if kind == "TXT" else values
    return dns.rrset.from_text(dns.name.from_text(name), TTL_S, "IN", kind, *texts)


def _quoted(value: str) -> str:
    """A TXT value as quoted strings of at most 255 octets, as DNS stores long ones."""
    octets = value.encode()
    pieces = [octets[i : i + 255] for i in range(0, len(octets), 255)] or [b""]
    return " ".join('"' + "".join(map(_escaped, piece)) + '"' for piece in pieces)


def _escaped(octet: int) -> str:
    character = chr(octet)
    return character if " " <= character <= "~" and character not in '\\"' else f"\\{octet:03d}"
