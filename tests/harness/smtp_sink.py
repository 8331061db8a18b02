"""An SMTP receiver whose behaviour the recipient's address selects (`tests.harness.behaviour`).

In a test: `async with SmtpSink() as sink`. As a process, with a ledger that is written before each 250:
`python -m tests.harness.smtp_sink --ledger FILE`, which prints `listening on PORT`.
"""

import argparse
import asyncio
import os
import ssl
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.harness.certificates import throw_away
from tests.harness.smtp_session import TARPIT_PAUSE_S, SmtpSession

FEATURES = ("PIPELINING", "8BITMIME", "SIZE 52428800", "SMTPUTF8", "ENHANCEDSTATUSCODES")
BANNER = "220 sink.test ESMTP"


@dataclass(frozen=True, slots=True)
class Received:
    """A message that the sink took: its envelope, its bytes as the sender wrote them, and how it came."""

    mail_from: str
    rcpts: tuple[str, ...]
    data: bytes
    connection: int
    tls: bool

    def parsed(self) -> EmailMessage:
        """The message as the `email` package reads it."""
        return message_from_bytes(self.data, policy=policy.default)

    def header(self, name: str) -> str:
        """The value of a header as it stands in the message, unfolded; empty if it is absent."""
        message: Message = message_from_bytes(self.data, policy=policy.compat32)
        return " ".join(str(message.get(name, "")).split())


class SmtpSink:
    """A receiver on a free loopback port. Every attribute that is set here may be changed while it runs.

    `banner` is its first line, None for silence; `replies` maps a verb in capitals (and `DOT`) to a fixed
    reply, after which the sink hangs up if the verb is `hang_up_after`; `features` is what EHLO offers;
    `credentials` demands AUTH. `messages` holds what was taken, unless `keep` is off; `accepted` counts per
    recipient either way.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        banner: str | None = BANNER,
        starttls: bool = False,
        broken_tls: bool = False,
        implicit_tls: bool = False,
        credentials: tuple[str, str] | None = None,
        keep: bool = True,
        ledger: Path | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.banner = banner
        self.starttls = starttls
        self.broken_tls = broken_tls
        self.implicit_tls = implicit_tls
        self.credentials = credentials
        self.features: tuple[str, ...] = FEATURES
        self.replies: dict[str, str] = {}
        self.hang_up_after = ""
        self.messages_per_connection: int | None = None
        self.tarpit_pause_s = TARPIT_PAUSE_S
        self.keep = keep
        self.keep_commands = True
        self.messages: list[Received] = []
        self.accepted: Counter[str] = Counter()
        self.commands: list[str] = []
        self.violations: list[str] = []
        self.connections = 0
        self.failed_handshakes = 0
        self.sessions: set[SmtpSession] = set()
        self._greylisted: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ledger = (
            None if ledger is None else os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        )
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The sink as a smarthost for `ZIDIMAIL_TRANSPORT`."""
        return f"smtp://{self.host}:{self.port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listens; a stopped sink comes back on its old port."""
        context = self.tls_context() if self.implicit_tls else None
        self._server = await asyncio.get_running_loop().create_server(
            self._session, self.host, self.port, ssl=context, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuses new connections and breaks the present ones off."""
        if self._server is None:
            return
        self._server.close()
        for session in list(self.sessions):
            session.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    def _session(self) -> SmtpSession:
        self.connections += 1
        return SmtpSession(self, self.connections, tls=self.implicit_tls)

    def tls_context(self) -> ssl.SSLContext:
        """TLS with the throw-away certificate."""
        return throw_away().server_context()

    def greet(self, banner: str) -> None:
        """Greets the sessions that were opened without a banner."""
        for session in self.sessions:
            session.greet(banner)

    def background(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs a session's work beside it, until the sink stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def count_greylisted(self, recipient: str) -> int:
        """Counts one more attempt for this address, and returns how many there were."""
        self._greylisted[recipient] += 1
        return self._greylisted[recipient]

    def accept(self, session: SmtpSession, sender: str, recipients: list[str], data: bytes) -> None:
        """Records a message, in the ledger first, before its sender gets a reply."""
        if self._ledger is not None:
            os.write(self._ledger, _ledger_lines(session.number, recipients, data))
        self.accepted.update(recipients)
        if self.keep:
            self.messages.append(Received(sender, tuple(recipients), data, session.number, session.tls))

    def said(self, verb: str) -> int:
        """The number of commands of this verb that came."""
        return sum(command.split(maxsplit=1)[:1] == [verb] for command in self.commands)

    def to(self, recipient: str) -> list[Received]:
        """The messages taken for this address."""
        return [message for message in self.messages if recipient in message.rcpts]


def _ledger_lines(connection: int, recipients: list[str], data: bytes) -> bytes:
    head = data[: data.find(b"\r\n\r\n") + 2]
    ledger_id, message_id = _raw_header(head, b"x-ledger-id"), _raw_header(head, b"message-id")
    line = b"%d\t%s\t%s\t%%s\t%d\n" % (time.time_ns() // 1_000_000, ledger_id, message_id, connection)
    return b"".join(line % recipient.encode() for recipient in recipients)


def _raw_header(head: bytes, name: bytes) -> bytes:
    lowered = b"\r\n" + head.lower()
    start = lowered.find(b"\r\n" + name + b":")
    if start < 0:
        return b"-"
    end = lowered.find(b"\r\n", start + 2)
    return head[start + len(name) + 1 : end - 2].strip() or b"-"


async def _serve(arguments: argparse.Namespace) -> None:
    sink = SmtpSink(port=arguments.port, starttls=arguments.starttls, keep=False, ledger=arguments.ledger)
    sink.keep_commands = False
    async with sink:
        print(f"listening on {sink.port}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Runs the sink until it is killed."""
    parser = argparse.ArgumentParser(description="an SMTP receiver that obeys the recipient's name")
    parser.add_argument("--port", type=int, default=0, help="0: a free one, printed")
    parser.add_argument("--ledger", type=Path, help="a file that gets a line for each accepted recipient")
    parser.add_argument("--starttls", action="store_true")
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
