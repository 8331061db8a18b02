"""Databases and stacks that tests of every kind share."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from server.db.database import Database
from server.db.migrate import upgrade
from server.db.writer import Writer
from tests.harness import programs, running_twins
from tests.harness.dns_server import DnsServer, dns_in_a_thread
from tests.harness.memory_disk import memory_disk
from tests.harness.paypal_certificates import strangers_file
from tests.harness.postgres import Postgres
from tests.harness.sheets_server import sheets_server
from tests.harness.stack import Stack

pytest_plugins = ["tests.harness.skips"]


@pytest.fixture(autouse=True)
def twins_stay() -> Iterator[None]:
    """Whatever a test does on a running stack, the rows of another organisation are as they were."""
    yield
    running_twins.check_stores()


def pytest_configure() -> None:
    """Tests, the programs that they start write in memory, unless TMPDIR says where."""
    if "TMPDIR" not in os.environ and (folder := memory_disk()) is not None:
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    # Each client and program reads the authorities that it trusts, those of a machine in 25 ms of a core.
    os.environ["SSL_CERT_FILE"] = strangers_file()
    running_twins.watch_clients()
    programs.fork_programs()


@pytest.fixture(scope="session")
def postgres() -> Postgres:
    """One PostgreSQL server for the whole run."""
    return Postgres.for_tests()


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> str:
    """The URL of a migrated, empty PostgreSQL database, to be copied."""
    url = postgres.create_database()
    upgrade(url)
    return url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite database, to be copied."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    """The URL of a fresh, migrated SQLite database."""
    path = shutil.copy(sqlite_template, tmp_path / "test.db")
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres: Postgres, postgres_template: str) -> Iterator[str]:
    """The URL of a fresh, migrated PostgreSQL database."""
    url = postgres.create_database(postgres_template)
    yield url
    postgres.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh, migrated database: each test that uses it runs on both engines."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables, on both engines."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh store, on both engines."""
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def writer(database: Database) -> AsyncIterator[Writer]:
    """The running writer of `database`."""
    writer = Writer(database)
    writer.start()
    yield writer
    await writer.close()


@pytest.fixture(scope="session")
def stack_dns() -> Iterator[DnsServer]:
    """The resolver of `stack`: it knows nothing but what a test publishes in its `zones`."""
    with dns_in_a_thread() as server:
        yield server


@pytest.fixture(scope="session")
def sheets_url() -> Iterator[str]:
    """The base URL of a server of sheets."""
    with sheets_server() as url:
        yield url


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, stack_dns: DnsServer, sheets_url: str) -> Iterator[Stack]:
    """Server and edge on SQLite with captured mail, shared by every test that leaves them running."""
    env = {"ZIDIMAIL_DNS": stack_dns.address, "ZIDIMAIL_SHEETS_URL": sheets_url}
    with Stack(tmp_path_factory.mktemp("stack"), env=env, twins=True) as stack:
        yield stack
