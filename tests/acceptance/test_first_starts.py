"""Programs that start at once on a new store, or on one that another program has open under another name."""

import os
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from server.db.migrate import is_current
from tests.harness.ledger import store
from tests.harness.stack import ROOT, Stack, StackError, free_port
from tests.harness.waiting import until_sync

AT_ONCE = 4
WITHIN_S = 120


@pytest.fixture
def environment(empty_url: str, tmp_path: Path) -> dict[str, str]:
    """The settings of every process: a new store and a new data directory."""
    ours = {key: value for key, value in os.environ.items() if not key.startswith("ZIDIMAIL_")}
    return ours | {"ZIDIMAIL_DATABASE_URL": empty_url, "ZIDIMAIL_DATA_DIR": str(tmp_path / "data")}


def bootstrapping(number: int) -> tuple[str, ...]:
    """The command that makes the organisation of this number."""
    email, domain = f"owner-{number}@example.com", f"{number}.example.com"
    return "bootstrap", "--email", email, "--plan", "pro", "--domain", domain, "--verified", "--json"


def at_once(commands: Sequence[Sequence[str]], environment: dict[str, str]) -> None:
    """Runs commands of the server at the same time; each must succeed."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "server", *command],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for command in commands
    ]
    failures = []
    for command, process in zip(commands, processes, strict=True):
        _, errors = process.communicate(timeout=WITHIN_S)
        if process.returncode:
            failures.append(f"{command[0]} exited with {process.returncode}: {errors.decode()[-400:]}")
    assert not failures, "\n".join(failures)


def test_commands_that_migrate_an_empty_store_at_once_all_succeed(
    environment: dict[str, str], empty_url: str
) -> None:
    at_once([["migrate"]] * AT_ONCE, environment)
    assert is_current(empty_url)


def test_organisations_that_are_made_at_once_in_an_empty_store_are_all_there(
    environment: dict[str, str], empty_url: str
) -> None:
    at_once([bootstrapping(number) for number in range(AT_ONCE)], environment)
    with store(empty_url) as connection:
        emails = list(connection.scalars(text("SELECT email FROM users ORDER BY email")))
    assert emails == [f"owner-{number}@example.com" for number in range(AT_ONCE)]


def test_servers_that_start_at_once_on_a_new_postgresql_store_all_serve(
    postgres_url: str, tmp_path: Path
) -> None:
    secret = {"ZIDIMAIL_SECRET": "one secret for all the servers of a store"}
    stacks = [Stack(tmp_path / str(n), database_url=postgres_url, env=secret) for n in range(AT_ONCE)]
    try:
        for stack in stacks:
            (stack.data_dir / "logs").mkdir(parents=True)
            stack.start_server(wait=False)
        for stack in stacks:
            until_sync(partial(has_begun, stack), message="a server did not serve")
    finally:
        for stack in stacks:
            stack.stop()


@pytest.mark.parametrize("kind", ["symbolic", "hard"])
def test_sqlite_store_belongs_to_one_process_whatever_its_name(kind: str, tmp_path: Path) -> None:
    with Stack(tmp_path / "first") as stack:
        path = Path(make_url(stack.database_url).database or "")
        other = tmp_path / "other.db"
        if kind == "symbolic":
            other.symlink_to(path)
        else:
            other.hardlink_to(path)
        stack.env |= elsewhere(tmp_path / "second", f"sqlite:///{other}")
        for command in (["migrate"], ["organisation", stack.org_id], ["serve"]):
            with pytest.raises(StackError, match=r"Another process has the store|another name"):
                stack.run("server", *command)


def test_data_directory_of_an_sqlite_server_takes_no_server_with_another_store(tmp_path: Path) -> None:
    """Its journals and captured mail belong to the store: another server would take them for its own."""
    with Stack(tmp_path / "data") as stack:
        stack.env |= elsewhere(tmp_path / "data", f"sqlite:///{tmp_path / 'other.db'}")
        stack.run("server", "migrate")
        with pytest.raises(StackError, match="ZIDIMAIL_DATA_DIR"):
            stack.run("server", "serve")


def has_begun(stack: Stack) -> bool:
    """True if the server serves calls."""
    return '"event": "serving"' in stack.log("server")


def elsewhere(data_dir: Path, database_url: str) -> dict[str, str]:
    """The settings of another server on this machine."""
    return {
        "ZIDIMAIL_DATA_DIR": str(data_dir),
        "ZIDIMAIL_DATABASE_URL": database_url,
        "ZIDIMAIL_GRPC_LISTEN": f"127.0.0.1:{free_port()}",
        "ZIDIMAIL_METRICS_LISTEN": "off",
    }
