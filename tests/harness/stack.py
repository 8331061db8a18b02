"""The real programs as processes, on free loopback ports, in a folder of their own."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc.aio

from server.private_files import PRIVATE_UMASK
from server.settings import Settings
from tests.harness import programs, running_twins
from tests.harness.organisations import Kind, add, make, operator_token, own_without_limit
from tests.harness.organisations import Organisation as Organisation
from tests.harness.passwords import quick_passwords
from tests.harness.programs import ROOT as ROOT
from tests.harness.programs import Program
from tests.harness.waiting import until_sync

START_WITHIN_S = 90.0
STOP_WITHIN_S = 60.0
LOG_TAIL_LINES = 60

_claims: list[socket.socket] = []


class StackError(Exception):
    """A program of the stack did not do what it should; the message holds the ends of the logs."""


def free_port() -> int:
    """A loopback TCP port for a program that listens with SO_REUSEADDR, as all of ours do.

    Nobody else is given it while this process lives, nor while the program restarts: no other test, no
    outgoing connection.
    """
    claim = socket.socket()
    claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    claim.bind(("127.0.0.1", 0))
    port = int(claim.getsockname()[1])
    if sys.platform == "linux":
        # Bound and not listening, this socket does not stop another program from binding the port.
        _claims.append(claim)
    else:
        claim.close()
    return port


class Stack:
    """Server and edge as an operator runs them, with two organisations: `owner` and `other`, and one of each
    of the `kinds` in `orgs`.

    `database_url` is None for SQLite in the data directory. `env` adds to the environment of every
    program. Private networks are allowed and rate limits off, unless `env` says otherwise; and what their
    plan lets the two organisations own is not limited. With `twins` another organisation has a twin of each
    row that is stored from the start on (`tests.harness.twins`).
    """

    domain = "mail.example.com"
    # That of the two organisations.
    plan = "pro"

    def __init__(
        self,
        data_dir: Path,
        *,
        transport: str = "capture",
        database_url: str | None = None,
        env: Mapping[str, str] | None = None,
        kinds: Mapping[str, Kind] | None = None,
        twins: bool = False,
    ) -> None:
        self.data_dir = data_dir
        self._twins = twins
        self._kinds = kinds or {}
        self.orgs: dict[str, Organisation] = {}
        self.grpc = f"127.0.0.1:{free_port()}"
        self.http = f"http://127.0.0.1:{free_port()}"
        self.metrics = f"http://127.0.0.1:{free_port()}"
        self.smtp_port = free_port()
        self._logs = data_dir / "logs"
        self._processes: dict[str, Program] = {}
        self.env = {key: value for key, value in os.environ.items() if not key.startswith("ZIDIMAIL_")} | {
            "PYTHONUNBUFFERED": "1",
            "ZIDIMAIL_DATA_DIR": str(data_dir),
            "ZIDIMAIL_GRPC_LISTEN": self.grpc,
            "ZIDIMAIL_SERVER": self.grpc,
            "ZIDIMAIL_HTTP_LISTEN": self.http.removeprefix("http://"),
            "ZIDIMAIL_SMTP_LISTEN": f"127.0.0.1:{self.smtp_port}",
            "ZIDIMAIL_METRICS_LISTEN": self.metrics.removeprefix("http://"),
            "ZIDIMAIL_TRANSPORT": transport,
            "ZIDIMAIL_ALLOW_PRIVATE_NETWORKS": "on",
            "ZIDIMAIL_IP_LIMIT": "off",
            "ZIDIMAIL_AUTH_IP_LIMIT": "off",
        }
        if database_url is not None:
            self.env["ZIDIMAIL_DATABASE_URL"] = database_url
        self.env |= env or {}

    def start(self) -> Self:
        """Migrates, bootstraps and starts everything; returns when it answers."""
        # The commands' own functions, in this process: a process for each would double the time of a start.
        before = os.umask(PRIVATE_UMASK)
        try:
            # In a thread, as the caller's may run an event loop.
            hashing = quick_passwords() if programs.are_forks() else nullcontext()
            with hashing, ThreadPoolExecutor(1) as thread:
                thread.submit(asyncio.run, self._bootstrap()).result()
        finally:
            os.umask(before)
        own_without_limit(self.plan, self.database_url)
        if self._twins:
            running_twins.add(self.database_url)
        self._start_programs()
        return self

    async def _bootstrap(self) -> None:
        """Migrates the store and adds the organisations."""
        settings = Settings.from_env(self.env)
        self.owner = await add(settings, "owner@example.com", self.domain, "--plan", self.plan)
        self.other = await add(settings, "other@example.net", "mail.example.net", "--plan", self.plan)
        self.orgs = await make(self._kinds, settings)
        self.operator_token = await operator_token(settings)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if error is not None:
            print(self.log_tails())

    # The first organisation, by the short names that most tests use.

    @property
    def api_key(self) -> str:
        """The owner's API key."""
        return self.owner.api_key

    @property
    def jwt(self) -> str:
        """The owner's session."""
        return self.owner.jwt

    @property
    def org_id(self) -> str:
        """The owner's organisation."""
        return self.owner.org_id

    @property
    def key_id(self) -> str:
        """The id of the owner's API key."""
        return self.owner.key_id

    @property
    def domain_id(self) -> str:
        """The id of the owner's verified domain."""
        return self.owner.domain_id

    @property
    def edge_secret(self) -> str:
        """By which edges prove themselves and internal callers are known."""
        return (self.data_dir / "edge-secret").read_text()

    @property
    def captured(self) -> Path:
        """The folder that the `capture` transport writes to."""
        return self.data_dir / "captured"

    @property
    def database_url(self) -> str:
        """The store of this stack."""
        return self.env.get("ZIDIMAIL_DATABASE_URL") or f"sqlite:///{self.data_dir / 'zidimail.db'}"

    def channel(self, number: int = 0) -> grpc.aio.Channel:
        """A new gRPC channel to the server; channels of different numbers share no connection."""
        options = [("zidimail.channel", number)]
        watchers = running_twins.WATCHERS if self._twins else ()
        return grpc.aio.insecure_channel(self.grpc, options=options, interceptors=watchers)

    # The programs.

    def run(self, *arguments: str) -> str:
        """Runs `python -m ARGUMENTS` to its end; returns what it printed. Raises StackError."""
        done = programs.run(*arguments, env=self.env)
        if done.returncode:
            raise StackError(f"{' '.join(arguments)} exited with {done.returncode}:\n{done.stderr}")
        return done.stdout

    def bootstrap_org(self, email: str, domain: str, *options: str) -> Organisation:
        """Adds an organisation by the command. On SQLite, only while no server runs."""
        printed: dict[str, Any] = json.loads(
            self.run(
                "server", "bootstrap", "--email", email, "--plan", self.plan,
                "--domain", domain, "--verified", *options, "--json",
            )
        )  # fmt: skip
        return Organisation(**printed, domain=domain)

    def start_server(self, env: Mapping[str, str] | None = None, *, wait: bool = True) -> None:
        """Starts the server, with `env` added for this run, and waits until the edge reaches it."""
        self._spawn("server", "server", env=env)
        if wait:
            self.wait_until_ready()

    def start_edge(self, env: Mapping[str, str] | None = None) -> None:
        """Starts the edge and waits until it answers at all."""
        self._spawn("edge", "edge", env=env)
        self._wait("edge", "/healthz")

    def start_relay(self, env: Mapping[str, str] | None = None, name: str = "relay", listen: str = "") -> int:
        """Starts an SMTP relay, with `env` added for this run, and waits until it greets; returns its port.

        Relays of other names than the first one's have ports of their own; `listen` is another address.
        """
        port = self.smtp_port if name == "relay" else free_port()
        address = listen or f"127.0.0.1:{port}"
        self._spawn(name, "edge.smtp", env={"ZIDIMAIL_SMTP_LISTEN": address, **(env or {})})
        self._poll(name, lambda: greets(address), f"{name} never greeted")
        return port

    def wait_until_ready(self) -> None:
        """Waits for `/readyz`: the edge reaches a server that serves."""
        self._wait("server", "/readyz")

    def start_worker(self) -> Program:
        """Starts a process that only delivers, beside the server; needs PostgreSQL."""
        metrics = f"127.0.0.1:{free_port()}"
        self._spawn("worker", "server", "worker", env={"ZIDIMAIL_METRICS_LISTEN": metrics})
        return self._processes["worker"]

    def kill_server(self) -> None:
        """SIGKILL, and waits for the end."""
        self._processes["server"].kill()
        self.wait_server()

    def kill_edge(self) -> None:
        """SIGKILL, and waits for the end."""
        self._processes["edge"].kill()
        self._processes["edge"].wait(STOP_WITHIN_S)

    def kill_relay(self) -> None:
        """SIGKILL, and waits for the end."""
        self._processes["relay"].kill()
        self._processes["relay"].wait(STOP_WITHIN_S)

    def stop_relay(self) -> int:
        """SIGTERM; returns the exit code after the drain."""
        self.signal_relay(signal.SIGTERM)
        return self.wait_relay()

    def signal_relay(self, number: signal.Signals, name: str = "relay") -> None:
        """Sends a relay a signal."""
        self._processes[name].send_signal(number)

    def wait_relay(self, name: str = "relay") -> int:
        """Waits for a relay's end; returns its exit code, negative for a signal."""
        return self._processes[name].wait(STOP_WITHIN_S)

    def relay_is_running(self) -> bool:
        """True while the relay's process runs."""
        return self._processes["relay"].poll() is None

    def wait_server(self, within: float = STOP_WITHIN_S) -> int:
        """Waits for the server's end by itself; returns its exit code, negative for a signal."""
        return self._processes["server"].wait(within)

    def server_is_running(self) -> bool:
        """True while the server's process runs."""
        return self._processes["server"].poll() is None

    def server_pid(self) -> int:
        """The server's process id."""
        return self._processes["server"].pid

    def relay_pid(self, name: str = "relay") -> int:
        """A relay's process id."""
        return self._processes[name].pid

    def edge_pid(self) -> int:
        """The edge's process id."""
        return self._processes["edge"].pid

    def stop_server(self) -> int:
        """SIGTERM; returns the exit code after the drain."""
        self.signal_server(signal.SIGTERM)
        return self.wait_server()

    def signal_server(self, number: signal.Signals) -> None:
        """Sends the server a signal."""
        self._processes["server"].send_signal(number)

    def stop(self) -> None:
        """Stops every program."""
        if self._twins:
            running_twins.end(self.database_url)
        for process in self._processes.values():
            if process.poll() is None:
                process.terminate()
        for process in self._processes.values():
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def log(self, name: str) -> str:
        """All that a program has logged."""
        return (self._logs / f"{name}.log").read_text(errors="replace")

    def log_tails(self) -> str:
        """The last lines of every program's log."""
        tails = []
        for path in sorted(self._logs.glob("*.log")):
            lines = path.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
            tails.append(f"--- {path.name}\n" + "\n".join(lines))
        return "\n".join(tails)

    def _start_programs(self) -> None:
        self._logs.mkdir(parents=True, exist_ok=True)
        try:
            self.start_edge()
            self.start_server()
        except BaseException:
            self.stop()
            raise

    def _spawn(self, name: str, *arguments: str, env: Mapping[str, str] | None) -> None:
        self._processes[name] = programs.start(
            *arguments, env=self.env | dict(env or {}), output=self._logs / f"{name}.log"
        )

    def _wait(self, name: str, path: str) -> None:
        def answers() -> bool:
            try:
                with urllib.request.urlopen(self.http + path, timeout=2) as answer:
                    return bool(answer.status == 200)
            except (urllib.error.URLError, OSError):
                return False

        self._poll(name, answers, f"{path} never answered 200")

    def _poll(self, name: str, answers: Callable[[], bool], message: str) -> None:
        """Waits until a program answers. Raises StackError."""

        def answers_or_ended() -> bool:
            if self._processes[name].poll() is not None:
                raise StackError(
                    f"the {name} ended with {self._processes[name].returncode}\n{self.log_tails()}"
                )
            return answers()

        try:
            until_sync(answers_or_ended, within=START_WITHIN_S, message=message)
        except AssertionError as error:
            raise StackError(f"{error}\n{self.log_tails()}") from None


def greets(address: str) -> bool:
    """True if a mail server answers at `host:port`."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), 2) as connection:
            return connection.recv(3) == b"220"
    except OSError:
        return False


class Replica(Stack):
    """Another server and edge on the PostgreSQL of a running stack, with the same organisations.

    Only the store and the secret are shared, as between two machines.
    """

    def __init__(self, first: Stack, data_dir: Path) -> None:
        secret = first.env.get("ZIDIMAIL_SECRET") or (first.data_dir / "secret").read_text().strip()
        super().__init__(
            data_dir,
            transport=first.env["ZIDIMAIL_TRANSPORT"],
            database_url=first.database_url,
            env={"ZIDIMAIL_SECRET": secret},
        )
        self.owner, self.other, self.orgs = first.owner, first.other, first.orgs

    def start(self) -> Self:
        """Starts the programs on the store as it is; returns when they answer."""
        self._start_programs()
        return self
