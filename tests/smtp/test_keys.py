"""API keys as SMTP passwords: their permissions, bounds and ends hold as on every interface (F-7, Z-56)."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.harness.smtp_client import SmtpClient
from tests.harness.stack import Stack, free_port
from tests.harness.waiting import until_sync
from tests.smtp.conftest import OwnRelay, message, queued_id

Connect = Callable[..., SmtpClient]
MakeKey = Callable[..., dict[str, Any]]


@pytest.fixture
def session(relay: Stack) -> Iterator[httpx.Client]:
    """The owner's session."""
    with httpx.Client(base_url=relay.http, headers={"Authorization": f"Bearer {relay.jwt}"}) as client:
        yield client


@pytest.fixture
def make_key(session: httpx.Client) -> MakeKey:
    """Makes an API key with these properties; `key` is the key itself."""

    def make(**properties: Any) -> dict[str, Any]:
        answer = session.post("/v1/api-keys", json={"name": "smtp", **properties})
        assert answer.is_success, answer.text
        made: dict[str, Any] = answer.json()
        return made

    return make


def test_key_that_may_not_send_is_refused_at_auth(client: SmtpClient, make_key: MakeKey) -> None:
    reply = client.login(make_key(permission="read_only")["key"])
    assert reply.codes == "535 5.7.1"
    assert "read_only" in reply.text


def test_key_that_may_only_send_is_accepted(client: SmtpClient, relay: Stack, make_key: MakeKey) -> None:
    assert client.login(make_key(permission="send_only")["key"]).code == 235
    assert client.deliver(f"a@{relay.domain}", ["you@example.net"], message(relay)).code == 250


def test_key_bound_to_other_domains_is_refused_at_mail_and_after_data(
    client: SmtpClient, relay: Stack, session: httpx.Client, make_key: MakeKey
) -> None:
    """C-31: the sender of the envelope and the author of the header."""
    added = session.post("/v1/domains", json={"domain": "second.example.org"})
    assert added.is_success, added.text
    assert client.login(make_key(allowed_domains=["second.example.org"])["key"]).code == 235
    reply = client.command(f"MAIL FROM:<a@{relay.domain}>")
    assert reply.codes == "550 5.7.1"
    assert "bound to other domains" in reply.text
    reply = client.deliver("", ["you@example.net"], message(relay))
    assert reply.codes == "550 5.7.1"
    assert relay.domain in reply.text


def test_revoked_key_is_refused_at_auth_and_in_an_open_session(
    connect: Connect, relay: Stack, session: httpx.Client, make_key: MakeKey
) -> None:
    made = make_key()
    opened = connect()
    opened.greeted()
    assert opened.login(made["key"]).code == 235
    assert opened.deliver(f"a@{relay.domain}", ["you@example.net"], message(relay)).code == 250
    session.delete(f"/v1/api-keys/{made['id']}").raise_for_status()
    until_sync(lambda: connect_and_login(connect, made["key"]) == "535 5.7.8")
    assert opened.deliver(f"a@{relay.domain}", ["you@example.net"], message(relay)).codes == "535 5.7.8"


def test_expired_key_is_refused(connect: Connect, make_key: MakeKey) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=2)
    key = make_key(expires_at=soon.isoformat())["key"]
    until_sync(lambda: connect_and_login(connect, key) == "535 5.7.8")


def connect_and_login(connect: Connect, key: str) -> str:
    """The codes of the reply to AUTH on a new connection."""
    client = connect()
    client.greeted()
    return client.login(key).codes


def test_mail_of_a_test_key_never_leaves(
    client: SmtpClient, relay: Stack, api: httpx.Client, make_key: MakeKey
) -> None:
    """F-5."""
    key = make_key(test=True)["key"]
    assert key.startswith("zm_test_")
    assert client.login(key).code == 235
    id = queued_id(client.deliver(f"a@{relay.domain}", ["you@example.net"], message(relay)))
    headers = {"Authorization": f"Bearer {key}"}
    until_sync(lambda: api.get(f"/emails/{id}", headers=headers).json()["status"] == "delivered")
    assert not (relay.captured / f"{id}.1.eml").exists()


def test_relay_without_its_server_says_that_it_comes_back(relay: Stack) -> None:
    """RFC 4954 section 6: the client keeps its password, and tries again."""
    lonely = OwnRelay(relay, "lonely", {"ZIDIMAIL_SERVER": f"127.0.0.1:{free_port()}"})
    with SmtpClient(lonely.smtp_port) as client:
        client.greeted()
        assert client.login(relay.api_key).codes == "454 4.7.0"
        assert client.command("NOOP").code == 250
