"""The relay's memory while many clients send large messages at once: they wait on disk (issue 11.4)."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.harness.smtp_client import SmtpClient
from tests.harness.stack import Stack
from tests.smtp.conftest import OwnRelay, message

SESSIONS = 20
MESSAGE_BYTES = 8 << 20
LINE = b"QUJD" * 19 + b"\r\n"
HEAD = (
    b"--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
    b"Content-Disposition: attachment; filename=a.pdf\r\n\r\n"
)


@pytest.fixture(scope="module")
def alone(relay: Stack) -> OwnRelay:
    """A relay that has no other clients, and sends on two of the messages at once."""
    return OwnRelay(relay, "alone", {"ZIDIMAIL_SMTP_SENDING_LIMIT": str(2 * MESSAGE_BYTES + (1 << 20))})


def memory_kib(pid: int, name: str) -> int:
    """A figure of a process' memory: VmRSS now, VmHWM at most so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def test_memory_is_bounded_with_large_messages_on_many_connections(alone: OwnRelay) -> None:
    pid = alone.stack.relay_pid(alone.name)
    mail = message(alone.stack, body=HEAD, MIME_Version="1.0", Content_Type="multipart/mixed; boundary=b")
    mail += b"\r\n" + LINE * (MESSAGE_BYTES // len(LINE)) + b"--b--"
    sent = threading.Barrier(SESSIONS + 1)

    def send(number: int) -> int:
        with SmtpClient(alone.smtp_port) as client:
            client.greeted()
            client.login(alone.stack.api_key)
            sender, to = f"a@{alone.stack.domain}", f"you{number}@example.net"
            client.send(f"MAIL FROM:<{sender}>\r\nRCPT TO:<{to}>\r\nDATA\r\n".encode())
            assert client.replies(3) == [250, 250, 354]
            client.send(mail)
            sent.wait()
            sent.wait()
            client.send(b"\r\n.\r\n")
            return client.reply().code

    before = memory_kib(pid, "VmRSS")
    with ThreadPoolExecutor(SESSIONS) as clients:
        codes = [clients.submit(send, number) for number in range(SESSIONS)]
        sent.wait()
        arrived = memory_kib(pid, "VmHWM")
        sent.wait()
        assert [code.result() for code in codes] == [250] * SESSIONS
    most = memory_kib(pid, "VmHWM")
    whole = SESSIONS * MESSAGE_BYTES >> 10
    # On disk while they come: less than one of them in memory. On their way to the server, a few at once.
    assert arrived - before < whole / SESSIONS
    assert most - before < whole / 2
