"""B12: the SMTP relay, durable, beside a bare aiosmtpd and a Haraka that drop the mail; and its memory.

Postfix's `smtp-source` sends into each, through the same forwarder, which authenticates for it.
"""

import resource
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from tests.bench.delivery import Postfix, unpacked_postfix
from tests.bench.figure import Figure, Target
from tests.bench.memory import MB, ScaleStack
from tests.bench.programs import running, silent_smarthost
from tests.bench.smtp_peers import AIOSMTPD, HARAKA, Program, aiosmtpd, authenticated, haraka
from tests.harness.smtp_client import SmtpClient
from tests.harness.stack import Stack

ROUNDS = 5
LARGE_SESSIONS = 20
LARGE_BYTES = 25 * MB
IDLE = 2_000
_LINE = b"QUJD" * 19 + b"\r\n"


class Load(NamedTuple):
    """Messages of a round: how many over how many sessions, and the bytes of each."""

    sessions: int
    size: int
    messages: int


LOADS = (Load(20, 1_024, 2_000), Load(1, 1_024, 400), Load(20, 102_400, 400), Load(1, 102_400, 100))


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


def _rates(stack: Stack, postfix: Postfix) -> list[Figure]:
    """The relay beside its peers, each in turn, round after round."""
    key = stack.api_key
    with ExitStack() as programs:
        bare = programs.enter_context(aiosmtpd())
        node = programs.enter_context(haraka(key))
        ports = {"ours": stack.smtp_port, AIOSMTPD: bare.port} | ({} if node is None else {HARAKA: node})
        forwarded = {name: programs.enter_context(authenticated(port, key)) for name, port in ports.items()}
        return [figure for load in LOADS for figure in _rates_of(load, forwarded, stack, postfix)]


def _rates_of(load: Load, ports: Mapping[str, int], stack: Stack, postfix: Postfix) -> Iterator[Figure]:
    rates = {name: [] for name in ports}
    for _ in range(ROUNDS):
        for name, port in ports.items():
            rates[name].append(_rate(postfix, port, stack, load))
    measured = statistics.median(rates.pop("ours"))
    for name, found in rates.items():
        peer = statistics.median(found)
        is_aim = load is LOADS[0] and name == AIOSMTPD
        yield Figure(
            "B12",
            f"SMTP relay, {load.size >> 10} KB, sessions: {load.sessions}, durable, SQLite",
            measured,
            "mails/s",
            peer=f"{name} that drops the mail",
            peer_measured=peer,
            ratio=measured / peer,
            target=Target(0.5) if is_aim else None,
        )


def _beside_idle(stack: Stack, postfix: Postfix) -> Figure:
    """The rate beside many connections that were greeted and say nothing."""
    load = LOADS[0]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(IDLE + 1_000, hard), hard))
    alone, beside = [], []
    with authenticated(stack.smtp_port, stack.api_key) as port:
        for _ in range(ROUNDS):
            alone.append(_rate(postfix, port, stack, load))
            with ExitStack() as clients:
                idle = [clients.enter_context(SmtpClient(stack.smtp_port)) for _ in range(IDLE)]
                assert {client.reply().code for client in idle} == {220}
                beside.append(_rate(postfix, port, stack, load))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    measured, peer = statistics.median(beside), statistics.median(alone)
    return Figure(
        "B12",
        f"the same, 1 KB, sessions: {load.sessions}, beside {IDLE:,} idle connections",
        measured,
        "mails/s",
        peer="without them",
        peer_measured=peer,
        ratio=measured / peer,
    )


def _rate(postfix: Postfix, port: int, stack: Stack, load: Load) -> float:
    """Messages per second that `smtp-source` sends over connections that it keeps."""
    options = ("-d", "-s", str(load.sessions), "-m", str(load.messages), "-l", str(load.size))
    envelope = ("-f", f"orders@{stack.domain}", "-t", "customer@example.net")
    command = postfix.command("smtp-source", *options, *envelope, f"127.0.0.1:{port}")
    begin = time.perf_counter()
    subprocess.run(command, env=postfix.environment, check=True, stdout=subprocess.DEVNULL)
    return load.messages / (time.perf_counter() - begin)


def _memory(stack: Stack) -> list[Figure]:
    """The memory of relay, server and peer while large messages come at once, each over its own session."""
    relay = Program(stack.smtp_port, stack.relay_pid())
    with aiosmtpd() as bare:
        _send_large(bare, stack)
        peer = _of_status(bare.pid, "VmHWM")
    _send_large(relay, stack)
    what = f"memory with {LARGE_SESSIONS} sessions of {LARGE_BYTES // MB} MB each"
    return [
        Figure(
            "B12",
            f"relay: {what}",
            _of_status(relay.pid, "VmHWM"),
            "MB",
            peer=AIOSMTPD,
            peer_measured=peer,
            target=Target(400, of="measured", bound="at most"),
        ),
        Figure("B12", f"server: {what}", _of_status(stack.server_pid(), "VmHWM"), "MB"),
    ]


def _send_large(program: Program, stack: Stack) -> None:
    """Sends a large message over each session; all are in DATA before the first goes on."""
    head = (
        f"From: orders@{stack.domain}\r\nTo: customer@example.net\r\nSubject: Your catalogue\r\n"
        "MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
        "Content-Disposition: attachment; filename=catalogue.bin\r\n\r\n"
    ).encode()
    mail = head + _LINE * (LARGE_BYTES // len(_LINE))
    all_are_in_data = threading.Barrier(LARGE_SESSIONS)

    def send(_: int) -> int:
        with SmtpClient(program.port) as client:
            client.greeted()
            client.login(stack.api_key)
            for line in (f"MAIL FROM:<orders@{stack.domain}>", "RCPT TO:<customer@example.net>", "DATA"):
                assert client.command(line).code < 400, line
            all_are_in_data.wait()
            client.send(mail)
            client.send(b".\r\n")
            return client.reply().code

    with ThreadPoolExecutor(LARGE_SESSIONS) as clients:
        codes = list(clients.map(send, range(LARGE_SESSIONS)))
    assert codes == [250] * LARGE_SESSIONS, codes


def _of_status(pid: int, name: str) -> float:
    """A size of a process in MB: VmRSS now, VmHWM at its highest."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))
