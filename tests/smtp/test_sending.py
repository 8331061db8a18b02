"""Mail that is sent through the relay: what arrives, and the ways to authenticate and to pipeline."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import httpx
import pytest

from tests.harness.smtp_client import SmtpClient, encoded, plain
from tests.harness.stack import Stack
from tests.harness.waiting import until_sync
from tests.smtp.conftest import message, queued_id

Connect = Callable[..., SmtpClient]


def arrived(relay: Stack, id: str, number: int = 1) -> bytes:
    """The message as it left for one recipient."""
    path = relay.captured / f"{id}.{number}.eml"
    until_sync(path.exists, message=f"{path} never came")
    return path.read_bytes()


def body_of(raw: bytes) -> bytes:
    """The bytes behind the header."""
    return raw.partition(b"\r\n\r\n")[2]


AUTHENTICATIONS = {
    "PLAIN with an initial response": lambda key: [f"AUTH PLAIN {plain(key)}"],
    "PLAIN without": lambda key: ["AUTH PLAIN", plain(key)],
    "PLAIN with the user as identity": lambda key: [f"AUTH PLAIN {plain(key, identity='apikey')}"],
    "LOGIN": lambda key: ["AUTH LOGIN", encoded("apikey"), encoded(key)],
    "LOGIN with an initial response": lambda key: [f"AUTH LOGIN {encoded('apikey')}", encoded(key)],
    "lower case": lambda key: [f"auth plain {plain(key)}"],
}


@pytest.mark.parametrize("form", AUTHENTICATIONS)
def test_form_of_auth_is_accepted(form: str, client: SmtpClient, relay: Stack) -> None:
    """Z-56, section E."""
    *steps, last = AUTHENTICATIONS[form](relay.api_key)
    for step in steps:
        assert client.command(step).code == 334
    assert client.command(last).codes == "235 2.7.0"
    assert client.deliver(f"a@{relay.domain}", ["you@example.net"], message(relay)).code == 250


def test_ehlo_offers_what_clients_use(client: SmtpClient, relay: Stack) -> None:
    lines = client.command("EHLO m.eml").lines
    expected = {"PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN", "AUTH PLAIN LOGIN"}
    assert expected <= set(lines)
    assert any(line.startswith("SIZE ") for line in lines)
    assert "STARTTLS" not in lines
    client.login(relay.api_key)
    assert not any(line.startswith("AUTH") for line in client.command("ehlo x").lines)


def test_mail_by_smtp_is_a_mail_as_any_other(
    authenticated: SmtpClient, relay: Stack, api: httpx.Client
) -> None:
    """Z-57: its body arrives as it was sent, Bcc is left out, and REST shows it."""
    body = b"Guten Tag,\r\n.\r\n..zwei\r\n caf\xc3\xa9\r\n\r\n.ende\r\n"
    instructions = {"X_ZidiMail_Tag": "kind=test", "X_ZidiMail_Metadata": "order = 4711"}
    mail = message(relay, body=body.replace(b"\r\n.", b"\r\n.."), Bcc="secret@example.net", **instructions)
    reply = authenticated.deliver(f"a@{relay.domain}", ["you@example.net", "secret@example.net"], mail)
    id = queued_id(reply)
    for number in (1, 2):
        raw = arrived(relay, id, number)
        assert body_of(raw) == body
        assert b"secret@example.net" not in raw
        assert b"X-ZidiMail" not in raw
    parsed = message_from_bytes(arrived(relay, id), policy=policy.default)
    assert parsed["Subject"] == "Hello"
    assert "with ESMTPA" in parsed["Received"]
    assert "client.example.org" in parsed["Received"]
    email = api.get(f"/emails/{id}").json()
    assert email["subject"] == "Hello"
    assert email["tags"] == [{"name": "kind", "value": "test"}, {"name": "order", "value": "4711"}]


def test_pipelined_group_comes_in_one_packet(authenticated: SmtpClient, relay: Stack) -> None:
    """RFC 2920: replies in the order of the commands; the message follows its 354."""
    head = (
        f"MAIL FROM:<a@{relay.domain}> SIZE=100 BODY=8BITMIME RET=HDRS ENVID=abc\r\n"
        "RCPT TO:<one@example.net> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;one@example.net\r\n"
        "RCPT TO:<two@example.net>\r\nDATA\r\n"
    ).encode()
    for subject in ("first", "second"):
        authenticated.send(head)
        assert authenticated.replies(4) == [250, 250, 250, 354]
        authenticated.send(message(relay, subject) + b"\r\n.\r\n")
        assert b"Subject: " + subject.encode() in arrived(relay, queued_id(authenticated.reply()), 2)


def test_whole_session_in_one_packet_is_answered_in_order(connect: Connect, relay: Stack) -> None:
    """A client that waits for nothing, not even for the greeting."""
    sender = f"a@{relay.domain}"
    transaction = f"MAIL FROM:<{sender}>\r\nRCPT TO:<you@example.net>\r\nDATA\r\n".encode()
    transaction += message(relay) + b"\r\n.\r\n"
    opening = f"EHLO x\r\nAUTH PLAIN {plain(relay.api_key)}\r\n".encode()
    client = connect(before=opening + transaction * 2 + b"QUIT\r\n")
    codes = [220, 250, 235, *[250, 250, 354, 250] * 2, 221]
    assert client.replies(len(codes)) == codes
    assert client.closed()


def test_session_byte_by_byte_is_answered(connect: Connect, relay: Stack) -> None:
    client = connect()
    session = (
        f"EHLO x\r\nAUTH PLAIN {plain(relay.api_key)}\r\nMAIL FROM:<a@{relay.domain}>\r\n"
        "RCPT TO:<you@example.net>\r\nDATA\r\n"
    ).encode()
    for byte in session + message(relay, body=b"..one\r\ntwo") + b"\r\n.\r\nQUIT\r\n":
        client.send(bytes([byte]))
    assert client.replies(6) == [220, 250, 235, 250, 250, 354]
    id = queued_id(client.reply())
    assert client.replies(1) == [221]
    assert body_of(arrived(relay, id)) == b".one\r\ntwo\r\n"


def test_client_that_closes_its_side_gets_its_replies(authenticated: SmtpClient, relay: Stack) -> None:
    authenticated.send(f"MAIL FROM:<a@{relay.domain}>\r\nRCPT TO:<you@example.net>\r\nDATA\r\n".encode())
    assert authenticated.replies(3) == [250, 250, 354]
    authenticated.send(message(relay) + b"\r\n.\r\n")
    authenticated.socket.shutdown(1)
    assert authenticated.reply().code == 250
    assert authenticated.closed()


def test_many_messages_of_one_connection_need_no_rset(authenticated: SmtpClient, relay: Stack) -> None:
    """Django sends so."""
    ids = {
        queued_id(authenticated.deliver(f"a@{relay.domain}", ["you@example.net"], message(relay, f"{n}")))
        for n in range(20)
    }
    assert len(ids) == 20


def test_rset_and_ehlo_end_a_transaction(authenticated: SmtpClient, relay: Stack) -> None:
    for ending in ("RSET", "EHLO again.example.org"):
        assert authenticated.command(f"MAIL FROM:<a@{relay.domain}>").code == 250
        assert authenticated.command(ending).code == 250
        assert authenticated.command("RCPT TO:<you@example.net>").codes == "503 5.5.1"


def test_null_path_leaves_the_sender_to_the_header(authenticated: SmtpClient, relay: Stack) -> None:
    assert authenticated.deliver("", ["you@example.net"], message(relay)).code == 250


def test_utf8_addresses_are_accepted_with_smtputf8(authenticated: SmtpClient, relay: Stack) -> None:
    """RFC 6531."""
    assert authenticated.command(f"MAIL FROM:<a@{relay.domain}> SMTPUTF8").code == 250
    assert authenticated.command("RCPT TO:<jörg@bücher.example>").code == 250
    assert authenticated.command("DATA").code == 354
    authenticated.send(message(relay, To="jörg@bücher.example") + b"\r\n.\r\n")
    assert authenticated.reply().code == 250


def test_unusual_forms_of_addresses_are_accepted(authenticated: SmtpClient, relay: Stack) -> None:
    """C-56, RFC 5321 section 4.1.1.3; a path without brackets is common."""
    for line in (
        f"MAIL FROM: a@{relay.domain}",
        'RCPT TO:<"a..b"@docomo.example>',
        "RCPT TO:<foo..bar.@docomo.example>",
        "RCPT TO:<@relay.example:routed@example.net>",
        "rcpt to: <spaced@example.net>",
    ):
        assert authenticated.command(line).code == 250, line


def test_large_message_arrives_whole(authenticated: SmtpClient, relay: Stack) -> None:
    """It is kept on disk meanwhile, and has a call of its own."""
    line = b"QUJD" * 19 + b"\r\n"
    body = (
        b"--b\r\nContent-Type: text/plain\r\n\r\nHello.\r\n--b\r\nContent-Type: application/pdf\r\n"
        b"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\n"
        + line * (5 * 2**20 // len(line))
        + b"--b--\r\n"
    )
    mail = message(relay, body=body, MIME_Version="1.0", Content_Type="multipart/mixed; boundary=b")
    reply = authenticated.deliver(f"a@{relay.domain}", ["you@example.net"], mail)
    assert body_of(arrived(relay, queued_id(reply))) == body


def test_time_in_the_header_schedules_the_mail(
    authenticated: SmtpClient, relay: Stack, api: httpx.Client
) -> None:
    """F-2: REST shows the time, and can cancel it."""
    at = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    mail = message(relay, X_ZidiMail_Scheduled_At=at)
    id = queued_id(authenticated.deliver(f"a@{relay.domain}", ["you@example.net"], mail))
    email = api.get(f"/emails/{id}").json()
    assert email["status"] == "scheduled"
    assert email["scheduled_at"].startswith(at.removesuffix("Z"))
    api.post(f"/emails/{id}/cancel").raise_for_status()
    assert api.get(f"/emails/{id}").json()["status"] == "canceled"
