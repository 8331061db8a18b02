"""The engine over real SMTP, on both engines of the store (F-3 for its events)."""

import time

import dkim
import pytest
from sqlalchemy import text, update
from structlog.testing import capture_logs

from server.db.database import Database
from server.db.tables.emails import email_contents
from server.db.tables.queue import delivery_queue
from server.db.tx import Tx
from server.db.writer import Writer
from server.delivery.smtp.target import Timeouts
from server.delivery.transports.mx import Mx
from server.ids import new_id
from server.net.dns import Resolver
from tests.delivery.conftest import StartEngine
from tests.delivery.letters import settings
from tests.delivery.queued import (
    DOMAIN_ID,
    domain_of,
    enqueue,
    events_of,
    has_status,
    keys_of,
    new_org,
    queue_of,
    recipients_of,
    rows_of,
    status_of,
)
from tests.delivery.receivers import World
from tests.harness.clock import START_MS, ManualClock
from tests.harness.dns_server import DnsServer
from tests.harness.smtp_sink import SmtpSink
from tests.harness.waiting import until

DAY_S = 86_400


@pytest.fixture
async def org_id(writer: Writer) -> str:
    return await new_org(writer)


async def test_a_delivered_email_is_signed_and_its_event_has_the_reply(
    database: Database, writer: Writer, org_id: str, sink: SmtpSink, start_engine: StartEngine
) -> None:
    # Accepted now by the real clock, as the judge of the signatures looks at it.
    accepted_at = time.time_ns() // 1_000_000
    [email] = await enqueue(writer, rows_of(org_id, ["Ada <ok@r.test>"], accepted_at=accepted_at))
    await start_engine(sink.url)
    await until(has_status(database, email, "delivered"))
    [message] = sink.messages
    assert (message.mail_from, message.rcpts) == (f"shop@{domain_of(org_id)}", ("ok@r.test",))
    assert message.parsed()["From"] == f"Shop <shop@{domain_of(org_id)}>"

    published = {
        f"{key.selector}._domainkey.{domain_of(org_id)}.": f"v=DKIM1; k={key.algorithm}; p={key.public_key}"
        for key in keys_of(DOMAIN_ID)
    }
    for number in range(2):
        assert dkim.DKIM(message.data).verify(number, lambda name, timeout: published[name.decode()].encode())
    [event] = await events_of(database, email)
    assert (event.type, event.recipient, event.attempt) == ("email.delivered", "ok@r.test", 1)
    assert (event.reply_code, event.reply_status, event.remote_host) == (250, "2.0.0", "a private host")
    assert event.reply_text == "ok, taken"
    assert event.created_at == START_MS
    assert not event.possible_duplicate
    assert await queue_of(database) == []


async def test_a_refused_recipient_bounces_and_the_others_are_delivered(
    database: Database, writer: Writer, org_id: str, sink: SmtpSink, start_engine: StartEngine
) -> None:
    [email] = await enqueue(writer, rows_of(org_id, ["ok@r.test", "550-rcpt@r.test", "you@r.test"]))
    await start_engine(sink.url)
    await until(has_status(database, email, "bounced"))
    rows = await recipients_of(database, email)
    found = {row.address: (row.status, row.reply_code, row.reply_status) for row in rows}
    assert found == {
        "ok@r.test": ("delivered", 250, "2.0.0"),
        "550-rcpt@r.test": ("bounced", 550, "5.1.1"),
        "you@r.test": ("delivered", 250, "2.0.0"),
    }
    assert [message.rcpts for message in sink.messages] == [("ok@r.test", "you@r.test")], "one transaction"
    types = {event.recipient: event.type for event in await events_of(database, email)}
    assert types["550-rcpt@r.test"] == "email.bounced"


async def test_message_that_one_host_deferred_at_its_end_has_one_result(
    database: Database, writer: Writer, org_id: str, world: World, start_engine: StartEngine
) -> None:
    best, other = await world.site(2)
    best.replies["DOT"] = "451 4.3.0 later"
    [email] = await enqueue(writer, rows_of(org_id, ["ok@r.test"]))
    await start_engine(world.mx())
    await until(has_status(database, email, "delivered"))
    [event] = await events_of(database, email)
    assert (event.type, event.attempt, event.remote_host) == (
        "email.delivered",
        1,
        "mx2.r.test",
    )
    assert len(other.messages) == 1
    assert await queue_of(database) == []


async def test_bcc_recipient_gets_a_transaction_of_its_own(
    database: Database, writer: Writer, org_id: str, sink: SmtpSink, start_engine: StartEngine
) -> None:
    [email] = await enqueue(writer, rows_of(org_id, ["a@r.test", "b@r.test"], bcc=["c@r.test", "d@r.test"]))
    await start_engine(sink.url)
    await until(has_status(database, email, "delivered"))
    assert sorted(message.rcpts for message in sink.messages) == [
        ("a@r.test", "b@r.test"),
        ("c@r.test",),
        ("d@r.test",),
    ]
    assert len({message.data for message in sink.messages}) == 1
    assert b"c@r.test" not in sink.messages[0].data


async def test_a_deferred_recipient_is_tried_again_with_the_same_bytes(
    database: Database,
    writer: Writer,
    org_id: str,
    sink: SmtpSink,
    start_engine: StartEngine,
    clock: ManualClock,
) -> None:
    [email] = await enqueue(writer, rows_of(org_id, ["451-dot@r.test"]))
    sink.replies["DOT"] = "451 4.3.0 later"
    engine = await start_engine(sink.url)
    await until(has_status(database, email, "delivery_delayed"))
    [row] = await queue_of(database)
    assert (row.attempts, row.lease_until, row.uncertain) == (1, None, False)
    assert START_MS + 48_000 <= row.due_at <= START_MS + 72_000
    [event] = await events_of(database, email)
    assert (event.type, event.attempt, event.reply_code) == ("email.delivery_delayed", 1, 451)
    clock.advance(72)
    engine.wake()
    await until(lambda: sink.commands.count("DATA") == 2)
    await until(lambda: _attempts(database, 2))
    [row] = await queue_of(database)
    assert clock.now_ms() + 240_000 <= row.due_at <= clock.now_ms() + 360_000


async def _attempts(database: Database, count: int) -> bool:
    return any(row.attempts == count for row in await queue_of(database))


async def test_a_greylisted_recipient_is_delivered_at_its_next_attempt(
    database: Database,
    writer: Writer,
    org_id: str,
    sink: SmtpSink,
    start_engine: StartEngine,
    clock: ManualClock,
) -> None:
    [email] = await enqueue(writer, rows_of(org_id, ["greylist-1@r.test"]))
    engine = await start_engine(sink.url)
    await until(has_status(database, email, "delivery_delayed"))
    clock.advance(75)
    engine.wake()
    await until(has_status(database, email, "delivered"))
    assert [(e.type, e.attempt) for e in await events_of(database, email)] == [
        ("email.delivery_delayed", 1),
        ("email.delivered", 2),
    ]


async def test_recipient_bounces_at_the_end_of_its_lifetime(
    database: Database,
    writer: Writer,
    org_id: str,
    sink: SmtpSink,
    start_engine: StartEngine,
    clock: ManualClock,
) -> None:
    """RFC 5321 section 4.5.4.1."""
    [email] = await enqueue(writer, rows_of(org_id, ["451-rcpt@r.test"]))
    clock.advance(4 * DAY_S)
    await start_engine(sink.url)
    await until(has_status(database, email, "failed"))
    [event] = await events_of(database, email)
    assert (event.type, event.reply_code) == ("email.failed", 451)
    assert await queue_of(database) == []


async def test_message_that_cannot_be_built_does_not_block_others(
    database: Database, writer: Writer, org_id: str, sink: SmtpSink, start_engine: StartEngine
) -> None:
    bad, broken, *good = await enqueue(
        writer,
        rows_of(org_id, ["a@r.test"]),
        rows_of(org_id, ["b@r.test"]),
        *(rows_of(org_id, [f"good{n}@r.test"]) for n in range(5)),
    )
    # Accepting refuses both.
    for email, headers in ((bad, '{"X-A": "evil\\r\\nBcc: b@x.test"}'), (broken, "no JSON")):
        of_email = email_contents.c.email_id == email.id
        await writer.run(Tx.change, update(email_contents).where(of_email).values(headers=headers))
    await start_engine(sink.url)
    for email in good:
        await until(has_status(database, email, "delivered"))
    await until(has_status(database, bad, "bounced"))
    await until(has_status(database, broken, "delivery_delayed"))
    [event] = await events_of(database, bad)
    assert (event.type, event.reply_status) == ("email.bounced", "5.6.0")
    assert len(sink.messages) == 5


async def test_result_that_the_store_refuses_is_retried_without_sending_again(
    database: Database, writer: Writer, org_id: str, sink: SmtpSink, start_engine: StartEngine
) -> None:
    [email] = await enqueue(writer, rows_of(org_id, ["ok@r.test"]))
    await writer.run(Tx.change, text("ALTER TABLE events RENAME TO events_away"))
    with capture_logs() as logs:
        await start_engine(sink.url)
        await until(lambda: [log for log in logs if log.get("loop") == "delivery results"])
    await writer.run(Tx.change, text("ALTER TABLE events_away RENAME TO events"))
    await until(has_status(database, email, "delivered"))
    assert len(sink.messages) == 1


async def test_a_destination_gets_no_more_connections_than_its_limit(
    writer: Writer, org_id: str, sink: SmtpSink, start_engine: StartEngine
) -> None:
    most = 0

    def look() -> bool:
        nonlocal most
        most = max(most, len(sink.sessions))
        return len(sink.messages) == 40

    await enqueue(writer, *(rows_of(org_id, [f"ok+{n}@r.test"]) for n in range(40)))
    await start_engine(sink.url, site_concurrency=3)
    await until(look)
    assert most <= 3
    assert sink.connections <= 3


async def test_silent_destination_with_a_long_queue_does_not_block_others(
    database: Database, writer: Writer, org_id: str, start_engine: StartEngine
) -> None:
    async with SmtpSink() as fast, SmtpSink(host="127.0.0.2", port=fast.port) as slow, DnsServer() as dns:
        slow.banner = None
        dns.zones |= {("slow.test", "A"): ["127.0.0.2"], ("r.test", "A"): ["127.0.0.1"]}
        configured = settings(
            "mx", dns=dns.address, mx_port=fast.port, allow_private_networks=True, site_concurrency=2
        )
        waiting = await enqueue(
            writer,
            *(rows_of(org_id, [f"{n}@slow.test"], accepted_at=START_MS - 1) for n in range(150)),
            *(rows_of(org_id, [f"{n}@r.test"]) for n in range(20)),
        )
        await start_engine(
            Mx(configured, Resolver(configured), Timeouts()), delivery_concurrency=8, drain_s=0.01
        )
        for email in waiting[150:]:
            await until(has_status(database, email, "delivered"))
        assert slow.messages == []


async def test_mail_that_takes_long_to_build_does_not_hold_up_others(
    database: Database, writer: Writer, sink: SmtpSink, start_engine: StartEngine
) -> None:
    words = {f"X-{number}": "=?utf-8?q?a?= " * 500 for number in range(40)}
    slow_org, other_org = new_id(), new_id()
    slow = [rows_of(slow_org, ["ok@r.test"], headers=words) for _ in range(80)]
    slow_ids = {email.id for email in await enqueue(writer, *slow)}
    engine = await start_engine(sink.url)
    await until(lambda: sink.messages)
    [email] = await enqueue(writer, rows_of(other_org, ["ok@r.test"]))
    engine.wake()
    await until(has_status(database, email, "delivered"), within=30)
    waiting = {row.email_id for row in await queue_of(database)}
    assert len(waiting & slow_ids) > 20, "those that were claimed earlier"


async def test_stopped_engine_finishes_deliveries_in_flight_and_releases_the_rest(
    database: Database, writer: Writer, org_id: str, sink: SmtpSink, start_engine: StartEngine
) -> None:
    waiting = await enqueue(writer, *(rows_of(org_id, [f"hang-dot-0.3+{n}@r.test"]) for n in range(9)))
    engine = await start_engine(sink.url, site_concurrency=2)
    await until(lambda: sink.commands.count("DATA") == 2)
    await engine.stop()
    statuses = [await status_of(database, email) for email in waiting]
    assert statuses.count("delivered") == 2
    assert len(sink.messages) == 2
    left = await queue_of(database)
    assert len(left) == 7
    assert {(row.lease_until, row.attempts, row.due_at) for row in left} == {(None, 0, START_MS)}
    await start_engine(sink.url)
    for email in waiting:
        await until(has_status(database, email, "delivered"))
    assert len(sink.messages) == 9


async def test_no_message_is_sent_after_its_lease_was_lost(
    database: Database, writer: Writer, org_id: str, sink: SmtpSink, start_engine: StartEngine
) -> None:
    [email] = await enqueue(writer, rows_of(org_id, ["hang-data-1@r.test"]))
    engine = await start_engine(sink.url, lease_s=0.3)
    await until(lambda: "DATA" in sink.commands)
    await writer.run(Tx.change, update(delivery_queue).values(lease_token=99, lease_owner="another"))
    await until(lambda: len(engine._leases) == 0)
    await until(lambda: not sink.sessions)
    assert sink.messages == []
    assert await events_of(database, email) == []


async def test_lease_is_renewed_while_a_receiver_is_slow(
    database: Database,
    writer: Writer,
    org_id: str,
    sink: SmtpSink,
    start_engine: StartEngine,
    clock: ManualClock,
) -> None:
    [email] = await enqueue(writer, rows_of(org_id, ["hang-dot-1@r.test"]))
    engine = await start_engine(sink.url, lease_s=0.3)
    await until(lambda: "DATA" in sink.commands)
    [before] = await queue_of(database)
    clock.advance(0.2)

    async def is_renewed() -> bool:
        rows = await queue_of(database)
        return not rows or (rows[0].lease_until or 0) > (before.lease_until or 0)

    await until(is_renewed)
    await until(has_status(database, email, "delivered"))
    assert len(sink.messages) == 1
    await until(lambda: len(engine._leases) == 0)
