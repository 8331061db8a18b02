"""An edge elsewhere: it speaks TLS to the server, and its certificate is its identity (contract row C-91)."""

from pathlib import Path

import httpx
import pytest

from tests.harness.certificates import throw_away
from tests.harness.stack import Stack


def tls(stack: Stack) -> dict[str, str]:
    """The settings of a server and an edge with certificates."""
    files = throw_away("edge.test")
    return {
        "ZIDIMAIL_TLS_CERTIFICATE": str(files.certificate),
        "ZIDIMAIL_TLS_PRIVATE_KEY": str(files.private_key),
        "ZIDIMAIL_TLS_CLIENT_CA": str(files.certificate),
        "ZIDIMAIL_TLS_EDGE_NAMES": "edge.test",
        "ZIDIMAIL_SERVER_CA": str(files.certificate),
        "ZIDIMAIL_SERVER_CERTIFICATE": str(files.certificate),
        "ZIDIMAIL_SERVER_PRIVATE_KEY": str(files.private_key),
        "ZIDIMAIL_SERVER": stack.grpc.replace("127.0.0.1", "localhost"),
    }


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    stack = Stack(tmp_path / "data")
    stack.env |= tls(stack)
    return stack


def test_an_edge_whose_certificate_has_another_name_is_none(stack: Stack) -> None:
    """Its own address does not open keys that are bound to it, whoever calls through it."""
    stack.env["ZIDIMAIL_TLS_EDGE_NAMES"] = "another.test"
    with stack, httpx.Client(base_url=stack.http) as client:
        session = {"Authorization": f"Bearer {stack.jwt}"}
        made = client.post(
            "/v1/api-keys", json={"name": "here", "allowed_ips": ["127.0.0.1", "::1"]}, headers=session
        )
        key = {"Authorization": f"Bearer {made.json()['key']}"}
        assert client.get("/v1/emails", headers=key).status_code == 403


def test_an_edge_with_a_certificate_names_its_clients_without_a_secret(stack: Stack) -> None:
    with stack, httpx.Client(base_url=stack.http) as client:
        session = {"Authorization": f"Bearer {stack.jwt}"}
        made = client.post(
            "/v1/api-keys", json={"name": "here", "allowed_ips": ["127.0.0.1"]}, headers=session
        )
        key = {"Authorization": f"Bearer {made.json()['key']}"}
        assert client.get("/v1/emails", headers=key).status_code == 200
