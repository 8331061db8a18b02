"""B12: the SMTP relay, durable, beside a bare aiosmtpd that drops the mail; and what its connections take.

Postfix's `smtp-source` sends into both, through the same forwarder, which authenticates for it.
"""

import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench.delivery import Postfix, unpacked_postfix
from tests.bench.figure import Figure, Target
from tests.bench.memory import MB, ScaleStack
from tests.bench.programs import running, silent_smarthost
from tests.harness.smtp_client import SmtpClient
from tests.harness.stack import ROOT, Stack

ROUNDS = 5
# Sessions, bytes of a message's body, and messages of a round.
LOADS = ((20, 1_024, 2_000), (1, 1_024, 400), (20, 102_400, 400), (1, 102_400, 100))
LARGE_SESSIONS = 20
LARGE_BYTES = 25 * MB
IDLE = 2_000
AIOSMTPD = "aiosmtpd==1.4.6"
_LINE = b"QUJD" * 19 + b"\r\n"


def measure() -> list[Figure]:
    """Rates, with and without idle connections, then memory with large messages. Raises RuntimeError."""
    postfix = unpacked_postfix()
    if postfix is None:
        raise RuntimeError("B12 needs smtp-source of Debian's package postfix: no apt-get unpacked it.")
    with silent_smarthost() as smarthost:
        with running(ScaleStack, smarthost) as stack:
            stack.start_relay({"ZIDIMAIL_SMTP_CONNECTIONS_PER_IP": str(IDLE + 100)})
            figures = [*_rates(stack, postfix), _beside_idle(stack, postfix)]
        with running(ScaleStack, smarthost) as stack:
            stack.start_relay()
            return figures + _memory(stack)


def _rates(stack: Stack, postfix: Postfix) -> Iterator[Figure]:
    with (
        _aiosmtpd() as bare,
        _authenticated(stack.smtp_port, stack) as ours,
        _authenticated(bare, stack) as peer,
    ):
        for sessions, size, messages in LOADS:
            rates = [
                (
                    _rate(postfix, ours, stack, sessions, size, messages),
                    _rate(postfix, peer, stack, sessions, size, messages),
                )
                for _ in range(ROUNDS)
            ]
            measured, dropped = (statistics.median(rate) for rate in zip(*rates, strict=True))
            yield Figure(
                "B12",
                f"SMTP relay, {size >> 10} KB, sessions: {sessions}, durable, SQLite; the outside silent",
                measured,
                "mails/s",
                peer="bare aiosmtpd that drops the mail",
                peer_measured=dropped,
                ratio=measured / dropped,
                target=Target(0.5) if (sessions, size) == (20, 1_024) else None,
            )


def _beside_idle(stack: Stack, postfix: Postfix) -> Figure:
    """The rate beside many connections that were greeted and say nothing."""
    sessions, size, messages = LOADS[0]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(IDLE + 1_000, hard), hard))
    alone, beside = [], []
    with _authenticated(stack.smtp_port, stack) as port:
        for _ in range(ROUNDS):
            alone.append(_rate(postfix, port, stack, sessions, size, messages))
            with ExitStack() as clients:
                idle = [clients.enter_context(SmtpClient(stack.smtp_port)) for _ in range(IDLE)]
                assert {client.reply().code for client in idle} == {220}
                beside.append(_rate(postfix, port, stack, sessions, size, messages))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    measured, peer = statistics.median(beside), statistics.median(alone)
    return Figure(
        "B12",
        f"the same, 1 KB, sessions: {sessions}, beside {IDLE:,} idle connections",
        measured,
        "mails/s",
        peer="without them",
        peer_measured=peer,
        ratio=measured / peer,
    )


def _rate(postfix: Postfix, port: int, stack: Stack, sessions: int, size: int, messages: int) -> float:
    """Messages per second that `smtp-source` sends over connections that it keeps."""
    options = ("-d", "-s", str(sessions), "-m", str(messages), "-l", str(size))
    command = postfix.command(
        "smtp-source",
        *options,
        "-f",
        f"orders@{stack.domain}",
        "-t",
        "customer@example.net",
        f"127.0.0.1:{port}",
    )
    begin = time.perf_counter()
    subprocess.run(command, env=postfix.environment, check=True, stdout=subprocess.DEVNULL)
    return messages / (time.perf_counter() - begin)


def _memory(stack: Stack) -> list[Figure]:
    """The relay's and the server's memory while large messages come at once, each over its own session."""
    before = {
        "relay": _of_status(stack.relay_pid(), "VmRSS"),
        "server": _of_status(stack.server_pid(), "VmRSS"),
    }
    head = (
        f"From: orders@{stack.domain}\r\nTo: customer@example.net\r\nSubject: Your catalogue\r\n"
        "MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
        "Content-Disposition: attachment; filename=catalogue.bin\r\n\r\n"
    ).encode()
    mail = head + _LINE * (LARGE_BYTES // len(_LINE))
    all_are_in_data = threading.Barrier(LARGE_SESSIONS)

    def send(_: int) -> int:
        with SmtpClient(stack.smtp_port) as client:
            client.greeted()
            client.login(stack.api_key)
            client.send(
                f"MAIL FROM:<orders@{stack.domain}>\r\nRCPT TO:<customer@example.net>\r\nDATA\r\n".encode()
            )
            assert client.replies(3) == [250, 250, 354]
            all_are_in_data.wait()
            client.send(mail)
            client.send(b".\r\n")
            return client.reply().code

    begin = time.perf_counter()
    with ThreadPoolExecutor(LARGE_SESSIONS) as clients:
        codes = list(clients.map(send, range(LARGE_SESSIONS)))
    seconds = time.perf_counter() - begin
    assert codes == [250] * LARGE_SESSIONS, codes
    what = f"memory, {LARGE_SESSIONS} sessions with {LARGE_BYTES // MB} MB each ({seconds:.1f} s)"
    return [
        Figure(
            "B12",
            f"{name}: {what}; {before[name]:,.0f} MB before",
            _of_status(pid, "VmHWM"),
            "MB",
            target=Target(400, of="measured", bound="at most") if name == "relay" else None,
        )
        for name, pid in (("relay", stack.relay_pid()), ("server", stack.server_pid()))
    ]


def _of_status(pid: int, name: str) -> float:
    """A size of a process in MB: VmRSS now, VmHWM at its highest."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


@contextmanager
def _aiosmtpd() -> Iterator[int]:
    """The port of the peer. Raises CalledProcessError if it cannot be installed."""
    folder = ROOT / "build" / AIOSMTPD.replace("==", "-")
    if not folder.exists():
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        draft = folder.with_suffix(".new")
        subprocess.run([*pip, "--target", str(draft), AIOSMTPD], check=True)
        draft.rename(folder)
    with _listening("tests.bench.bare_aiosmtpd", PYTHONPATH=str(folder)) as port:
        yield port


@contextmanager
def _authenticated(port: int, stack: Stack) -> Iterator[int]:
    """The port of a forwarder to `port`, whose sessions are authenticated."""
    with _listening("tests.bench.authenticating", str(port), stack.api_key) as forwarded:
        yield forwarded


@contextmanager
def _listening(module: str, *arguments: str, **env: str) -> Iterator[int]:
    """A program while it runs; yields the port that it prints."""
    with subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline().rpartition(" ")[2])
        finally:
            process.kill()
