"""A crash run over SMTP: relay and server are killed during DATA and after the dot, then books are compared.

A client that saw 250 finds its mail, one that did not finds none or one; and no message is kept in part.
"""

import asyncio
import itertools
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from tests.faults.clients import NEVER_PAUSED
from tests.faults.crash import HIT_WITHIN_S, LATEST_HIT, sink_process
from tests.faults.draining import drain
from tests.faults.smtp_clients import Mail, Post, SmtpSenders
from tests.harness.ledger import ClientBook, Kill, Report, compare, read_server, read_sink, store
from tests.harness.smtp_client import Closed, SmtpClient
from tests.harness.stack import Stack
from tests.harness.waiting import until_sync

# The deaths of a run, in turn. A name with a point is a failpoint of the server.
WINDOWS = (
    "relay in DATA",
    "relay after the dot",
    "server in DATA",
    "server after the dot",
    "accept.before_commit",
    "relay stops in DATA",  # SIGTERM
    "relay after the dot",
    "server after the dot",
    "accept.after_commit",
)
END = b".\r\n"
BEGINS_WITHIN_S = 30.0
# As long as a message takes from its dot to its reply, and more.
LONGEST_REPLY_S = 0.03
LEASE_S = 3


@dataclass(slots=True)
class Outcome:
    """The result of a run; `torn` are emails that are not as long as their client wrote them."""

    report: Report
    kills: Counter[str]
    replies: Counter[str]
    torn: list[str]
    missed: list[str]

    @property
    def is_clean(self) -> bool:
        """True if every promise was kept, and every failpoint reached."""
        return self.report.is_clean and not self.torn and not self.missed

    def __str__(self) -> str:
        lines = {
            "messages kept in part": ", ".join(self.torn[:5]) or "0",
            "kills": ", ".join(f"{window} {count}" for window, count in sorted(self.kills.items())),
            "replies to messages": ", ".join(
                f"{what} {count}" for what, count in sorted(self.replies.items())
            ),
            "failpoints never reached": ", ".join(self.missed) or "none",
        }
        return f"{self.report}\n" + "\n".join(f"{name + ':':33}{value}" for name, value in lines.items())


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{what} {count}" for what, count in sorted(counter.items()))


class RelayRun:
    """One stack with a relay, one sink and a number of clients, and the deaths between them.

    `failpoints` are on in every life of the server, to break it.
    """

    def __init__(self, folder: Path, *, database_url: str | None = None, failpoints: str = "") -> None:
        self._sink_ledger = folder / "sink"
        self._folder = folder
        self._database_url = database_url
        self._always = failpoints
        self._book = ClientBook(folder / "client")
        self._kills: list[Kill] = []
        self._missed: list[str] = []

    async def run(self, windows: Sequence[str]) -> Outcome:
        """Dies once in each window, in order, then waits for the queue to drain and compares."""
        with sink_process(self._sink_ledger) as port:
            stack = Stack(
                self._folder / "data",
                transport=f"smtp://127.0.0.1:{port}",
                database_url=self._database_url,
                env={"ZIDIMAIL_LEASE_SECONDS": str(LEASE_S), **NEVER_PAUSED, **self._env()},
            )
            await asyncio.to_thread(stack.start)
            try:
                await asyncio.to_thread(stack.start_relay)
                post = await asyncio.to_thread(self._rounds, stack, windows)
                if self._always:
                    # The loss has happened: a server without that fault delivers the rest.
                    del stack.env["ZIDIMAIL_FAILPOINTS"]
                    await asyncio.to_thread(stack.stop_server)
                    await asyncio.to_thread(stack.start_server)
                await drain(stack)
            finally:
                await asyncio.to_thread(stack.stop)
            stored, flagged = read_server(stack.database_url)
            torn = _torn(stack.database_url, post.body_sizes)
        report = compare(self._book, read_sink(self._sink_ledger), stored, flagged, self._kills)
        kills = Counter(kill.window for kill in self._kills)
        return Outcome(report, kills, post.replies, torn, self._missed)

    def _rounds(self, stack: Stack, windows: Sequence[str]) -> Post:
        post = Post(stack, self._book)
        senders = SmtpSenders(post)
        senders.start()
        try:
            for window in windows:
                self._round(stack, post, window)
                senders.check()
        finally:
            senders.stop()
        return post

    def _round(self, stack: Stack, post: Post, window: str) -> None:
        """One death, and the next life."""
        match window:
            case "relay in DATA":
                self._between_halves(post, stack.kill_relay)
            case "server in DATA":
                self._between_halves(post, stack.kill_server)
            case "relay after the dot":
                self._after_dot(post, stack.kill_relay)
            case "server after the dot":
                self._after_dot(post, stack.kill_server)
            case "server after 250":
                with _begun(post, mail := post.next(has_key=False)) as client:
                    assert _ended(post, client, mail, mail.text), "the message was not taken"
                    stack.kill_server()
            case "relay stops in DATA":
                taken = self._between_halves(post, lambda: stack.signal_relay(signal.SIGTERM))
                assert taken, "a relay that stops did not take the message that was coming"
                assert stack.wait_relay() == 0, stack.log_tails()
            case failpoint:
                self._die_at(stack, failpoint)
        self._kills.append(Kill(time.time_ns() // 1_000_000, window))
        if not stack.server_is_running():
            stack.start_server(self._env())
        if not stack.relay_is_running():
            stack.start_relay()

    def _between_halves(self, post: Post, kill: Callable[[], None]) -> bool:
        """A client of its own has sent a part of its message when a program dies; True if it saw 250."""
        mail = post.next(has_key=False)
        with _begun(post, mail) as client:
            first, second = mail.halves
            client.send(first)
            kill()
            return _ended(post, client, mail, second)

    def _after_dot(self, post: Post, kill: Callable[[], None]) -> None:
        """A client of its own has sent all of its message when a program dies."""
        mail = post.next(has_key=False)
        with _begun(post, mail) as client:
            client.send(mail.text + END)
            time.sleep(random.uniform(0, LONGEST_REPLY_S))
            kill()
            _ended(post, client, mail)

    def _die_at(self, stack: Stack, failpoint: str) -> None:
        """A life of the server that ends at a failpoint."""
        stack.kill_server()
        stack.start_server(self._env(f"{failpoint}=kill@{random.randint(1, LATEST_HIT)}"), wait=False)
        try:
            stack.wait_server(HIT_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._missed.append(failpoint)

    def _env(self, failpoint: str = "") -> dict[str, str]:
        points = ",".join(part for part in (self._always, failpoint) if part)
        return {"ZIDIMAIL_FAILPOINTS": points} if points else {}


def _begun(post: Post, mail: Mail) -> SmtpClient:
    """A client whose message may begin, as soon as the programs that have just started let it."""
    begun: list[SmtpClient] = []

    def begins() -> bool:
        try:
            client = post.connect()
            begun.append(client)
            post.begin(client, mail)
        except (Closed, ConnectionError):
            for client in begun:
                client.socket.close()
            begun.clear()
        return bool(begun)

    until_sync(begins, within=BEGINS_WITHIN_S, message="no transaction begins")
    return begun[0]


def _ended(post: Post, client: SmtpClient, mail: Mail, rest: bytes = b"") -> bool:
    """True if the client saw 250 after the rest of its message."""
    with suppress(Closed, ConnectionError):
        if rest:
            client.send(rest + END)
        return post.end(client, mail)
    return False


def _torn(database_url: str, body_sizes: Mapping[str, int]) -> list[str]:
    """The emails whose bodies are not as long as their clients wrote them."""
    with store(database_url) as connection:
        rows = connection.execute(
            text(
                "SELECT e.subject, c.raw_size FROM emails e"
                " JOIN email_contents c ON c.org_id = e.org_id AND c.email_id = e.id"
            )
        ).all()
    sizes = {subject.removeprefix("Entry "): size for subject, size in rows}
    return [f"{ledger_id}: {size}" for ledger_id, size in sizes.items() if body_sizes[ledger_id] != size]


def deaths(rounds: int) -> Iterator[str]:
    """`rounds` windows, each in turn."""
    return itertools.islice(itertools.cycle(WINDOWS), rounds)
