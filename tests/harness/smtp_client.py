"""An SMTP client that sends exactly the bytes that a test gives it."""

import base64
import socket
import ssl
from types import TracebackType
from typing import NamedTuple, Self

REPLY_WITHIN_S = 60.0


class Reply(NamedTuple):
    """A reply: its code, and its lines without the code."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """All lines as one text."""
        return " ".join(self.lines)

    @property
    def status(self) -> str:
        """The enhanced status code; empty without one."""
        first = self.lines[0].partition(" ")[0]
        return first if first[:2] in ("2.", "4.", "5.") else ""

    @property
    def codes(self) -> str:
        """Code and enhanced status."""
        return f"{self.code} {self.status}".strip()


class Closed(Exception):
    """The server has closed the connection."""


class SmtpClient:
    """A connection to 127.0.0.1. Replies that do not come in time fail the test."""

    def __init__(self, port: int, *, before: bytes = b"", source: str = "127.0.0.1") -> None:
        """`before` is sent before the greeting comes; `source` is the client's own loopback address."""
        address = ("127.0.0.1", port)
        self.socket = socket.create_connection(address, REPLY_WITHIN_S, source_address=(source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._read = b""
        if before:
            self.socket.sendall(before)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Sends bytes."""
        self.socket.sendall(data)

    def reply(self) -> Reply:
        """The next reply. Raises Closed."""
        lines = []
        while True:
            line = self._line().decode("ascii")
            lines.append(line[4:])
            assert line[3:4] in ("-", " ", ""), line
            if line[3:4] != "-":
                return Reply(int(line[:3]), tuple(lines))

    def replies(self, count: int) -> list[int]:
        """The codes of the next replies."""
        return [self.reply().code for _ in range(count)]

    def _line(self) -> bytes:
        while b"\r\n" not in self._read:
            try:
                more = self.socket.recv(65536)
            except ConnectionError:
                more = b""
            if not more:
                raise Closed(self._read)
            self._read += more
        line, _, self._read = self._read.partition(b"\r\n")
        return line

    def command(self, line: str) -> Reply:
        """Sends a command; its reply."""
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def greeted(self, name: str = "client.example.org") -> Reply:
        """Reads the greeting and sends EHLO; its reply."""
        greeting = self.reply()
        assert greeting.code == 220, greeting
        return self.command(f"EHLO {name}")

    def login(self, key: str) -> Reply:
        """AUTH PLAIN with an initial response; its reply."""
        return self.command(f"AUTH PLAIN {plain(key)}")

    def start_tls(self, context: ssl.SSLContext, name: str = "localhost") -> None:
        """The handshake of TLS."""
        self.socket = context.wrap_socket(self.socket, server_hostname=name)

    def deliver(self, sender: str, recipients: list[str], message: bytes) -> Reply:
        """A whole transaction; the reply to the message, or the first refusal."""
        for line in (f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{each}>" for each in recipients)):
            reply = self.command(line)
            if reply.code != 250:
                return reply
        reply = self.command("DATA")
        if reply.code != 354:
            return reply
        self.send(message + b"\r\n.\r\n")
        return self.reply()

    def closed(self) -> bool:
        """True once the server has closed the connection, whatever it says before."""
        try:
            while True:
                self.reply()
        except Closed:
            return True


def plain(key: str, user: str = "apikey", identity: str = "") -> str:
    """The response of AUTH PLAIN."""
    return base64.b64encode(f"{identity}\0{user}\0{key}".encode()).decode()


def encoded(text: str) -> str:
    """A response of AUTH LOGIN."""
    return base64.b64encode(text.encode()).decode()
