"""The misfortunes of the programs and the database of a run: each fault begins, lasts, and ends by itself."""

import random
import signal
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import psycopg
from sqlalchemy import make_url

from tests.harness.forwarder import Forwarder
from tests.harness.stack import Stack
from tests.harness.wrong_clock import WrongClock


@dataclass(frozen=True, slots=True)
class Scene:
    """The server that faults meet, the URL of its store, and on PostgreSQL the network between the two.

    `clock` is the time of day of the other server's machine.
    """

    stack: Stack
    url: str
    network: Forwarder | None = None
    clock: WrongClock | None = None


# It blocks; the second argument is how long it lasts, in seconds.
Fault: TypeAlias = Callable[[Scene, float], None]
_LONGEST_S = 3.0
_LOSSES = 5


def kill(scene: Scene, lasts_s: float) -> None:
    """SIGKILL, and a new start."""
    scene.stack.kill_server()
    time.sleep(lasts_s / 4)
    scene.stack.start_server()


def stop(scene: Scene, lasts_s: float) -> None:
    """SIGTERM, and a new start."""
    scene.stack.stop_server()
    time.sleep(lasts_s / 4)
    scene.stack.start_server()


def freeze(scene: Scene, lasts_s: float) -> None:
    """The server stands still, wherever it is."""
    scene.stack.signal_server(signal.SIGSTOP)
    time.sleep(lasts_s)
    scene.stack.signal_server(signal.SIGCONT)


def lock_file(scene: Scene, lasts_s: float) -> None:
    """Another program writes to the SQLite store."""
    with sqlite3.connect(make_url(scene.url).database or "", timeout=30) as connection:
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(lasts_s)
        connection.rollback()
    connection.close()


def end_sessions(scene: Scene, lasts_s: float) -> None:
    """Every session of the database is ended, again and again."""
    end = time.monotonic() + lasts_s
    with _connected(scene) as connection:
        while time.monotonic() < end:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            time.sleep(lasts_s / 5)


def lock_rows(scene: Scene, lasts_s: float) -> None:
    """Another session holds the rows that every send changes."""
    with _connected(scene) as connection, connection.transaction():
        connection.execute("SELECT 1 FROM organisations FOR UPDATE")
        connection.execute("SELECT 1 FROM log_heads FOR UPDATE")
        time.sleep(lasts_s)


def hold_open(scene: Scene, lasts_s: float) -> None:
    """Another session has written something and does not end its transaction."""
    with _connected(scene) as connection, connection.transaction(force_rollback=True):
        connection.execute("CREATE TABLE held_open (note text)")
        time.sleep(lasts_s)


def lose_answers(scene: Scene, lasts_s: float) -> None:
    """The answers of some commits are lost, with their connections."""
    assert scene.network is not None
    scene.network.lose("answer", _LOSSES)
    time.sleep(lasts_s)
    scene.network.heal()


def lose_commits(scene: Scene, lasts_s: float) -> None:
    """Some commits are lost before they arrive."""
    assert scene.network is not None
    scene.network.lose("commit", _LOSSES)
    time.sleep(lasts_s)
    scene.network.heal()


def set_clock(scene: Scene, lasts_s: float) -> None:
    """The time of day of the other server jumps ahead, then back to before it was right."""
    assert scene.clock is not None
    for ahead_s in (90, -90, 0):
        scene.clock.set(ahead_s)
        time.sleep(lasts_s / 3)


def _connected(scene: Scene) -> "psycopg.Connection[tuple[object, ...]]":
    url = make_url(scene.url).set(drivername="postgresql")
    return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)


FAULTS: Mapping[str, Mapping[str, Fault]] = {
    "sqlite": {"kill": kill, "stop": stop, "freeze": freeze, "lock": lock_file},
    "postgresql": {
        "kill": kill,
        "freeze": freeze,
        "sessions": end_sessions,
        "lock": lock_rows,
        "open": hold_open,
        "answers": lose_answers,
        "commits": lose_commits,
        "clock": set_clock,
    },
}


def chosen(engine: str, chance: random.Random, count: int) -> list[tuple[str, float]]:
    """Names of faults and how long each lasts, different ones as long as there are any."""
    names = list(FAULTS[engine])
    chance.shuffle(names)
    return [(names[n % len(names)], chance.uniform(0.5, _LONGEST_S)) for n in range(count)]
