"""A stack of its own, so that its lists hold what these tests put there, and clients of it."""

import argparse
import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from types import ModuleType
from typing import Any

import httpx
import pytest

from server import bootstrap, organisation
from server.settings import Settings
from tests.harness.dns_server import DnsServer, dns_in_a_thread
from tests.harness.stack import Organisation, Stack
from tests.rest.golden import Description, Golden


@pytest.fixture(scope="package")
def dns() -> Iterator[DnsServer]:
    """What the server of these tests gets to know of DNS: at first nothing."""
    with dns_in_a_thread() as dns:
        yield dns


STATES: dict[str, tuple[list[str], dict[str, str]]] = {
    "idle": (["--plan", "free"], {}),
    "free": (["--plan", "free"], {"burst": "1000"}),
    "sandbox": (["--plan", "free", "--sandbox"], {}),
    "paused": (["--plan", "pro"], {"state": "paused"}),
    "banned": (["--plan", "pro"], {"state": "banned"}),
    "daily": (["--plan", "pro"], {"daily": "2"}),
    "monthly": (["--plan", "free"], {"monthly": "2"}),
    "unique": (["--plan", "free"], {"unique": "2"}),
    "burst": (["--plan", "pro"], {"burst": "1"}),
}
"""How each organisation of `orgs` is made, and what the operator then decides about it."""


class RestStack(Stack):
    """A stack with organisations in every state, each with the verified domain STATE.example.com."""

    orgs: dict[str, Organisation]

    def start_server(self, env: Mapping[str, str] | None = None, *, wait: bool = True) -> None:
        """Makes the organisations before the first start, while no server owns the store."""
        if not hasattr(self, "orgs"):
            self.orgs = asyncio.run(self._make_orgs())
        super().start_server(env, wait=wait)

    async def _make_orgs(self) -> dict[str, Organisation]:
        settings = Settings.from_env(self.env)
        orgs = {}
        for name, (options, decided) in STATES.items():
            domain = f"{name}.example.com"
            words = ["--email", f"owner@{domain}", *options, "--domain", domain, "--verified"]
            printed: Any = await bootstrap.bootstrap(parsed(bootstrap, words), settings)
            orgs[name] = Organisation(**printed, domain=domain)
            if decided:
                words = [printed["org_id"], *(f"--{key}={value}" for key, value in decided.items())]
                await organisation.change(parsed(organisation, words), settings)
        return orgs


def parsed(command: ModuleType, words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(words)


@pytest.fixture(scope="package")
def rest(tmp_path_factory: pytest.TempPathFactory, dns: DnsServer) -> Iterator[RestStack]:
    """Server and edge that no other room of tests uses."""
    with RestStack(tmp_path_factory.mktemp("rest"), env={"ZIDIMAIL_DNS": dns.address}) as stack:
        yield stack


@pytest.fixture(scope="package")
def api_of(rest: RestStack) -> Iterator[Callable[[str], httpx.Client]]:
    """The API key of one of the organisations in `STATES`."""
    with ExitStack() as clients:
        yield lambda name: clients.enter_context(client(rest, rest.orgs[name].api_key))


def client(stack: Stack, token: str) -> httpx.Client:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.Client(base_url=stack.http, headers=headers, timeout=30)


@pytest.fixture(scope="package")
def api(rest: Stack) -> Iterator[httpx.Client]:
    """The owner's API key."""
    with client(rest, rest.owner.api_key) as api:
        yield api


@pytest.fixture(scope="package")
def session(rest: Stack) -> Iterator[httpx.Client]:
    """The owner's session."""
    with client(rest, rest.owner.jwt) as session:
        yield session


@pytest.fixture(scope="package")
def other_api(rest: Stack) -> Iterator[httpx.Client]:
    """Another organisation's API key."""
    with client(rest, rest.other.api_key) as api:
        yield api


@pytest.fixture(scope="package")
def other_session(rest: Stack) -> Iterator[httpx.Client]:
    """Another organisation's session."""
    with client(rest, rest.other.jwt) as session:
        yield session


@pytest.fixture(scope="package")
def stranger(rest: Stack) -> Iterator[httpx.Client]:
    """Nobody."""
    with client(rest, "") as stranger:
        yield stranger


@pytest.fixture(scope="package")
def description(rest: Stack) -> Description:
    """What the edge says of itself."""
    return Description(httpx.get(f"{rest.http}/v1/openapi.json").json())


@pytest.fixture
def golden(description: Description, request: pytest.FixtureRequest) -> Golden:
    """Compares requests and answers with the files in `golden/`."""
    return Golden(description, request.function.__doc__)
