"""STARTTLS and TLS from the first byte, with a certificate that is renewed while the relay runs (C-5)."""

import shutil
import ssl
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.harness.certificates import throw_away
from tests.harness.smtp_client import SmtpClient
from tests.harness.stack import Stack, free_port
from tests.harness.waiting import until_sync
from tests.smtp.conftest import OwnRelay, message, queued_id

IMPLICIT_PORT = free_port()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The certificate and its key, where the relay finds them."""
    folder = tmp_path_factory.mktemp("certificate")
    files = (folder / "certificate.pem", folder / "key.pem")
    install(files, "first.example.org")
    return files


def install(files: tuple[Path, Path], name: str) -> None:
    """A new certificate for a host takes the place of the one before, as a renewal does it."""
    made = throw_away(name)
    for source, target in zip((made.private_key, made.certificate), reversed(files), strict=True):
        draft = target.with_suffix(".new")
        shutil.copy(source, draft)
        draft.rename(target)


@pytest.fixture(scope="module")
def secured(relay: Stack, files: tuple[Path, Path]) -> OwnRelay:
    """A relay that has a certificate, and demands TLS."""
    env = {
        "ZIDIMAIL_TLS_CERT": str(files[0]),
        "ZIDIMAIL_TLS_KEY": str(files[1]),
        "ZIDIMAIL_SMTPS_LISTEN": f"127.0.0.1:{IMPLICIT_PORT}",
        "ZIDIMAIL_SMTP_REQUIRE_TLS": "on",
    }
    return OwnRelay(relay, "tls", env)


def trusting(files: tuple[Path, Path]) -> ssl.SSLContext:
    """A client's context that trusts the certificate as it is now."""
    return ssl.create_default_context(cafile=str(files[0]))


def names_of(client: SmtpClient) -> str:
    """The host names in the server's certificate."""
    assert isinstance(client.socket, ssl.SSLSocket)
    return str(client.socket.getpeercert())


def test_mail_goes_through_starttls(secured: OwnRelay, files: tuple[Path, Path]) -> None:
    with SmtpClient(secured.smtp_port) as client:
        lines = client.greeted().lines
        assert "STARTTLS" in lines
        assert not any(line.startswith("AUTH") for line in lines)
        assert client.command("STARTTLS").codes == "220 2.0.0"
        client.start_tls(trusting(files))
        assert client.command("MAIL FROM:<a@example.com>").code == 503
        lines = client.command("EHLO client.example.org").lines
        assert "AUTH PLAIN LOGIN" in lines
        assert "STARTTLS" not in lines
        assert client.command("STARTTLS").code == 502
        assert client.login(secured.stack.api_key).code == 235
        reply = client.deliver(f"a@{secured.stack.domain}", ["you@example.net"], message(secured.stack))
        path = secured.stack.captured / f"{queued_id(reply)}.1.eml"
        until_sync(path.exists)
        received = path.read_text().partition("Received: ")[2].partition("\nFrom:")[0]
        assert "with ESMTPSA" in received
        assert "TLSv1.3" in received


def test_mail_goes_over_tls_from_the_first_byte(secured: OwnRelay, files: tuple[Path, Path]) -> None:
    """RFC 8314."""
    with SmtpClient(IMPLICIT_PORT) as client:
        client.start_tls(trusting(files))
        assert "STARTTLS" not in client.greeted().lines
        assert client.login(secured.stack.api_key).code == 235
        assert (
            client.deliver(f"a@{secured.stack.domain}", ["you@example.net"], message(secured.stack)).code
            == 250
        )
        assert client.command("QUIT").code == 221


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        ("AUTH PLAIN", "538 5.7.11"),
        ("MAIL FROM:<a@mail.example.com>", "530 5.7.0"),
        ("RCPT TO:<you@example.net>", "530 5.7.0"),
        ("STARTTLS now", "501 5.5.4"),
        ("NOOP", "250 2.0.0"),
    ],
)
def test_command_in_clear_is_refused_where_tls_is_required(line: str, codes: str, secured: OwnRelay) -> None:
    """RFC 3207 section 4, RFC 4954 section 6."""
    with SmtpClient(secured.smtp_port) as client:
        client.greeted()
        assert client.command(line).codes == codes


def test_commands_injected_after_starttls_are_forgotten(secured: OwnRelay, files: tuple[Path, Path]) -> None:
    """CVE-2011-0411: they came in clear, and must not be taken as the client's own."""
    with SmtpClient(secured.smtp_port) as client:
        client.greeted()
        client.send(b"STARTTLS\r\nEHLO injected.example.org\r\nNOOP\r\n")
        assert client.reply().code == 220
        client.start_tls(trusting(files))
        assert client.command("VRFY you@example.net").code == 252
        assert client.command("AUTH PLAIN").codes == "503 5.5.1"


def test_peer_that_speaks_no_tls_harms_nobody(secured: OwnRelay) -> None:
    with SmtpClient(secured.smtp_port) as client:
        client.greeted()
        client.command("STARTTLS")
        client.send(b"MAIL FROM:<a@mail.example.com>\r\n")
        assert client.closed()
    with SmtpClient(IMPLICIT_PORT, before=b"EHLO x\r\n") as client:
        assert client.closed()
    with SmtpClient(secured.smtp_port) as client:
        assert client.greeted().code == 250


def test_renewed_certificate_is_shown_without_a_restart(secured: OwnRelay, files: tuple[Path, Path]) -> None:
    for name in ("second.example.org", "third.example.org"):
        install(files, name)
        with SmtpClient(IMPLICIT_PORT) as client:
            client.start_tls(trusting(files))
            assert name in names_of(client)
            client.greeted()


def test_certificate_that_cannot_be_read_leaves_the_last_one(
    secured: OwnRelay, files: tuple[Path, Path]
) -> None:
    install(files, "fourth.example.org")
    trusted = trusting(files)
    with SmtpClient(IMPLICIT_PORT) as client:
        client.start_tls(trusted)
    whole = files[0].read_bytes()
    files[0].write_bytes(whole[: len(whole) // 2])
    with SmtpClient(IMPLICIT_PORT) as client:
        client.start_tls(trusted)
        assert "fourth.example.org" in names_of(client)
    files[0].write_bytes(whole)


def test_client_that_never_begins_tls_holds_the_places_of_its_address_alone(
    relay: Stack, files: tuple[Path, Path]
) -> None:
    """Issue 11.4: it is counted from its first packet on, and its place is given back."""
    port, source = free_port(), "127.0.0.5"
    env = {
        "ZIDIMAIL_TLS_CERT": str(files[0]),
        "ZIDIMAIL_TLS_KEY": str(files[1]),
        "ZIDIMAIL_SMTPS_LISTEN": f"127.0.0.1:{port}",
        "ZIDIMAIL_SMTP_CONNECTIONS": "8",
        "ZIDIMAIL_SMTP_CONNECTIONS_PER_IP": "3",
    }
    crowded = OwnRelay(relay, "crowded", env)

    def greeting() -> str:
        with SmtpClient(crowded.smtp_port, source=source) as client:
            return client.reply().codes

    with ExitStack() as clients:

        def silent() -> SmtpClient:
            return clients.enter_context(SmtpClient(port, source=source))

        until_sync(lambda: silent() and greeting() == "421 4.7.0", message="silent clients are not counted")
        assert silent().closed()
        with SmtpClient(port) as other:
            other.start_tls(trusting(files))
            assert other.greeted().code == 250
    with SmtpClient(port, source=source, before=b"EHLO in clear\r\n") as client:
        assert client.closed()
    for _ in range(3):
        until_sync(lambda: greeting() == "220", message="the places were not given back")
    with SmtpClient(port, source=source) as client:
        client.start_tls(trusting(files))
        assert client.greeted().code == 250


def test_client_may_leave_in_the_handshake(secured: OwnRelay) -> None:
    with SmtpClient(IMPLICIT_PORT, before=b"\x16\x03\x01"):
        pass
    with SmtpClient(secured.smtp_port) as client:
        assert client.greeted().code == 250
