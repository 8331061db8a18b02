"""B4: the engine from a full queue into a local receiver, against Postfix's `smtp-source` into the same one.

Each email has 4 KB and gets two DKIM signatures, RSA-2048 and Ed25519, as a verified domain has by default.
The receiver is Postfix's `smtp-sink` where its package can be unpacked, else the sink of the tests.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import uvloop
from sqlalchemy import func, select

from server.clock import SystemClock
from server.db.database import Database
from server.db.migrate import upgrade
from server.db.tables.events import events
from server.db.tables.queue import delivery_queue
from server.db.tx import Tx
from server.db.writer import Writer
from server.delivery.engine import Engine
from server.delivery.transports.choose import transport_of
from server.ids import new_id
from server.net.dns import Resolver
from server.settings import Settings
from server.work.backpressure import Backpressure
from server.work.notifier import Notifier
from tests.bench.figure import Figure, Target, table
from tests.delivery.queued import SECRET, add_domain, enqueue, rows_of, seal
from tests.harness.stack import ROOT, free_port
from tests.harness.waiting import until, until_sync

EMAILS = 8_000
PEER_EMAILS = 40_000
SESSIONS = 20
BYTES = 4096
_POSTFIX = ROOT / "build" / "postfix"
# Bytes of a message's header and signatures.
_OVERHEAD = 1_750
_PROGRAMS = ("smtp-source", "smtp-sink")


def measure() -> list[Figure]:
    """The figure B4, from a store of its own in a temporary folder."""
    postfix = unpacked_postfix()
    with receiver(postfix) as port:
        source = None if postfix is None else source_rate(postfix, port)
        engine = engine_rate(port)
    return [
        Figure(
            number="B4",
            what="engine to a local SMTP sink, 4 KB, RSA-2048 and Ed25519 DKIM, SQLite",
            measured=engine,
            unit="mails/s",
            peer="Postfix smtp-source -d -s 20, same sink" if source else "",
            peer_measured=source,
            ratio=engine / source if source else None,
            target=Target(0.08),
        )
    ]


@dataclass(frozen=True)
class Postfix:
    """Postfix's test programs, in `folder`."""

    folder: Path

    def command(self, program: str, *arguments: str) -> list[str]:
        """The command line that runs one of them."""
        return [str(self.folder / "usr/sbin" / program), *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """The environment that they need to find their libraries."""
        return os.environ | {"LD_LIBRARY_PATH": str(self.folder / "usr/lib/postfix")}


def unpacked_postfix() -> Postfix | None:
    """Postfix's test programs from Debian's package, unpacked under `build/`, not installed."""
    postfix = Postfix(_POSTFIX)
    with suppress(OSError, subprocess.SubprocessError):
        if not (_POSTFIX / "usr/sbin/smtp-source").exists():
            _POSTFIX.mkdir(parents=True, exist_ok=True)
            _quietly(["apt-get", "download", "postfix"], _POSTFIX)
            [package, *_] = map(str, _POSTFIX.glob("postfix_*.deb"))
            _quietly(["dpkg-deb", "-x", package, "."], _POSTFIX)
        for program in _PROGRAMS:
            linked = subprocess.run(
                ["ldd", *postfix.command(program)],
                env=postfix.environment,
                capture_output=True,
                text=True,
                check=True,
            )
            if "not found" in linked.stdout:
                return None
        return postfix
    return None


def _quietly(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, capture_output=True, check=True, timeout=120)


@contextmanager
def receiver(postfix: Postfix | None) -> Iterator[int]:
    """The port of a receiver that takes everything."""
    port = free_port()
    if postfix is not None:
        command = postfix.command("smtp-sink", f"127.0.0.1:{port}", "1000")
        if os.geteuid() == 0:
            command[1:1] = ["-u", "nobody"]
        process = subprocess.Popen(command, env=postfix.environment, stdout=subprocess.DEVNULL)
    else:
        command = [sys.executable, "-m", "tests.harness.smtp_sink", "--port", str(port)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        until_sync(lambda: _listens(port), message="the receiver does not listen")
        yield port
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def source_rate(postfix: Postfix, port: int) -> float:
    """Mails per second that `smtp-source` sends over 20 connections that it keeps."""
    command = postfix.command(
        "smtp-source",
        "-d",
        "-s",
        str(SESSIONS),
        "-m",
        str(PEER_EMAILS),
        "-l",
        str(BYTES),
        f"127.0.0.1:{port}",
    )
    begin = time.perf_counter()
    subprocess.run(command, env=postfix.environment, check=True, stdout=subprocess.DEVNULL)
    return PEER_EMAILS / (time.perf_counter() - begin)


def engine_rate(port: int, emails: int = EMAILS) -> float:
    """Mails per second that an engine in a process of its own delivers from a full queue."""
    with tempfile.TemporaryDirectory(prefix="zidimail-bench-") as folder:
        command = [sys.executable, "-m", "tests.bench.delivery", "--engine", folder, str(port), str(emails)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return float(done.stdout.split()[-1])


async def run_engine(folder: Path, port: int, emails: int) -> float:
    """Fills a store, delivers everything, and returns mails per second."""
    settings = Settings(
        data_dir=folder,
        database_url=f"sqlite:///{folder / 'bench.db'}",
        secret=SECRET,
        transport=f"smtp://127.0.0.1:{port}",
    )
    upgrade(settings.database_url)
    database, clock = Database(settings.database_url), SystemClock()
    writer = Writer(database)
    writer.start()
    await fill(writer, clock.now_ms(), emails)
    resolver = Resolver(settings)

    async def is_empty() -> bool:
        return await database.read(Tx.scalar, int, select(delivery_queue.c.no).limit(1)) is None

    transport = transport_of(settings, resolver)
    engine = Engine(
        database, writer, settings, clock, seal(), transport, Notifier(), Notifier(), Backpressure()
    )
    begin = time.perf_counter()
    await engine.start()
    await until(is_empty, within=300)
    seconds = time.perf_counter() - begin
    await engine.stop()
    delivered = await database.read(
        Tx.scalar, int, select(func.count()).where(events.c.type == "email.delivered")
    )
    await writer.close()
    await database.close()
    if delivered != emails:
        raise AssertionError(f"{delivered} of {emails} emails were delivered")
    return emails / seconds


async def fill(writer: Writer, now_ms: int, emails: int) -> None:
    """Puts emails of 4 KB into the queue."""
    org_id = new_id()
    await writer.run(add_domain, org_id)
    line = "Thank you for your order. It leaves our store today.\n"
    text = (line * (BYTES // len(line) + 1))[: BYTES - _OVERHEAD]
    for start in range(0, emails, 500):
        await enqueue(
            writer,
            *(
                rows_of(org_id, [f"customer-{number}@example.net"], text=text, accepted_at=now_ms)
                for number in range(start, min(start + 500, emails))
            ),
        )


def main() -> None:
    """Prints the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", nargs=3, metavar=("FOLDER", "PORT", "EMAILS"), help="only an engine")
    arguments = parser.parse_args()
    if arguments.engine:
        folder, port, emails = arguments.engine
        print(uvloop.run(run_engine(Path(folder), int(port), int(emails))))
    else:
        print(table(measure()))


if __name__ == "__main__":
    main()
