"""The client's address behind a load balancer: PROXY protocol version 2 (ZIDIMAIL_PROXY_NETWORKS)."""

import socket
import ssl
import struct

import httpx
import pytest

from tests.harness.certificates import throw_away
from tests.harness.smtp_client import SmtpClient, plain
from tests.harness.stack import Stack, free_port
from tests.harness.waiting import until_sync
from tests.smtp.conftest import OwnRelay, message, queued_id

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
IMPLICIT_PORT = free_port()
CERTIFICATE = throw_away("relay.example.org")
# The proxy's address; that of a client that comes without one.
PROXY, DIRECT = "127.0.0.2", "127.0.0.1"


def header(client: str, *, command: int = 0x21, extensions: bytes = b"") -> bytes:
    """The header that a proxy sends for a client."""
    kind = socket.AF_INET6 if ":" in client else socket.AF_INET
    family = 0x21 if ":" in client else 0x11
    address = socket.inet_pton(kind, client)
    body = address * 2 + struct.pack("!HH", 40000, 2525) + extensions
    return SIGNATURE + struct.pack("!BBH", command, family, len(body)) + body


@pytest.fixture(scope="module")
def proxied(relay: Stack) -> OwnRelay:
    """A relay that believes the PROXY headers of one address."""
    env = {
        "ZIDIMAIL_PROXY_NETWORKS": f"{PROXY}/32",
        "ZIDIMAIL_SMTPS_LISTEN": f"127.0.0.1:{IMPLICIT_PORT}",
        "ZIDIMAIL_TLS_CERT": str(CERTIFICATE.certificate),
        "ZIDIMAIL_TLS_KEY": str(CERTIFICATE.private_key),
    }
    return OwnRelay(relay, "proxied", env)


def received_from(stack: Stack, client: SmtpClient) -> str:
    """The Received field of a mail that a client sends."""
    assert client.login(stack.api_key).code == 235
    reply = client.deliver(f"a@{stack.domain}", ["you@example.net"], message(stack))
    path = stack.captured / f"{queued_id(reply)}.1.eml"
    until_sync(path.exists)
    return path.read_text().partition("Received: ")[2].partition("\nFrom:")[0]


@pytest.mark.parametrize(
    ("address", "shown"),
    [("203.0.113.7", "[203.0.113.7]"), ("2001:db8::7", "2001:db8::7"), ("::ffff:203.0.113.8", "203.0.113.8")],
)
def test_client_is_the_one_that_the_proxy_names(address: str, shown: str, proxied: OwnRelay) -> None:
    with SmtpClient(proxied.smtp_port, source=PROXY, before=header(address)) as client:
        client.greeted()
        assert shown in received_from(proxied.stack, client)


def test_extensions_of_the_header_are_passed_over(proxied: OwnRelay) -> None:
    given = header("203.0.113.9", extensions=b"\x04\x00\x08" + bytes(8))
    with SmtpClient(proxied.smtp_port, source=PROXY, before=given + b"EHLO first\r\n") as client:
        assert client.reply().code == 220
        assert client.reply().code == 250
        assert "203.0.113.9" in received_from(proxied.stack, client)


def test_header_byte_by_byte_is_read(proxied: OwnRelay) -> None:
    with SmtpClient(proxied.smtp_port, source=PROXY) as client:
        for byte in header("203.0.113.10"):
            client.send(bytes([byte]))
        client.greeted()
        assert "203.0.113.10" in received_from(proxied.stack, client)


def test_connection_of_the_proxy_itself_is_greeted(proxied: OwnRelay) -> None:
    """A health check has the command LOCAL."""
    check = SIGNATURE + struct.pack("!BBH", 0x20, 0, 0)
    with SmtpClient(proxied.smtp_port, source=PROXY, before=check) as client:
        assert client.greeted().code == 250


def test_tls_may_follow_the_header_at_once(proxied: OwnRelay) -> None:
    """Header and ClientHello come in one packet."""
    with SmtpClient(IMPLICIT_PORT, source=PROXY) as client:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=str(CERTIFICATE.certificate))
        tls = context.wrap_bio(incoming, outgoing, server_hostname="relay.example.org")
        first = header("203.0.113.11")
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                client.send(first + outgoing.read())
                first = b""
                incoming.write(client.socket.recv(65536))
        client.send(outgoing.read())
        assert read(tls, incoming, client).startswith(b"220 ")


def read(tls: ssl.SSLObject, incoming: ssl.MemoryBIO, client: SmtpClient) -> bytes:
    """The next bytes that came over TLS."""
    while True:
        try:
            return tls.read()
        except ssl.SSLWantReadError:
            incoming.write(client.socket.recv(65536))


@pytest.mark.parametrize(
    "begin",
    [
        b"EHLO client.example.org\r\n",
        b"PROXY TCP4 203.0.113.7 127.0.0.1 40000 2525\r\n",
        SIGNATURE + struct.pack("!BBH", 0x21, 0x11, 4) + bytes(4),
        SIGNATURE + struct.pack("!BBH", 0x21, 0x11, 60000),
        SIGNATURE + struct.pack("!BBH", 0x11, 0x11, 12) + bytes(12),
    ],
)
def test_proxy_without_a_valid_header_is_not_served(begin: bytes, proxied: OwnRelay) -> None:
    with SmtpClient(proxied.smtp_port, source=PROXY, before=begin.ljust(16, b" ")) as client:
        assert client.closed()


def test_header_of_anybody_else_is_no_header(proxied: OwnRelay) -> None:
    """A client cannot name another address as its own."""
    with SmtpClient(proxied.smtp_port, source=DIRECT) as client:
        client.greeted()
        assert "[127.0.0.1]" in received_from(proxied.stack, client)
    with SmtpClient(proxied.smtp_port, source=DIRECT, before=header("203.0.113.7")) as client:
        assert client.reply().code == 220
        assert client.reply().code == 500


def test_key_bound_to_networks_counts_the_address_that_the_proxy_names(proxied: OwnRelay) -> None:
    """C-91, F-7."""
    with httpx.Client(
        base_url=proxied.stack.http, headers={"Authorization": f"Bearer {proxied.stack.jwt}"}
    ) as session:
        made = session.post("/v1/api-keys", json={"name": "bound", "allowed_ips": ["203.0.113.0/24"]}).json()
    for address, code in (("203.0.113.20", 235), ("198.51.100.1", 535)):
        with SmtpClient(proxied.smtp_port, source=PROXY, before=header(address)) as client:
            client.greeted()
            reply = client.command(f"AUTH PLAIN {plain(made['key'])}")
            assert reply.code == code, reply
    assert reply.status == "5.7.1"
    assert "198.51.100.1" in reply.text
