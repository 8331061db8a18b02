"""Mail with an address beyond US-ASCII, to hosts without SMTPUTF8: ordinary recipients get it (RFC 6857)."""

import time

import dkim

from server.db.database import Database
from server.db.writer import Writer
from tests.delivery.conftest import StartEngine
from tests.delivery.queued import (
    DOMAIN_ID,
    domain_of,
    enqueue,
    keys_of,
    new_org,
    queue_of,
    recipients_of,
    rows_of,
)
from tests.harness.smtp_sink import SmtpSink
from tests.harness.waiting import until


async def test_recipient_beyond_ascii_does_not_condemn_the_others(
    database: Database, writer: Writer, sink: SmtpSink, start_engine: StartEngine
) -> None:
    sink.features = ("PIPELINING", "8BITMIME")
    org_id = await new_org(writer)
    to = ["Ada <ada@r.test>", "Bj\u00f6rn <bj\u00f6rn@r.test>", "\u7528\u6237@r.test"]
    # Accepted now by the real clock, as the judge of the signatures looks at it.
    accepted_at = time.time_ns() // 1_000_000
    [email] = await enqueue(writer, rows_of(org_id, to, accepted_at=accepted_at))
    await start_engine(sink.url)

    async def settled() -> bool:
        return await queue_of(database) == []

    await until(settled)
    found = {row.address: (row.status, row.reply_status) for row in await recipients_of(database, email)}
    assert found == {
        "ada@r.test": ("delivered", "2.0.0"),
        "bj\u00f6rn@r.test": ("bounced", "5.6.7"),
        "\u7528\u6237@r.test": ("bounced", "5.6.7"),
    }
    [message] = sink.messages
    assert message.rcpts == ("ada@r.test",)
    assert message.data.isascii()
    assert max(map(len, message.data.split(b"\r\n"))) <= 78
    ada, bjorn, user = message.parsed()["To"].groups
    assert [(box.display_name, box.addr_spec) for box in ada.addresses] == [("Ada", "ada@r.test")]
    assert (bjorn.display_name, bjorn.addresses) == (
        "Bj\u00f6rn Internationalized Address bj\u00f6rn@r.test Removed",
        (),
    )
    assert (user.display_name, user.addresses) == (
        "Internationalized Address \u7528\u6237@r.test Removed",
        (),
    )
    published = {
        f"{key.selector}._domainkey.{domain_of(org_id)}.": f"v=DKIM1; k={key.algorithm}; p={key.public_key}"
        for key in keys_of(DOMAIN_ID)
    }
    for number in range(2):
        assert dkim.DKIM(message.data).verify(number, lambda name, timeout: published[name.decode()].encode())


async def test_host_with_smtputf8_gets_the_addresses_as_they_are(
    database: Database, writer: Writer, sink: SmtpSink, start_engine: StartEngine
) -> None:
    org_id = await new_org(writer)
    await enqueue(writer, rows_of(org_id, ["ada@r.test", "bj\u00f6rn@r.test"]))
    await start_engine(sink.url)
    await until(lambda: sink.messages)
    [message] = sink.messages
    assert message.rcpts == ("ada@r.test", "bj\u00f6rn@r.test")
    assert "To: ada@r.test, bj\u00f6rn@r.test\r\n".encode() in message.data
