"""The SMTP sink's behaviour follows the recipient's local part."""

import asyncio
import smtplib
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from tests.harness.certificates import throw_away
from tests.harness.smtp_sink import SmtpSink
from tests.harness.waiting import until

T = TypeVar("T")

MESSAGE = "From: a@sender.test\r\nX-Ledger-Id: 7\r\nMessage-ID: <m@sender.test>\r\n\r\nline\r\n..dots\r\n"


async def in_thread(work: Callable[[smtplib.SMTP], T], sink: SmtpSink) -> T:
    """Runs `work` with a connected client of the standard library."""

    def session() -> T:
        client = smtplib.SMTP("127.0.0.1", sink.port, timeout=10)
        try:
            return work(client)
        finally:
            client.close()

    return await asyncio.to_thread(session)


async def send(sink: SmtpSink, *recipients: str) -> dict[str, tuple[int, bytes]]:
    """Sends the message; returns the recipients that were refused."""
    return await in_thread(lambda client: client.sendmail("a@sender.test", recipients, MESSAGE), sink)


async def test_an_accepted_message_is_recorded_with_its_envelope_and_exact_bytes() -> None:
    async with SmtpSink() as sink:
        await send(sink, "ok+x@r.test", "you@r.test")
    [message] = sink.messages
    assert message.mail_from == "a@sender.test"
    assert message.rcpts == ("ok+x@r.test", "you@r.test")
    assert message.data == MESSAGE.encode()
    assert message.header("X-Ledger-Id") == "7"
    assert sink.violations == []


@pytest.mark.parametrize(
    ("recipient", "code"),
    [
        ("550-rcpt@r.test", 550),
        ("451-rcpt+a@r.test", 451),
        ("greylist-1@r.test", 451),
        ("421-rcpt@r.test", 421),
    ],
)
async def test_a_recipient_chooses_the_reply_to_rcpt(recipient: str, code: int) -> None:
    async with SmtpSink() as sink:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            await send(sink, recipient)
    assert refused.value.recipients[recipient][0] == code
    assert sink.messages == []


@pytest.mark.parametrize(("recipient", "code"), [("550-data@r.test", 550), ("452-dot@r.test", 452)])
async def test_a_recipient_chooses_the_reply_to_the_data(recipient: str, code: int) -> None:
    async with SmtpSink() as sink:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            await send(sink, recipient)
    assert refused.value.smtp_code == code
    assert sink.messages == []


async def test_greylisting_ends_after_the_named_number_of_attempts() -> None:
    async with SmtpSink() as sink:
        for _ in range(2):
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                await send(sink, "greylist-2@r.test")
        await send(sink, "greylist-2@r.test")
    assert sink.accepted["greylist-2@r.test"] == 1


@pytest.mark.parametrize(
    ("recipient", "recorded"),
    [("drop-in-data@r.test", 0), ("drop-dot@r.test", 0), ("drop-after-dot@r.test", 1)],
)
async def test_interrupted_message_is_recorded_only_if_accepted(recipient: str, recorded: int) -> None:
    async with SmtpSink() as sink:
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            await send(sink, recipient)
    assert len(sink.messages) == recorded


async def test_a_partial_refusal_keeps_the_first_recipient() -> None:
    async with SmtpSink() as sink:
        refused = await send(sink, "ok@r.test", "partial@r.test")
    assert refused["partial@r.test"][0] == 452
    assert sink.messages[0].rcpts == ("ok@r.test",)


async def test_pipelined_commands_are_answered_in_order() -> None:
    async with SmtpSink() as sink:
        reader, writer = await asyncio.open_connection("127.0.0.1", sink.port)
        await reader.readline()
        writer.write(
            b"HELO c\r\nMAIL FROM:<a@s.test>\r\nRCPT TO:<550-rcpt@r.test>\r\nRCPT TO:<ok@r.test>\r\n"
            b"DATA\r\n.\r\nQUIT\r\n"
        )
        # The dot of this client arrives with its DATA, which RFC 2920 forbids and the sink survives.
        codes = [line[:3] for line in (await reader.read()).splitlines()]
        writer.close()
    assert codes == [b"250", b"250", b"550", b"250", b"354", b"250", b"221"]
    assert sink.messages[0].data == b""


async def test_a_hanging_reply_comes_after_the_named_time_or_never() -> None:
    async with SmtpSink() as sink:
        await send(sink, "hang-dot-0.05@r.test")
        assert sink.accepted["hang-dot-0.05@r.test"] == 1
        reader, writer = await asyncio.open_connection("127.0.0.1", sink.port)
        writer.write(b"HELO c\r\nMAIL FROM:<a@s.test>\r\nRCPT TO:<hang-rcpt@r.test>\r\nNOOP\r\n")
        await until(lambda: any("hang-rcpt@" in command for command in sink.commands))
        await sink.stop()
        assert (await reader.read()).count(b"\r\n") == 3
        writer.close()


async def test_starttls_is_offered_and_spoken_and_can_be_broken() -> None:
    def upgrade(client: smtplib.SMTP) -> None:
        client.starttls(context=throw_away().client_context())
        client.sendmail("a@s.test", ["ok@r.test"], MESSAGE)
        client.quit()

    async with SmtpSink(starttls=True) as sink:
        await in_thread(upgrade, sink)
        assert sink.messages[0].tls
        sink.broken_tls = True
        with pytest.raises((ssl.SSLError, OSError)):
            await in_thread(upgrade, sink)


async def test_the_switches_change_the_whole_host() -> None:
    async with SmtpSink() as sink:
        sink.replies["EHLO"] = "502 5.5.1 no"
        await send(sink, "ok@r.test")
        sink.banner = "554 5.7.1 not you"
        with pytest.raises(smtplib.SMTPConnectError):
            await in_thread(lambda client: client.noop(), sink)
        sink.banner, sink.credentials = "220 back", ("user", "password")
        sink.replies.clear()
        with pytest.raises(smtplib.SMTPSenderRefused):
            await send(sink, "ok@r.test")
        await in_thread(lambda client: client.login("user", "password"), sink)


async def test_the_ledger_is_written_before_the_reply(tmp_path: Path) -> None:
    async with SmtpSink(ledger=tmp_path / "ledger") as sink:
        with pytest.raises(smtplib.SMTPServerDisconnected):
            await send(sink, "drop-after-dot@r.test")
    [line] = (tmp_path / "ledger").read_text().splitlines()
    _, ledger_id, message_id, recipient, _ = line.split("\t")
    assert (ledger_id, message_id, recipient) == ("7", "<m@sender.test>", "drop-after-dot@r.test")
