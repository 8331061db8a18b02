"""The peers of B12, which take any mail and drop it, and a forwarder that authenticates for `smtp-source`."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.clients.commands import CommandError, run
from tests.clients.programs.installed import INSTALLED
from tests.harness.stack import ROOT, free_port, greets
from tests.harness.waiting import until_sync

AIOSMTPD = "aiosmtpd==1.4.6"
HARAKA = "Haraka@3.3.4"


class Program(NamedTuple):
    """A program that listens: its port, and its process id."""

    port: int
    pid: int


@contextmanager
def aiosmtpd() -> Iterator[Program]:
    """A bare aiosmtpd, one process. Raises CommandError if it cannot be installed."""
    folder = ROOT / "build" / AIOSMTPD.replace("==", "-")
    if not folder.exists():
        draft = folder.with_name(f"{folder.name}.new")
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        run(*pip, "--target", str(draft), AIOSMTPD)
        draft.rename(folder)
    with listening("tests.bench.bare_aiosmtpd", PYTHONPATH=str(folder)) as program:
        yield program


@contextmanager
def haraka(key: str) -> Iterator[int | None]:
    """The port of a Haraka, one process, that knows `key`; None where it cannot be installed."""
    try:
        modules = _installed_haraka()
    except CommandError as error:
        print(f"without Haraka: {error}", file=sys.stderr)
        yield None
        return
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="zidimail-haraka-") as name:
        config = Path(name) / "config"
        config.mkdir()
        settings = {
            "smtp.ini": f"listen=127.0.0.1:{port}\nnodes=0\n",
            "plugins": "auth/flat_file\nqueue/discard\n",
            "auth_flat_file.ini": f"[core]\nmethods=PLAIN\n[users]\napikey={key}\n",
            "connection.ini": (modules / "Haraka" / "config" / "connection.ini").read_text(),
            "loglevel": "CRIT\n",
            "me": "relay.test\n",
        }
        for file, text in settings.items():
            (config / file).write_text(text)
        program = str(modules / "Haraka" / "bin" / "haraka")
        with subprocess.Popen(
            [INSTALLED.node, program, "-c", name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                until_sync(lambda: greets(f"127.0.0.1:{port}"), message="Haraka does not greet")
                yield port
            finally:
                process.kill()


def _installed_haraka() -> Path:
    """The folder of Haraka's package and those that it needs. Raises CommandError."""
    INSTALLED.install()
    folder = ROOT / "build" / HARAKA.replace("@", "-")
    if not folder.exists():
        draft = folder.with_name(f"{folder.name}.new")
        draft.mkdir(exist_ok=True)
        npm = Path(INSTALLED.node).parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        run(INSTALLED.node, str(npm), "install", *options, HARAKA, cwd=draft)
        draft.rename(folder)
    return folder / "node_modules"


@contextmanager
def authenticated(port: int, key: str) -> Iterator[int]:
    """The port of a forwarder to `port`, whose sessions are authenticated."""
    with listening("tests.bench.authenticating", str(port), key) as forwarder:
        yield forwarder.port


@contextmanager
def listening(module: str, *arguments: str, **env: str) -> Iterator[Program]:
    """A program while it runs, at the port that it prints."""
    with subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield Program(int(process.stdout.readline().rpartition(" ")[2]), process.pid)
        finally:
            process.kill()
