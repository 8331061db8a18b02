"""Ends of sessions: a transaction that is open may end, whatever else does (RFC 5321 section 3.8)."""

import signal
from collections.abc import Callable

from tests.harness.smtp_client import SmtpClient
from tests.harness.stack import Stack
from tests.smtp.conftest import OwnRelay, message, queued_id


def in_data(relay: OwnRelay) -> SmtpClient:
    """A client whose message may come."""
    client = SmtpClient(relay.smtp_port)
    client.greeted()
    assert client.login(relay.stack.api_key).code == 235
    client.send(f"MAIL FROM:<a@{relay.stack.domain}>\r\nRCPT TO:<you@example.net>\r\nDATA\r\n".encode())
    assert client.replies(3) == [250, 250, 354]
    return client


def idle(relay: OwnRelay) -> SmtpClient:
    """A client that has no transaction open."""
    client = SmtpClient(relay.smtp_port)
    client.greeted()
    assert client.login(relay.stack.api_key).code == 235
    return client


def test_session_that_lasts_too_long_is_ended_after_its_transaction(relay: Stack) -> None:
    short = OwnRelay(relay, "short", {"ZIDIMAIL_SMTP_SESSION_DEADLINE": "2"})
    with in_data(short) as sender, idle(short) as waiting:
        assert waiting.reply().codes == "421 4.4.2"
        assert waiting.closed()
        sender.send(message(relay) + b"\r\n.\r\n")
        assert queued_id(sender.reply())
        assert sender.reply().codes == "421 4.4.2"
        assert sender.closed()


def test_relay_that_is_stopped_takes_the_open_messages(relay: Stack) -> None:
    """SIGTERM: idle sessions end at once, nothing new begins, and the program ends in good order."""
    stopping = OwnRelay(relay, "stopping", {})
    with in_data(stopping) as sender, idle(stopping) as waiting:
        relay.signal_relay(signal.SIGTERM, "stopping")
        assert waiting.reply().codes == "421 4.3.2"
        assert waiting.closed()
        assert refuses(lambda: SmtpClient(stopping.smtp_port))
        sender.send(message(relay) + b"\r\n.\r\n")
        assert queued_id(sender.reply())
        assert sender.reply().codes == "421 4.3.2"
        assert sender.closed()
    assert relay.wait_relay("stopping") == 0
    assert "Traceback" not in relay.log("stopping")


def refuses(connect: Callable[[], SmtpClient]) -> bool:
    """True if nothing listens any more."""
    try:
        with connect():
            return False
    except ConnectionRefusedError:
        return True
