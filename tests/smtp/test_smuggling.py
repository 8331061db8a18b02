"""One message in, one message out: no end of DATA but CRLF.CRLF, here and at the receiver (DELIVERY 5.3)."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.harness.smtp_client import SmtpClient
from tests.harness.smtp_sink import SmtpSink
from tests.harness.stack import Stack
from tests.harness.waiting import until
from tests.smtp.conftest import message

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Ends of DATA that some servers take for one (CVE-2023-51764 to 51766), and neighbours of theirs.
ENDS = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r.\r\n",
    b"\r\n.\r",
    b"\r\n.\r\r\n",
    b"\r\n\x00.\r\n",
    b"\r\n. \r\n",
    b"\r\n..\r\n",
    b"\r\r\n.\r\r\n",
    b"\n\r\n.\n\r\n",
]
# Within a message nothing but CRLF stands in these: they are text, and go through.
TEXT = {b"\r\n. \r\n", b"\r\n..\r\n"}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def sink() -> AsyncIterator[SmtpSink]:
    """The receiver that everything goes to."""
    async with SmtpSink() as sink:
        yield sink


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def outgoing(tmp_path_factory: pytest.TempPathFactory, sink: SmtpSink) -> AsyncIterator[Stack]:
    """A stack with a relay that delivers to the sink."""
    folder: Path = tmp_path_factory.mktemp("smuggling")
    stack = Stack(folder, transport=f"smtp://127.0.0.1:{sink.port}")
    await asyncio.to_thread(stack.start)
    try:
        await asyncio.to_thread(stack.start_relay)
        yield stack
    finally:
        await asyncio.to_thread(stack.stop)


def smuggle(stack: Stack, end: bytes, number: int) -> list[int]:
    """The codes of all replies to a message that has a second transaction behind a false end."""
    sender = f"a@{stack.domain}"
    inner = f"MAIL FROM:<{sender}>\r\nRCPT TO:<smuggled@example.net>\r\nDATA\r\n".encode() + message(
        stack, f"smuggled {number}"
    )
    outer = message(stack, f"outer {number}", body=b"first") + end + inner
    with SmtpClient(stack.smtp_port) as client:
        client.greeted()
        client.login(stack.api_key)
        client.send(f"MAIL FROM:<{sender}>\r\nRCPT TO:<outer@example.net>\r\nDATA\r\n".encode())
        assert client.replies(3) == [250, 250, 354]
        client.send(outer + b"\r\n.\r\nQUIT\r\n")
        codes = [client.reply().code]
        while codes[-1] != 221:
            codes.append(client.reply().code)
        return codes


async def test_each_false_end_is_text_or_refused(outgoing: Stack, sink: SmtpSink) -> None:
    expected = []
    for number, end in enumerate(ENDS):
        codes = await asyncio.to_thread(smuggle, outgoing, end, number)
        accepted = end in TEXT
        assert codes == [250 if accepted else 554, 221], end
        if accepted:
            expected.append(f"outer {number}")

    def subjects() -> list[str]:
        return sorted(
            found for each in sink.messages for found in re.findall(r"\nSubject: (.*?)\r", text(each.data))
        )

    # The false transactions stand in the texts: each message has its own subject and theirs, and they are
    # no message of their own.
    await until(lambda: len(sink.messages) >= len(expected))
    assert sorted(each.header("Subject") for each in sink.messages) == sorted(expected)
    assert {rcpt for each in sink.messages for rcpt in each.rcpts} == {"outer@example.net"}
    assert len(subjects()) == 2 * len(expected)
    assert not sink.violations


def text(data: bytes) -> str:
    return "\n" + data.decode("latin-1")
