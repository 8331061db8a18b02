"""Limits of what one client can take from the others: connections, time, failed logins (issue 11.4)."""

import resource
from contextlib import ExitStack
from select import select

import pytest

from tests.harness.smtp_client import SmtpClient, plain
from tests.harness.stack import Stack
from tests.harness.waiting import until_sync
from tests.smtp.conftest import OwnRelay, message

OTHERS, OTHER = "127.0.0.3", "127.0.0.4"
IDLE = 2_000
WRONG = "zm_live_0123456789abcdef01234567_" + "0" * 64


@pytest.fixture(scope="module")
def limited(relay: Stack) -> OwnRelay:
    """A relay with low limits."""
    env = {
        "ZIDIMAIL_SMTP_CONNECTIONS": "12",
        "ZIDIMAIL_SMTP_CONNECTIONS_PER_IP": "5",
        "ZIDIMAIL_SMTP_COMMAND_DEADLINE": "2",
        "ZIDIMAIL_SMTP_LOGIN_DEADLINE": "4",
        "ZIDIMAIL_AUTH_IP_LIMIT": "3/minute",
    }
    return OwnRelay(relay, "limited", env)


def test_connections_of_one_address_are_limited(limited: OwnRelay) -> None:
    with ExitStack() as clients:
        for _ in range(5):
            client = clients.enter_context(SmtpClient(limited.smtp_port, source=OTHERS))
            assert client.reply().code == 220
        refused = clients.enter_context(SmtpClient(limited.smtp_port, source=OTHERS))
        assert refused.reply().codes == "421 4.7.0"
        assert refused.closed()
        assert clients.enter_context(SmtpClient(limited.smtp_port, source=OTHER)).reply().code == 220
    until_sync(lambda: greeting(limited, OTHERS) == 220, message="the places were not given back")


def test_connections_in_all_are_limited(limited: OwnRelay) -> None:
    with ExitStack() as clients:
        codes = []
        for number in range(13):
            client = clients.enter_context(SmtpClient(limited.smtp_port, source=f"127.0.1.{number + 1}"))
            codes.append(client.reply().codes)
        assert codes == ["220"] * 12 + ["421 4.3.2"]
    until_sync(lambda: greeting(limited, OTHERS) == 220, message="the places were not given back")


def greeting(stack: OwnRelay, source: str) -> int:
    """The code that a new client hears first."""
    with SmtpClient(stack.smtp_port, source=source) as client:
        return client.reply().code


def test_silent_client_is_ended(limited: OwnRelay) -> None:
    with SmtpClient(limited.smtp_port, source=OTHERS) as client:
        assert client.reply().code == 220
        assert client.reply().codes == "421 4.4.2"
        assert client.closed()


def test_stranger_who_never_logs_in_is_ended(limited: OwnRelay) -> None:
    """However busy it is."""
    with SmtpClient(limited.smtp_port, source=OTHERS) as client:
        client.greeted()
        # A command a second is enough for the deadline of commands.
        reply = None
        while not select([client.socket], [], [], 1.0)[0] and (reply := client.command("RSET")).code == 250:
            reply = None
        assert (reply or client.reply()).codes == "421 4.4.2"


def test_message_that_stops_coming_is_ended(limited: OwnRelay) -> None:
    with SmtpClient(limited.smtp_port, source=OTHERS) as client:
        client.greeted()
        client.login(limited.stack.api_key)
        client.send(f"MAIL FROM:<a@{limited.stack.domain}>\r\nRCPT TO:<you@example.net>\r\nDATA\r\n".encode())
        assert client.replies(3) == [250, 250, 354]
        client.send(b"Subject: and then")
        assert client.reply().codes == "421 4.4.2"
        assert client.closed()


def test_failed_logins_make_the_next_one_wait(limited: OwnRelay) -> None:
    """By address and by key: a key that is good there is not held up by others' failures."""
    source = "127.0.2.1"
    assert login(limited, source, limited.stack.api_key) == "235 2.7.0"
    codes = [login(limited, source, WRONG) for _ in range(5)]
    assert codes == ["535 5.7.8"] * 3 + ["454 4.7.0"] * 2
    assert login(limited, source, limited.stack.other.api_key) == "454 4.7.0"
    assert login(limited, source, limited.stack.api_key) == "235 2.7.0"
    assert login(limited, "127.0.2.2", WRONG) == "454 4.7.0"
    assert login(limited, "127.0.2.2", limited.stack.other.api_key) == "235 2.7.0"


def login(stack: OwnRelay, source: str, key: str) -> str:
    """The codes of the reply to AUTH on a new connection."""
    with SmtpClient(stack.smtp_port, source=source) as client:
        client.greeted()
        return client.command(f"AUTH PLAIN {plain(key)}").codes


def test_third_refused_auth_ends_the_session(limited: OwnRelay) -> None:
    with SmtpClient(limited.smtp_port, source="127.0.2.3") as client:
        client.greeted()
        for _ in range(3):
            assert client.command(f"AUTH PLAIN {plain('wrong')}").code == 535
        assert client.closed()


def test_client_that_names_too_many_recipients_sends_to_the_first(client: SmtpClient, relay: Stack) -> None:
    """RFC 5321 section 4.5.3.1.10: it sends the rest another time."""
    assert client.login(relay.api_key).code == 235
    recipients = [f"RCPT TO:<you{number}@example.net>\r\n" for number in range(400)]
    client.send(f"MAIL FROM:<a@{relay.domain}>\r\n{''.join(recipients)}DATA\r\n".encode())
    assert client.replies(402) == [250] * 51 + [452] * 350 + [354]
    client.send(message(relay) + b"\r\n.\r\n")
    assert client.reply().code == 250


def test_client_that_names_recipients_without_end_is_ended(client: SmtpClient, relay: Stack) -> None:
    assert client.login(relay.api_key).code == 235
    client.send(f"MAIL FROM:<a@{relay.domain}>\r\n".encode() + b"RCPT TO:<you@example.net>\r\n" * 3000)
    assert client.closed()


def test_commands_that_come_behind_a_refused_one_are_no_mistakes(client: SmtpClient, relay: Stack) -> None:
    """RFC 2920: a client that sends them in groups cannot know."""
    assert client.login(relay.api_key).code == 235
    for _ in range(3):
        group = "MAIL FROM:<a@example.org>\r\n" + "RCPT TO:<you@example.net>\r\n" * 10 + "DATA\r\n"
        client.send(group.encode())
        assert client.replies(12) == [550] + [503] * 11
    assert client.deliver(f"a@{relay.domain}", ["you@example.net"], message(relay)).code == 250


@pytest.fixture(scope="module")
def roomy(relay: Stack) -> OwnRelay:
    """A relay that takes thousands of connections from one address."""
    return OwnRelay(relay, "roomy", {"ZIDIMAIL_SMTP_CONNECTIONS_PER_IP": "3000"})


def test_thousands_of_idle_connections_harm_no_sender(roomy: OwnRelay) -> None:
    """2,000 connections that were greeted and say nothing; beside them messages are taken as before."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(IDLE + 1000, hard), hard))
    try:
        with ExitStack() as clients:
            idle = [clients.enter_context(SmtpClient(roomy.smtp_port)) for _ in range(IDLE)]
            assert {client.reply().code for client in idle} == {220}
            sender = clients.enter_context(SmtpClient(roomy.smtp_port))
            sender.greeted()
            sender.login(roomy.stack.api_key)
            for _ in range(50):
                reply = sender.deliver(f"a@{roomy.stack.domain}", ["you@example.net"], message(roomy.stack))
                assert reply.code == 250
            assert {client.command("NOOP").code for client in idle[::100]} == {250}
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
