"""The programs that the figures measure, their peers, and local receivers."""

import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from tests.bench.load import NUMBER
from tests.harness.stack import ROOT, Stack, free_port
from tests.harness.waiting import until_sync

# As much text as an ordinary receipt or confirmation has; the whole request is about 1.6 KB.
_LINES = 12


def body(domain: str) -> str:
    """The JSON body of a send from `domain`, each to another recipient (`load.NUMBER`)."""
    text = "Thank you for your order. It leaves our store today.\n" * _LINES
    html = "<p>Thank you for your order. It leaves our store today.</p>\n" * _LINES
    return orjson.dumps(
        {
            "from": f"The Shop <orders@{domain}>",
            "to": [f"customer-{NUMBER}@example.net"],
            "subject": f"Your order {NUMBER}",
            "html": html,
            "text": text,
            "headers": {"X-Order": NUMBER},
            "tags": [{"name": "kind", "value": "receipt"}],
        }
    ).decode()


@contextmanager
def silent_smarthost() -> Iterator[str]:
    """The transport setting of a host that takes connections and never says a word.

    Accepting is measured with it: the engine runs, claims and waits, and spends no time on composing and
    signing, which has figures of its own.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        yield f"smtp://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def running(kind: type[Stack], transport: str, database_url: str | None = None) -> Iterator[Stack]:
    """A stack in a temporary folder."""
    with (
        tempfile.TemporaryDirectory(prefix="zidimail-bench-") as folder,
        kind(Path(folder), transport=transport, database_url=database_url) as stack,
    ):
        yield stack


@contextmanager
def empty_app() -> Iterator[int]:
    """The port of `tests.bench.empty_app`, served as the edge is served: one process, uvloop, httptools."""
    port = free_port()
    process = subprocess.Popen(
        [
            sys.executable, "-m", "uvicorn", "tests.bench.empty_app:app", "--port", str(port),
            "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning",
        ],
        cwd=ROOT,
    )  # fmt: skip

    def answers() -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    try:
        until_sync(answers, message="the empty app never answered")
        yield port
    finally:
        process.terminate()
        process.wait()
