"""A stack with a relay, and clients of it."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.harness.organisations import Kind
from tests.harness.smtp_client import Reply, SmtpClient
from tests.harness.stack import Stack

KINDS = {
    "free": Kind(["--plan", "free"]),
    "sandbox": Kind(["--plan", "pro", "--sandbox"]),
    "paused": Kind(["--plan", "pro"], {"state": "paused"}),
    "daily": Kind(["--plan", "pro"], {"daily": "1"}),
    "unique": Kind(["--plan", "pro"], {"unique": "1"}),
    "burst": Kind(["--plan", "pro"], {"burst": "0"}),
}


@pytest.fixture(scope="session")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Server, edge and relay, without TLS."""
    with Stack(tmp_path_factory.mktemp("smtp"), kinds=KINDS) as stack:
        stack.start_relay()
        yield stack


class OwnRelay:
    """Another relay of a stack, with settings of its own. Its log and its process have its name."""

    def __init__(self, stack: Stack, name: str, env: dict[str, str]) -> None:
        self.stack = stack
        self.name = name
        self.smtp_port = stack.start_relay(env, name)


@pytest.fixture
def connect(relay: Stack) -> Iterator[Callable[..., SmtpClient]]:
    """Connects a client; the connections are closed after the test."""
    with ExitStack() as clients:
        yield lambda **options: clients.enter_context(SmtpClient(relay.smtp_port, **options))


@pytest.fixture
def client(connect: Callable[..., SmtpClient]) -> SmtpClient:
    """A client that was greeted and has said EHLO."""
    client = connect()
    client.greeted()
    return client


@pytest.fixture
def authenticated(client: SmtpClient, relay: Stack) -> SmtpClient:
    """A client with the owner's key."""
    assert client.login(relay.api_key).code == 235
    return client


@pytest.fixture
def api(relay: Stack) -> Iterator[httpx.Client]:
    """The owner's view of what was sent."""
    headers = {"Authorization": f"Bearer {relay.api_key}"}
    with httpx.Client(base_url=f"{relay.http}/v1", headers=headers) as client:
        yield client


def message(relay: Stack, subject: str = "Hello", body: bytes = b"Hello.\r\n", **headers: str) -> bytes:
    """A message from the owner's domain, without its last CRLF."""
    fields = {
        "From": f"Ada <ada@{relay.domain}>",
        "To": "you@example.net",
        "Subject": subject,
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return head.encode() + b"\r\n" + body.removesuffix(b"\r\n")


def queued_id(reply: Reply) -> str:
    """The id of the email that a reply names."""
    assert reply.code == 250, reply
    (id,) = re.findall(r"queued as ([0-9a-f]{24})", reply.text)
    return str(id)
