"""A stack for this folder alone, with organisations that have Zeabur Email's keys and quotas."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.harness.organisations import Kind
from tests.harness.stack import Stack
from tests.rest.golden import Description, Golden

VOLATILE = [
    # The quota of a day is shared by the tests of an organisation.
    (re.compile(r'(?<="ratelimit-remaining": ")\d+'), "<number>"),
    # Times without milliseconds, as callers write them.
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ?"), "<time>"),
]
FOLDER = Path(__file__).parent / "golden"
PREFIX = "/api/v1/zsend"

_ZS = ["--plan", "free", "--profile", "level", "--key-style", "zs"]

KINDS = {
    "shop": Kind(_ZS),
    "lists": Kind(_ZS),
    "jobs": Kind(_ZS),
    "shared": Kind(_ZS),
    "hooks": Kind(_ZS),
    "daily": Kind(_ZS, {"daily": "2"}),
    "monthly": Kind(_ZS, {"monthly": "2"}),
    "unique": Kind(_ZS, {"unique": "2"}),
    "burst": Kind(_ZS, {"burst": "0"}),
    "sandbox": Kind([*_ZS, "--sandbox"]),
    "review": Kind(_ZS, {"state": "review"}),
    "paused": Kind(_ZS, {"state": "paused"}),
    "banned": Kind(_ZS, {"state": "banned"}),
}


@pytest.fixture(scope="package")
def zsend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Server and edge that no other folder of tests uses."""
    env = {"ZIDIMAIL_SUPPORT_URL": "https://support.example.com"}
    with Stack(tmp_path_factory.mktemp("zsend"), env=env, kinds=KINDS) as stack:
        yield stack


@pytest.fixture(scope="package")
def api_of(zsend: Stack) -> Iterator[Callable[[str], httpx.Client]]:
    """The API key of one of the organisations of `KINDS`."""
    with ExitStack() as clients:
        yield lambda name: clients.enter_context(client(zsend, zsend.orgs[name].api_key))


@pytest.fixture(scope="package")
def api(api_of: Callable[[str], httpx.Client]) -> httpx.Client:
    """The API key of an organisation whose lists no test counts."""
    return api_of("shop")


def client(stack: Stack, token: str) -> httpx.Client:
    """A client of the dialect; an empty token is none."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.Client(base_url=stack.http + PREFIX, headers=headers, timeout=30)


@pytest.fixture(scope="package")
def description(zsend: Stack) -> Description:
    """The dialect's OpenAPI description."""
    return Description(httpx.get(f"{zsend.http}{PREFIX}/openapi.json").json())


@pytest.fixture
def golden(description: Description, request: pytest.FixtureRequest) -> Golden:
    """Compares requests and answers with the files in `golden/`."""
    return Golden(description, request.function.__doc__, FOLDER, VOLATILE)


@pytest.fixture(scope="package")
def zsend_v1(zsend: Stack) -> Iterator[httpx.Client]:
    """The same API key as `api`, with ZidiMail's prefix."""
    headers = {"authorization": f"Bearer {zsend.orgs['shop'].api_key}"}
    with httpx.Client(base_url=zsend.http, headers=headers, timeout=30) as v1:
        yield v1
