"""A resolver with scripted answers and a verifier that uses it; a store for state machines."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, make_url
from sqlalchemy.pool import NullPool

from server.db.database import Database
from server.db.writer import Writer
from server.domains.verify import Verifier
from server.net.dns import Resolver
from server.settings import Settings
from server.wire.caller import SessionCaller
from tests.harness.clock import ManualClock
from tests.harness.dns_server import DnsServer
from tests.harness.interleaving import Pair, two_transactions
from tests.harness.oidc_provider import OidcProvider, oidc_provider
from tests.harness.paypal_server import PayPalServer, paypal_server
from tests.harness.postgres import Postgres
from tests.harness.twins import add_twins, changed_twins
from tests.store.at_provider import AtProvider
from tests.store.erasing import Erasing
from tests.store.machines import Store, open_store
from tests.store.own_domains import HOSTNAME
from tests.store.payer import Payer
from tests.store.people import People


@pytest.fixture(scope="session")
def sqlite_with_twins(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """A migrated SQLite database with the triggers that add twins, to be copied."""
    path = Path(shutil.copy(sqlite_template, tmp_path_factory.mktemp("twins") / "template.db"))
    add_twins(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_with_twins(postgres: Postgres, postgres_template: str) -> str:
    """The URL of a migrated PostgreSQL database with the triggers that add twins, to be copied."""
    url = postgres.create_database(postgres_template)
    add_twins(url)
    return url


@pytest.fixture
def sqlite_url(
    tmp_path: Path, sqlite_template: Path, sqlite_with_twins: Path, request: pytest.FixtureRequest
) -> Iterator[str]:
    """The URL of a fresh SQLite database, where another organisation has a twin of each row.

    A module may say WITHOUT_TWINS why it has none.
    """
    has_twins = not hasattr(request.module, "WITHOUT_TWINS")
    url = (
        f"sqlite:///{shutil.copy(sqlite_with_twins if has_twins else sqlite_template, tmp_path / 'test.db')}"
    )
    yield url
    assert not has_twins or changed_twins(url) == []


@pytest.fixture
def postgres_url(
    postgres: Postgres, postgres_template: str, postgres_with_twins: str, request: pytest.FixtureRequest
) -> Iterator[str]:
    """The URL of a fresh PostgreSQL database, where another organisation has a twin of each row.

    A module may say WITHOUT_TWINS why it has none.
    """
    has_twins = not hasattr(request.module, "WITHOUT_TWINS")
    url = postgres.create_database(postgres_with_twins if has_twins else postgres_template)
    yield url
    changed = changed_twins(url) if has_twins else []
    postgres.drop_database(url)
    assert changed == []


@pytest.fixture
async def dns_server() -> AsyncIterator[DnsServer]:
    """A scripted DNS server."""
    async with DnsServer() as server:
        yield server


@pytest.fixture
def clock() -> ManualClock:
    """The time at which verifications run."""
    return ManualClock()


@pytest.fixture
async def verifier(
    database: Database, writer: Writer, clock: ManualClock, dns_server: DnsServer
) -> AsyncIterator[Verifier]:
    """A verifier that asks the scripted server."""
    settings = Settings(
        data_dir=Path(), database_url="", secret="", dns=dns_server.address, hostname=HOSTNAME
    )
    resolver = Resolver(settings, clock)
    yield Verifier(database, writer, clock, resolver, settings)
    await resolver.close()


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A fresh store for a state machine, on both engines."""
    yield from open_store(database_url)


@pytest.fixture
async def people(database: Database, writer: Writer) -> AsyncIterator[People]:
    """Accounts on a store, with the one of a user."""
    people = People(database, writer)
    await people.start()
    await people.add()
    yield people
    await people.stop()


@pytest.fixture
async def ada(people: People) -> SessionCaller:
    """The owner of an organisation."""
    return await people.caller(await people.login())


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    """An OpenID Connect provider."""
    with oidc_provider() as provider:
        yield provider


@pytest.fixture
async def at(people: People, provider: OidcProvider) -> AsyncIterator[AtProvider]:
    """People who sign in at the provider, and may register."""
    at = AtProvider(people, provider)
    yield at
    await at.client.stop()


@pytest.fixture
async def at_closed(people: People, provider: OidcProvider) -> AsyncIterator[AtProvider]:
    """The same without registration."""
    at = AtProvider(people, provider, is_open=False)
    yield at
    await at.client.stop()


@pytest.fixture
async def slow(people: People, provider: OidcProvider) -> AsyncIterator[AtProvider]:
    """The same with little patience."""
    at = AtProvider(people, provider, total_s=0.2)
    yield at
    await at.client.stop()


@pytest.fixture(scope="session")
def shared_paypal() -> Iterator[PayPalServer]:
    """A PayPal for the tests of one process."""
    with paypal_server() as paypal:
        yield paypal


@pytest.fixture
def paypal(shared_paypal: PayPalServer) -> PayPalServer:
    """A PayPal that works."""
    shared_paypal.failure, shared_paypal.asks_for_changes = None, True
    shared_paypal.open.set()
    return shared_paypal


@pytest.fixture
async def payer(database: Database, writer: Writer, paypal: PayPalServer) -> AsyncIterator[Payer]:
    """An organisation that may subscribe."""
    payer = Payer(database, writer, paypal)
    await payer.start()
    yield payer
    await payer.stop()


@pytest.fixture
async def erasing(database: Database, writer: Writer, tmp_path: Path) -> Erasing:
    """An organisation that erases what it knows about a person."""
    return await Erasing(database, writer, tmp_path).open()


@pytest.fixture
def pair(postgres_url: str) -> Iterator[Pair]:
    """Two open transactions on a fresh PostgreSQL store."""
    with two_transactions(postgres_url) as pair:
        yield pair


@pytest.fixture
def connection(empty_url: str) -> Iterator[Connection]:
    """A connection to that database."""
    url = make_url(empty_url)
    if url.get_backend_name() == "sqlite":
        url = url.set(drivername="sqlite")
    with create_engine(url, poolclass=NullPool).connect() as connection:
        yield connection
