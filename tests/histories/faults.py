"""The misfortunes of the programs and the database of a run: each fault begins, lasts, and ends by itself."""

import random
import signal
import sqlite3
import time
from collections.abc import Callable, Mapping
from typing import TypeAlias

import psycopg
from sqlalchemy import make_url

from tests.harness.stack import Stack

# It blocks; the second argument is how long it lasts, in seconds.
Fault: TypeAlias = Callable[[Stack, float], None]
_LONGEST_S = 3.0


def kill(stack: Stack, lasts_s: float) -> None:
    """SIGKILL, and a new start."""
    stack.kill_server()
    time.sleep(lasts_s / 4)
    stack.start_server()


def stop(stack: Stack, lasts_s: float) -> None:
    """SIGTERM, and a new start."""
    stack.stop_server()
    time.sleep(lasts_s / 4)
    stack.start_server()


def freeze(stack: Stack, lasts_s: float) -> None:
    """The server stands still, wherever it is."""
    stack.signal_server(signal.SIGSTOP)
    time.sleep(lasts_s)
    stack.signal_server(signal.SIGCONT)


def lock_file(stack: Stack, lasts_s: float) -> None:
    """Another program writes to the SQLite store."""
    with sqlite3.connect(make_url(stack.database_url).database or "", timeout=30) as connection:
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(lasts_s)
        connection.rollback()
    connection.close()


def end_sessions(stack: Stack, lasts_s: float) -> None:
    """Every session of the database is ended, again and again."""
    end = time.monotonic() + lasts_s
    with _connected(stack) as connection:
        while time.monotonic() < end:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            time.sleep(lasts_s / 5)


def lock_rows(stack: Stack, lasts_s: float) -> None:
    """Another session holds the rows that every send changes."""
    with _connected(stack) as connection, connection.transaction():
        connection.execute("SELECT 1 FROM organisations FOR UPDATE")
        connection.execute("SELECT 1 FROM log_heads FOR UPDATE")
        time.sleep(lasts_s)


def hold_open(stack: Stack, lasts_s: float) -> None:
    """Another session has written something and does not end its transaction."""
    with _connected(stack) as connection, connection.transaction(force_rollback=True):
        connection.execute("CREATE TABLE held_open (note text)")
        time.sleep(lasts_s)


def _connected(stack: Stack) -> "psycopg.Connection[tuple[object, ...]]":
    url = make_url(stack.database_url).set(drivername="postgresql")
    return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)


FAULTS: Mapping[str, Mapping[str, Fault]] = {
    "sqlite": {"kill": kill, "stop": stop, "freeze": freeze, "lock": lock_file},
    "postgresql": {
        "kill": kill,
        "freeze": freeze,
        "sessions": end_sessions,
        "lock": lock_rows,
        "open": hold_open,
    },
}


def chosen(engine: str, chance: random.Random, count: int) -> list[tuple[str, float]]:
    """Names of faults and how long each lasts, different ones as long as there are any."""
    names = list(FAULTS[engine])
    chance.shuffle(names)
    return [(names[n % len(names)], chance.uniform(0.5, _LONGEST_S)) for n in range(count)]
