"""Finished messages: what arrives has the body that was handed in, octet for octet (F-12, C-73)."""

import time
from email import message_from_bytes, policy

import dkim
import pytest

from server.db.database import Database
from server.db.tables.emails import attachment_parts
from server.db.writer import Writer
from server.emails.release import release
from server.wire.timestamps import timestamp
from tests.delivery.conftest import StartEngine
from tests.delivery.queued import DOMAIN_ID, domain_of, enqueue, events_of, has_status, keys_of, new_org
from tests.delivery.raw import drafted, enqueue_raw
from tests.harness.clock import START_MS
from tests.harness.finished_messages import (
    CONTENTS,
    EIGHT_BIT,
    PDF,
    SIGNED_EIGHT_BIT,
    body_of,
    message,
    multipart,
)
from tests.harness.rows import row_count
from tests.harness.smtp_sink import SmtpSink
from tests.harness.waiting import until


@pytest.mark.parametrize("name", CONTENTS)
async def test_the_body_arrives_as_it_was_handed_in(
    database: Database, writer: Writer, start_engine: StartEngine, sink: SmtpSink, name: str
) -> None:
    """F-12: a message always ends in a line break, and nothing else is added; both signatures cover it."""
    content = CONTENTS[name]
    # Accepted now by the real clock, as the judge of the signatures looks at it.
    sent = await enqueue_raw(writer, content, now_ms=time.time_ns() // 1_000_000)
    await start_engine(f"smtp://127.0.0.1:{sink.port}")
    await until(has_status(database, sent, "delivered"))
    [received] = sink.messages
    body = body_of(content)
    assert body_of(received.data) == (body if not body or body.endswith(b"\r\n") else body + b"\r\n")
    check_signatures(sent.org_id, received.data)


def check_signatures(org_id: str, raw: bytes) -> None:
    """Fails unless both of our signatures are good."""
    place = f"_domainkey.{domain_of(org_id)}."
    published = {
        f"{key.selector}.{place}": f"v=DKIM1; k={key.algorithm}; p={key.public_key}"
        for key in keys_of(DOMAIN_ID)
    }
    for number in range(2):
        assert dkim.DKIM(raw).verify(number, lambda name, timeout: published[name.decode()].encode())


def leaves(raw: bytes) -> list[tuple[str, bytes | None]]:
    """The types and the decoded contents of the parts of a message, forwarded ones included."""
    walked = message_from_bytes(raw, policy=policy.compat32).walk()
    found = [(part.get_content_type(), part.get_payload(decode=True)) for part in walked]
    return [(kind, content) for kind, content in found if isinstance(content, bytes)]


@pytest.mark.parametrize("name", EIGHT_BIT)
async def test_a_host_without_8bitmime_gets_the_same_in_7_bits(
    database: Database, writer: Writer, start_engine: StartEngine, sink: SmtpSink, name: str
) -> None:
    """RFC 6152: parts with other octets are encoded anew, and signed so."""
    sink.features = ("PIPELINING",)
    sent = await enqueue_raw(writer, EIGHT_BIT[name], now_ms=time.time_ns() // 1_000_000)
    await start_engine(sink.url)
    await until(has_status(database, sent, "delivered"))
    [received] = sink.messages
    assert received.data.isascii()
    assert leaves(received.data) == leaves(message(EIGHT_BIT[name], "x@y.test"))
    check_signatures(sent.org_id, received.data)


@pytest.mark.parametrize("name", SIGNED_EIGHT_BIT)
async def test_no_signed_part_is_changed_for_a_host_without_8bitmime(
    database: Database, writer: Writer, start_engine: StartEngine, sink: SmtpSink, name: str
) -> None:
    sink.features = ("PIPELINING",)
    sent = await enqueue_raw(writer, SIGNED_EIGHT_BIT[name])
    await start_engine(sink.url)
    await until(has_status(database, sent, "bounced"))
    [event] = await events_of(database, sent)
    assert event.reply_status == "5.6.3"
    assert event.reply_text is not None
    assert "8BITMIME" in event.reply_text
    assert "signed" in event.reply_text
    assert sink.messages == []


async def test_a_host_without_smtputf8_gets_addresses_that_it_can_read(
    database: Database, writer: Writer, start_engine: StartEngine, sink: SmtpSink
) -> None:
    """RFC 6857: the header alone changes, also that of a recipient who is in Cc only."""
    sink.features = ("PIPELINING", "8BITMIME")
    fields = ("Cc: Bj\u00f6rn <bj\u00f6rn@r.test>, eve@r.test",)
    sent = await enqueue_raw(
        writer, CONTENTS["smime"], *fields, recipients=["ok@r.test"], now_ms=time.time_ns() // 1_000_000
    )
    await start_engine(sink.url)
    await until(has_status(database, sent, "delivered"))
    [received] = sink.messages
    assert received.data.isascii()
    bjorn, eve = received.parsed()["Cc"].groups
    assert bjorn.display_name == "Bj\u00f6rn Internationalized Address bj\u00f6rn@r.test Removed"
    assert eve.addresses[0].addr_spec == "eve@r.test"
    assert body_of(received.data) == body_of(CONTENTS["smime"])
    check_signatures(sent.org_id, received.data)


async def test_the_envelope_has_its_own_sender(
    database: Database, writer: Writer, start_engine: StartEngine, sink: SmtpSink
) -> None:
    """C-31: the one that was given, and each blind copy in a transaction of its own."""
    org_id = await new_org(writer)
    sender = f"bounces@{domain_of(org_id)}"
    content = message(
        CONTENTS["plain"], f"Shop <shop@{domain_of(org_id)}>", "Date: Fri, 27 Nov 2026 10:00:00 +0000"
    )
    to = ["ada@receiver.test", "eve@receiver.test"]
    [sent] = await enqueue(writer, drafted(org_id, content, mail_from=sender, recipients=to))
    await start_engine(sink.url)
    await until(has_status(database, sent, "delivered"))
    assert [received.mail_from for received in sink.messages] == [sender] * 2
    assert sorted(received.rcpts for received in sink.messages) == [(address,) for address in to]
    for received in sink.messages:
        parsed = received.parsed()
        assert parsed["Date"] == "Fri, 27 Nov 2026 10:00:00 +0000"
        assert parsed["Message-ID"] == f"<{sent.id}@{domain_of(org_id)}>"
        assert parsed["Received"].startswith(
            "from client.example ([192.0.2.7]) by mail.zidimail.test with ESMTPSA"
        )


async def test_a_scheduled_message_is_dated_when_it_is_sent(
    database: Database, writer: Writer, start_engine: StartEngine, sink: SmtpSink
) -> None:
    """F-2: a message without a date has that of its time."""
    accepted_at = START_MS - 30 * 86_400_000
    large = multipart("mixed", CONTENTS["plain"], PDF * 100)
    sent = await enqueue_raw(writer, large, now_ms=accepted_at, scheduled_at=timestamp(START_MS))
    await writer.run(release, START_MS)
    await start_engine(sink.url)
    await until(has_status(database, sent, "delivered"))
    [received] = sink.messages
    assert received.parsed()["Date"].datetime.timestamp() * 1000 == START_MS // 1000 * 1000
    assert body_of(received.data) == body_of(large)


async def test_the_body_is_deleted_once_the_message_is_settled(
    database: Database, writer: Writer, start_engine: StartEngine, sink: SmtpSink
) -> None:
    """Z-23."""
    sent = await enqueue_raw(writer, CONTENTS["mixed"])
    assert await row_count(database, attachment_parts) == 1
    await start_engine(sink.url)
    await until(has_status(database, sent, "delivered"))
    assert await row_count(database, attachment_parts) == 0
