"""A stack for this folder alone, so that lists hold only its tests' objects, and clients of it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.cookiejar import DefaultCookiePolicy

import httpx
import pytest

from tests.harness.dns_server import DnsServer, dns_in_a_thread
from tests.harness.oidc_provider import OidcProvider, oidc_provider
from tests.harness.organisations import Kind
from tests.harness.paypal_server import PRO, SCALE, PayPalServer, paypal_server
from tests.harness.stack import Stack
from tests.rest.golden import Description, Golden


@pytest.fixture(scope="package")
def dns() -> Iterator[DnsServer]:
    """The DNS server that the stack asks; it has no records at first."""
    with dns_in_a_thread() as dns:
        yield dns


KINDS = {
    "idle": Kind(["--plan", "free"]),
    "jobs": Kind(["--plan", "enterprise"]),
    "scale": Kind(["--plan", "scale"], {"burst": "1000"}),
    "free": Kind(["--plan", "free"], {"burst": "1000"}),
    "sandbox": Kind(["--plan", "free", "--sandbox"]),
    "paused": Kind(["--plan", "pro"], {"state": "paused"}),
    "banned": Kind(["--plan", "pro"], {"state": "banned"}),
    "daily": Kind(["--plan", "pro"], {"daily": "2"}),
    "repeating": Kind(["--plan", "pro"], {"daily": "3"}),
    "monthly": Kind(["--plan", "free"], {"monthly": "2"}),
    "unique": Kind(["--plan", "free"], {"unique": "2"}),
    "burst": Kind(["--plan", "pro"], {"burst": "0"}),
    # With its first key and domain it has all that it may own of these.
    "full": Kind(
        ["--plan", "free"], {"webhooks": "1", "keys": "1", "domains": "1", "scheduled": "1", "burst": "1000"}
    ),
    "counted-jobs": Kind(["--plan", "free"]),
    "contacts": Kind(["--plan", "free"]),
    "exporting": Kind(["--plan", "free"]),
    "erasing": Kind(["--plan", "free"], {"burst": "1000"}),
    "imports": Kind(["--plan", "free"]),
    "file-imports": Kind(["--plan", "free"]),
    "sheet-imports": Kind(["--plan", "free"]),
    "small-imports": Kind(["--plan", "free"], {"import-rows": "2"}),
    "payers": Kind(["--plan", "free"]),
    "audited-payers": Kind(["--plan", "free"]),
    "list-sends": Kind(["--plan", "pro"]),
    "customer": Kind(["--plan", "free"]),
    "operator": Kind(["--plan", "free"], is_operator=True),
    "full-of-contacts": Kind(["--plan", "free"], {"contacts": "1", "contact-lists": "1"}),
}


@pytest.fixture(scope="package")
def paypal() -> Iterator[PayPalServer]:
    """The PayPal of the stack."""
    with paypal_server() as paypal:
        yield paypal


@pytest.fixture(scope="package")
def provider() -> Iterator[OidcProvider]:
    """The OpenID Connect provider of the stack."""
    with oidc_provider() as provider:
        yield provider


@pytest.fixture(scope="package")
def rest(
    tmp_path_factory: pytest.TempPathFactory,
    dns: DnsServer,
    sheets_url: str,
    paypal: PayPalServer,
    provider: OidcProvider,
) -> Iterator[Stack]:
    """Server and edge that no other room of tests uses."""
    env = {
        **paypal.settings,
        **provider.settings,
        "ZIDIMAIL_DNS": dns.address,
        "ZIDIMAIL_SHEETS_URL": sheets_url,
        "ZIDIMAIL_SUPPORT_URL": "https://support.example.com",
    }
    stack = Stack(tmp_path_factory.mktemp("rest"), env=env, kinds=KINDS, twins=True)
    stack.run("server", "migrate")
    for plan, id in {"pro": PRO, "scale": SCALE}.items():
        stack.run("server", "plan", plan, "--paypal-plan", id)
    with stack:
        yield stack


@pytest.fixture(scope="package")
def api_of(rest: Stack) -> Iterator[Callable[[str], httpx.Client]]:
    """The API key of one of the organisations of `KINDS`."""
    with ExitStack() as clients:
        yield lambda name: clients.enter_context(client(rest, rest.orgs[name].api_key))


def client(stack: Stack, token: str) -> httpx.Client:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    made = httpx.Client(base_url=stack.http, headers=headers, timeout=30)
    # A program keeps no cookies: with its own credential they would be two (C-91).
    made.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return made


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
def session_of(rest: Stack) -> Iterator[Callable[[str], httpx.Client]]:
    """The session of one of the organisations of `KINDS`."""
    with ExitStack() as clients:
        yield lambda name: clients.enter_context(client(rest, rest.orgs[name].jwt))


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
def operator(rest: Stack) -> Iterator[httpx.Client]:
    """A program of the operator's."""
    with client(rest, rest.operator_token) as operator:
        yield operator


@pytest.fixture(scope="package")
def stranger(rest: Stack) -> Iterator[httpx.Client]:
    """Nobody."""
    with client(rest, "") as stranger:
        yield stranger


@pytest.fixture(scope="package")
def description(rest: Stack) -> Description:
    """The edge's OpenAPI description."""
    return Description(httpx.get(f"{rest.http}/v1/openapi.json").json())


@pytest.fixture
def golden(description: Description, request: pytest.FixtureRequest) -> Golden:
    """Compares requests and answers with the files in `golden/`."""
    return Golden(description, request.function.__doc__)
