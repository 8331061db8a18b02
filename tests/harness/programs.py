"""Programs of the product as processes, each one as `python -m MODULE` makes it.

That takes up to two seconds of a core before the program's first line runs. Under pytest a program is a fork
of a process that has imported it instead (`tests.harness.fork_server`); those of measurements are not.
"""

import atexit
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from signal import Signals
from threading import Lock
from typing import Protocol

from tests.harness.fork_server import Start
from tests.harness.waiting import until_sync

ROOT = Path(__file__).resolve().parents[2]
# Modules that the programs import after their start.
_LATER = {"server": ["server.app"], "edge": [], "edge.smtp": []}
_RUN_WITHIN_S = 60.0

_servers: dict[str, "_ForkServer"] = {}
_may_fork = False


class Program(Protocol):
    """A process, by the methods of `subprocess.Popen` that tests use."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


def fork_programs() -> None:
    """Lets the programs of this process be forks from now on.

    Coverage is measured from a program's first line, so that programs are none while it is.
    """
    global _may_fork  # noqa: PLW0603
    _may_fork = not any(name.startswith("COVERAGE_PROCESS_") for name in os.environ)


def are_forks() -> bool:
    """True if programs are forks, in which passwords are hashed with little work."""
    return _may_fork


def start(
    module: str, *arguments: str, env: Mapping[str, str], output: Path, errors: Path | None = None
) -> Program:
    """Starts `python -m MODULE ARGUMENTS`, which appends what it prints to `output` and `errors`."""
    errors = errors or output
    # A library is preloaded by exec alone.
    if _may_fork and "LD_PRELOAD" not in env:
        if module not in _servers:
            _servers[module] = _ForkServer(module)
        return _Fork(_servers[module], Start(arguments, env, str(output), str(errors)))
    with output.open("ab") as out, errors.open("ab") as err:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments], cwd=ROOT, env=env, stdout=out, stderr=err
        )


def run(module: str, *arguments: str, env: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Runs `python -m MODULE ARGUMENTS` to its end. Raises TimeoutExpired."""
    with tempfile.TemporaryDirectory() as name:
        output, errors = Path(name, "output"), Path(name, "errors")
        program = start(module, *arguments, env=env, output=output, errors=errors)
        try:
            code = program.wait(_RUN_WITHIN_S)
        finally:
            if program.poll() is None:
                program.kill()
                program.wait()
        return subprocess.CompletedProcess(arguments, code, output.read_text(), errors.read_text())


class _ForkServer:
    """The process that a program is forked from."""

    def __init__(self, module: str) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            words = [str(theirs.fileno()), module, *_LATER[module]]
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.harness.fork_server", *words],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._connection = Connection(ours.detach())
        self._lock = Lock()
        atexit.register(self._stop)

    def ask(self, request: Start | int) -> int | None:
        """The answer to a request."""
        with self._lock:
            self._connection.send(request)
            answer: int | None = self._connection.recv()
            return answer

    def _stop(self) -> None:
        self._connection.close()
        self._process.wait()


class _Fork:
    """A program that is a fork. Its id is nobody else's until its exit code was asked for."""

    def __init__(self, server: _ForkServer, request: Start) -> None:
        pid = server.ask(request)
        assert pid is not None
        self.pid = pid
        self.returncode: int | None = None
        self._server = server
        self._arguments = request.arguments
        self._lock = Lock()

    def poll(self) -> int | None:
        with self._lock:
            if self.returncode is None:
                self.returncode = self._server.ask(self.pid)
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        within = float("inf") if timeout is None else timeout
        try:
            until_sync(lambda: self.poll() is not None, within=within)
        except AssertionError:
            raise subprocess.TimeoutExpired(list(self._arguments), within) from None
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        self.send_signal(Signals.SIGTERM)

    def kill(self) -> None:
        self.send_signal(Signals.SIGKILL)
