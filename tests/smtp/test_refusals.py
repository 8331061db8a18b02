"""Every refusal of the relay with its code and its enhanced status (C-31, C-32, section E)."""

import re
from collections.abc import Callable
from contextlib import suppress

import httpx
import pytest

from tests.harness.smtp_client import Closed, Reply, SmtpClient, encoded, plain
from tests.harness.stack import Stack
from tests.harness.waiting import until_sync
from tests.smtp.conftest import message, queued_id

Connect = Callable[..., SmtpClient]
TWO_LINES = "zm_live\r\nkey"

# Before AUTH. A table: the commands after EHLO, and the reply to the last of them.
BEFORE_AUTH = {
    "a sender without AUTH": (["MAIL FROM:<a@mail.example.com>"], "530 5.7.0"),
    "no mechanism": (["AUTH"], "501 5.5.4"),
    "a mechanism that needs the key itself": (["AUTH CRAM-MD5"], "504 5.5.4"),
    "a response that is not in base64": (["AUTH PLAIN ???"], "501 5.5.2"),
    "a response without its three parts": ([f"AUTH PLAIN {encoded('apikey')}"], "501 5.5.2"),
    "a cancelled exchange": (["AUTH LOGIN", "*"], "501 5.7.0"),
    "a wrong key": ([f"AUTH PLAIN {plain('zm_live_0')}"], "535 5.7.8"),
    "an empty key": ([f"AUTH PLAIN {plain('')}"], "535 5.7.8"),
    "a key with a line break": ([f"AUTH PLAIN {plain(TWO_LINES)}"], "535 5.7.8"),
    "another user than apikey": ([f"AUTH PLAIN {plain('key', user='root')}"], "535 5.7.8"),
    "another identity": ([f"AUTH PLAIN {plain('key', identity='root')}"], "535 5.7.8"),
    "a recipient first": (["RCPT TO:<a@example.net>"], "503 5.5.1"),
    "DATA first": (["DATA"], "503 5.5.1"),
    "STARTTLS without a certificate": (["STARTTLS"], "502 5.5.1"),
    "an unknown command": (["FROBNICATE"], "500 5.5.2"),
    "no command": (["  "], "500 5.5.2"),
    "EHLO without a name": (["EHLO"], "501 5.5.4"),
    "the list of a mailing list": (["EXPN staff"], "502 5.5.1"),
    "BDAT": (["BDAT 10 LAST"], "502 5.5.1"),
    "a control character": (["NOOP \x07"], "501 5.5.2"),
    "a command that is too long": ([f"NOOP {'x' * 3000}"], "500 5.5.6"),
    "a browser": (["GET / HTTP/1.1"], "421 4.7.0"),
}

# After AUTH with the key of an organisation on the plan pro.
AFTER_AUTH = {
    "a second AUTH": (["AUTH PLAIN"], "503 5.5.1"),
    "a sender from a domain that is not verified": (["MAIL FROM:<a@example.org>"], "550 5.7.1"),
    "another organisation's domain": (["MAIL FROM:<a@mail.example.net>"], "550 5.7.1"),
    "a sender that is no address": (["MAIL FROM:<nobody>"], "553 5.1.7"),
    "a sender without its keyword": (["MAIL <a@mail.example.com>"], "501 5.5.4"),
    "an unknown parameter": (["MAIL FROM:<a@mail.example.com> X-Y=1"], "555 5.5.4"),
    "a parameter twice": (["MAIL FROM:<a@mail.example.com> SIZE=1 SIZE=1"], "501 5.5.4"),
    "a size that is no number": (["MAIL FROM:<a@mail.example.com> SIZE=big"], "501 5.5.4"),
    "a body type that needs BDAT": (["MAIL FROM:<a@mail.example.com> BODY=BINARYMIME"], "501 5.5.4"),
    "a size above the plan's": (["MAIL FROM:<a@mail.example.com> SIZE=99999999"], "552 5.3.4"),
    "an address that needs SMTPUTF8": (["MAIL FROM:<ä@mail.example.com>"], "553 5.6.7"),
    "a second sender": (["MAIL FROM:<a@mail.example.com>"] * 2, "503 5.5.1"),
    "a recipient that is no address": (["MAIL FROM:<a@mail.example.com>", "RCPT TO:<you>"], "553 5.1.3"),
    "a recipient on no host of the Internet": (
        ["MAIL FROM:<a@mail.example.com>", "RCPT TO:<you@[127.0.0.1]>"],
        "553 5.1.3",
    ),
    "the null path as a recipient": (["MAIL FROM:<a@mail.example.com>", "RCPT TO:<>"], "553 5.1.3"),
    "an unknown parameter of a recipient": (
        ["MAIL FROM:<a@mail.example.com>", "RCPT TO:<you@example.net> SIZE=1"],
        "555 5.5.4",
    ),
    "a wrong NOTIFY": (
        ["MAIL FROM:<a@mail.example.com>", "RCPT TO:<you@example.net> NOTIFY=NEVER,DELAY"],
        "501 5.5.4",
    ),
    "DATA without a recipient": (["MAIL FROM:<a@mail.example.com>", "DATA"], "554 5.5.1"),
    "recipients above the limit": (
        ["MAIL FROM:<a@mail.example.com>", *(f"RCPT TO:<you{n}@example.net>" for n in range(51))],
        "452 4.5.3",
    ),
}


def last_reply(client: SmtpClient, lines: list[str]) -> str:
    """The codes of the reply to the last command; the others must succeed."""
    *first, last = lines
    for line in first:
        assert client.command(line).code < 400, line
    return client.command(last).codes


@pytest.mark.parametrize("case", BEFORE_AUTH)
def test_command_before_auth_is_refused(case: str, client: SmtpClient) -> None:
    lines, expected = BEFORE_AUTH[case]
    assert last_reply(client, lines) == expected


@pytest.mark.parametrize("case", AFTER_AUTH)
def test_command_after_auth_is_refused(case: str, authenticated: SmtpClient) -> None:
    lines, expected = AFTER_AUTH[case]
    assert last_reply(authenticated, lines) == expected


def test_commands_before_ehlo_are_refused(connect: Connect) -> None:
    client = connect()
    assert client.reply().code == 220
    assert client.command("AUTH PLAIN").codes == "503 5.5.1"
    assert client.command("MAIL FROM:<a@mail.example.com>").codes == "503 5.5.1"


def test_plan_without_smtp_is_refused_at_auth(client: SmtpClient, relay: Stack) -> None:
    """Z-56, C-31."""
    reply = client.login(relay.orgs["free"].api_key)
    assert reply.codes == "535 5.7.1"
    assert "plan" in reply.text


def test_session_token_is_no_password(client: SmtpClient, relay: Stack) -> None:
    assert client.login(relay.jwt).codes == "535 5.7.8"


@pytest.mark.parametrize(
    ("kind", "codes", "text"),
    [
        ("paused", "550 5.7.1", "paused"),
        ("daily", "452 4.7.1", "daily quota"),
        ("unique", "452 4.7.1", "different recipients"),
        ("burst", "451 4.7.1", "a second"),
    ],
)
def test_limit_of_the_organisation_is_said_with_its_code(
    kind: str, codes: str, text: str, client: SmtpClient, relay: Stack
) -> None:
    """C-31."""
    organisation = relay.orgs[kind]
    assert client.login(organisation.api_key).code == 235
    mail = message(relay, From=f"a@{organisation.domain}")
    recipients = ["one@example.net", "two@example.net"]
    reply = client.deliver(f"a@{organisation.domain}", recipients, mail)
    assert reply.codes == codes
    assert text in reply.text


def test_sandbox_refuses_each_recipient_but_the_owner(client: SmtpClient, relay: Stack) -> None:
    """C-31. All RCPT commands come at once, and each has its own reply."""
    organisation = relay.orgs["sandbox"]
    assert client.login(organisation.api_key).code == 235
    owner = f"owner@{organisation.domain}"
    client.send(
        f"MAIL FROM:<a@{organisation.domain}>\r\nRCPT TO:<you@example.net>\r\nRCPT TO:<{owner}>\r\n"
        "RCPT TO:<me@example.net>\r\nDATA\r\n".encode()
    )
    replies = [client.reply() for _ in range(5)]
    assert [reply.codes for reply in replies] == ["250 2.1.0", "550 5.7.1", "250 2.1.5", "550 5.7.1", "354"]
    assert owner in replies[1].text
    client.send(message(relay, From=f"a@{organisation.domain}", To=owner) + b"\r\n.\r\n")
    assert client.reply().codes == "250 2.0.0"


def test_from_header_of_another_domain_is_refused_after_data(authenticated: SmtpClient, relay: Stack) -> None:
    """C-31: the header decides too."""
    mail = message(relay, From="boss@example.org")
    reply = authenticated.deliver(f"a@{relay.domain}", ["you@example.net"], mail)
    assert reply.codes == "550 5.7.1"
    assert "example.org" in reply.text


@pytest.mark.parametrize("broken", [b"a\nb", b"a\rb", b"\r\rb", b"\n.\nb"])
def test_bare_cr_or_lf_in_a_message_is_refused(
    broken: bytes, authenticated: SmtpClient, relay: Stack
) -> None:
    reply = authenticated.deliver(f"a@{relay.domain}", ["you@example.net"], message(relay, body=broken))
    assert reply.codes == "554 5.6.0"
    assert "CRLF" in reply.text
    assert authenticated.deliver(f"a@{relay.domain}", ["you@example.net"], message(relay)).code == 250


def test_bare_lf_after_a_command_is_refused(client: SmtpClient) -> None:
    client.send(b"NOOP\nNOOP\r\n")
    assert client.reply().codes == "500 5.5.2"
    assert client.reply().codes == "250 2.0.0"


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("From: a@mail.example.com\r\nFrom: b@mail.example.com", "From"),
        ("Subject: one\r\nSubject: two", "Subject"),
        ("No header at all", ""),
    ],
)
def test_wrong_header_is_refused(header: str, text: str, authenticated: SmtpClient, relay: Stack) -> None:
    mail = f"{header}\r\n\r\nHello.".encode()
    reply = authenticated.deliver(f"a@{relay.domain}", ["you@example.net"], mail)
    assert reply.codes == "554 5.6.0"
    assert text.lower() in reply.text.lower()


def test_more_than_ten_attachments_are_refused(authenticated: SmtpClient, relay: Stack) -> None:
    """C-31."""
    part = b"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment\r\n\r\nx\r\n"
    mail = message(
        relay, body=part * 11 + b"--b--", MIME_Version="1.0", Content_Type="multipart/mixed; boundary=b"
    )
    reply = authenticated.deliver(f"a@{relay.domain}", ["you@example.net"], mail)
    assert reply.codes == "554 5.6.0"
    assert "attachments" in reply.text


def test_attachments_above_the_plan_are_refused(authenticated: SmtpClient, relay: Stack) -> None:
    """C-31: 25 MiB on the plan pro, in a message that is not too large itself."""
    line = b"x" * 998 + b"\r\n"
    head = b"--b\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename=a.csv\r\n\r\n"
    mail = message(
        relay,
        body=head + line * (25 * 2**20 // len(line) + 1) + b"--b--",
        MIME_Version="1.0",
        Content_Type="multipart/mixed; boundary=b",
    )
    reply = authenticated.deliver(f"a@{relay.domain}", ["you@example.net"], mail)
    assert reply.codes == "552 5.3.4"
    assert "attachments are too large: on the plan pro" in reply.text


def test_suppressed_recipient_is_accepted_and_skipped(
    authenticated: SmtpClient, relay: Stack, api: httpx.Client
) -> None:
    """C-32: only if all are suppressed the message is refused, after DATA."""
    gone, here = "gone@example.net", "here@example.net"
    api.post("/suppressions", json={"email": gone}).raise_for_status()
    reply = authenticated.deliver(f"a@{relay.domain}", [gone, here], message(relay))
    assert reply.code == 250
    email = api.get(f"/emails/{queued_id(reply)}").json()
    assert {(event["type"], event["recipient"]) for event in email["events"]} >= {("email.suppressed", gone)}
    assert (relay.captured / f"{email['id']}.1.eml").exists() is False
    until_sync((relay.captured / f"{email['id']}.2.eml").exists)
    reply = authenticated.deliver(f"a@{relay.domain}", [gone], message(relay))
    assert reply.codes == "550 5.7.1"
    assert "suppressed" in reply.text


def test_size_of_a_message_is_limited_after_data_too(authenticated: SmtpClient, relay: Stack) -> None:
    """The limit is the plan's, which EHLO says after AUTH."""
    reply = authenticated.command("EHLO again.example.org")
    (size,) = re.findall(r"SIZE (\d+)", reply.text)
    line = b"x" * 76 + b"\r\n"
    mail = message(relay, body=line * (int(size) // len(line) + 1))
    reply = authenticated.deliver(f"a@{relay.domain}", ["you@example.net"], mail)
    assert reply.codes == "552 5.3.4"
    assert size in reply.text
    assert authenticated.command("NOOP").code == 250


@pytest.mark.parametrize("name", ["Idempotency_Key", "X_Idempotency_Key"])
def test_repeated_idempotency_key_with_another_message_is_refused(
    name: str, authenticated: SmtpClient, relay: Stack
) -> None:
    """F-1, C-54: the same message gets the same id, another one is refused."""
    sender, to, key = f"a@{relay.domain}", ["you@example.net"], {name: f"smtp-{name}"}
    first = authenticated.deliver(sender, to, message(relay, **key))
    again = authenticated.deliver(sender, to, message(relay, **key))
    assert first.code == again.code == 250
    assert queued_id(first) == queued_id(again)
    other = authenticated.deliver(sender, to, message(relay, "Other", **key))
    assert other.codes == "554 5.6.0"


def test_session_of_mistakes_is_ended(client: SmtpClient) -> None:
    client.send(b"FROBNICATE\r\n" * 30)
    assert last_of(client).codes == "421 4.7.0"


def test_session_that_sends_nothing_is_ended(client: SmtpClient) -> None:
    client.send(b"NOOP\r\n" * 250)
    assert last_of(client).codes == "421 4.7.0"


def last_of(client: SmtpClient) -> Reply:
    """The last reply before the server closes the connection."""
    last = client.reply()
    with suppress(Closed):
        while True:
            last = client.reply()
    return last
