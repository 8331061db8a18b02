"""Many sites at once: silent ones hold up nobody, and their number exhausts nothing."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from server.db.database import Database
from server.db.writer import Writer
from server.delivery.deadlines import Deadlines
from server.delivery.smtp.target import Target
from server.delivery.transports.mx import Mx
from server.delivery.verdict import Verdict
from server.emails.draft import Draft
from tests.delivery.conftest import StartEngine
from tests.delivery.exchangers import have, transport
from tests.delivery.letters import IMPATIENT, SHORT, Dots, letter
from tests.delivery.queued import (
    enqueue,
    events_of,
    new_org,
    queue_of,
    rows_of,
)
from tests.harness.clock import START_MS, ManualClock
from tests.harness.dns_server import DnsFault, DnsServer
from tests.harness.smtp_sink import SmtpSink
from tests.harness.waiting import until


def silent_mail(dns: DnsServer, org_id: str, count: int, address: str = "") -> list[Draft]:
    """Three mails for each of `count` domains on silent hosts, accepted before all others."""
    drafts = []
    for number in range(count):
        dns.zones[f"silent{number}.test", "A"] = [address or f"127.0.1.{number + 1}"]
        drafts += [rows_of(org_id, [f"{n}@silent{number}.test"], accepted_at=START_MS - 1) for n in range(3)]
    return drafts


async def test_seventy_sites_that_accept_connections_and_say_nothing_do_not_stop_another(
    database: Database, writer: Writer, org_id: str, dns: DnsServer, start_engine: StartEngine
) -> None:
    async with AsyncExitStack() as stack:
        good = await stack.enter_async_context(SmtpSink())
        for number in range(70):
            host = f"127.0.1.{number + 1}"
            await stack.enter_async_context(SmtpSink(host=host, port=good.port, banner=None))
        await enqueue(writer, *silent_mail(dns, org_id, 70))
        emails = await enqueue(writer, rows_of(org_id, ["ok@good.test"]), rows_of(org_id, ["you@good.test"]))
        await start_engine(transport(dns, good.port), drain_s=0.01)
        await until(have(database, emails, "delivered"))


@pytest.mark.parametrize("verb", ["greeting", "rcpt", "data"])
async def test_slow_sites_that_take_every_slot_lose_it_while_other_mail_waits(
    database: Database,
    writer: Writer,
    org_id: str,
    dns: DnsServer,
    start_engine: StartEngine,
    clock: ManualClock,
    verb: str,
) -> None:
    """The deadlines are shortened, and the time limits of each step are as long as ever."""
    async with SmtpSink() as good, SmtpSink(host="127.0.1.1", port=good.port) as slow:
        slow.banner = None if verb == "greeting" else slow.banner
        local = "ok" if verb == "greeting" else f"hang-{verb}"
        for number in range(20):
            dns.zones[f"slow{number}.test", "A"] = ["127.0.1.1"]
        drafts = [
            rows_of(org_id, [f"{local}+{n}@slow{n % 20}.test"], accepted_at=START_MS - 1) for n in range(60)
        ]
        await enqueue(writer, *drafts)
        [email] = await enqueue(writer, rows_of(org_id, ["ok@good.test"]))
        engine = await start_engine(
            transport(dns, good.port), Deadlines(600, pressed_s=0.3), delivery_concurrency=8, drain_s=0.01
        )
        is_delivered = have(database, [email], "delivered")

        async def look() -> bool:
            # Mail that was put off, as it had waited for long, becomes due again.
            clock.advance(1)
            engine.wake()
            return await is_delivered()

        await until(look)
        assert slow.messages == []


async def test_seventy_silent_sites_of_one_organisation_keep_no_slot_from_another(
    database: Database, writer: Writer, org_id: str, dns: DnsServer, start_engine: StartEngine
) -> None:
    """The other's mail comes when every slot that the first one may have is in use, to a site that is new."""
    other = await new_org(writer)
    async with AsyncExitStack() as stack:
        good = await stack.enter_async_context(SmtpSink())
        silent = [
            await stack.enter_async_context(
                SmtpSink(host=f"127.0.1.{number + 1}", port=good.port, banner=None)
            )
            for number in range(70)
        ]
        await enqueue(writer, *silent_mail(dns, org_id, 70))
        engine = await start_engine(transport(dns, good.port), delivery_concurrency=64, drain_s=0.01)

        def connected() -> int:
            return sum(sink.connections for sink in silent)

        await until(lambda: connected() >= 27)
        [email] = await enqueue(writer, rows_of(other, ["ok@good.test"]))
        engine.wake()
        await until(have(database, [email], "delivered"))
        assert connected() < 48, "none of the silent sites has lost its slot"


async def test_look_ups_under_a_silent_name_server_keep_no_slot_from_another(
    database: Database, writer: Writer, org_id: str, dns: DnsServer, start_engine: StartEngine
) -> None:
    other = await new_org(writer)
    for number in range(300):
        dns.zones[f"silent{number}.test", "MX"] = DnsFault.TIMEOUT
    async with SmtpSink() as good:
        await enqueue(writer, *(rows_of(org_id, [f"a@silent{number}.test"]) for number in range(300)))
        engine = await start_engine(transport(dns, good.port), delivery_concurrency=400, drain_s=0.01)

        def asked() -> int:
            return sum(name.startswith("silent") for name, _ in dns.queries)

        await until(lambda: asked() >= 90)
        [email] = await enqueue(writer, rows_of(other, ["ok@good.test"]))
        engine.wake()
        await until(have(database, [email], "delivered"))
        assert asked() < 300, "the first organisation's look-ups still wait for their turns"


async def test_attempt_ends_at_its_deadline_and_is_repeated_later(
    database: Database, writer: Writer, org_id: str, dns: DnsServer, start_engine: StartEngine
) -> None:
    async with SmtpSink() as sink:
        [email] = await enqueue(writer, rows_of(org_id, ["hang-rcpt@good.test"]))
        await start_engine(transport(dns, sink.port), Deadlines(attempt_s=0.5))
        await until(have(database, [email], "delivery_delayed"))
        [event] = await events_of(database, email)
        assert (event.reply_status, event.attempt) == ("4.4.2", 1)
        await until(lambda: not sink.sessions)


async def test_no_deadline_ends_the_wait_for_the_reply_to_the_dot(
    database: Database, writer: Writer, org_id: str, dns: DnsServer, start_engine: StartEngine
) -> None:
    """The receiver may have the message: giving up makes duplicates (RFC 1047)."""
    async with SmtpSink() as sink:
        [email] = await enqueue(writer, rows_of(org_id, ["hang-dot-1.5@good.test"]))
        await start_engine(transport(dns, sink.port), Deadlines(attempt_s=0.5))
        await until(have(database, [email], "delivered"))
        assert len(sink.messages) == 1
        assert sink.connections == 1


async def test_silent_address_is_left_alone_by_all_its_domains(dns: DnsServer) -> None:
    async with SmtpSink(banner=None) as sink, SmtpSink(host="127.0.0.2", port=sink.port) as other:
        dns.zones |= {
            ("parked.test", "A"): ["127.0.0.1"],
            ("r.test", "MX"): ["10 good.test.", "20 other.test."],
            ("other.test", "A"): ["127.0.0.2"],
        }
        mx = transport(dns, sink.port, IMPATIENT)
        for domain, connections in (("good.test", 1), ("parked.test", 1), ("r.test", 1)):
            [outcome] = (await mx.deliver(letter(), {1: f"ok@{domain}"}, domain, Dots())).values()
            assert sink.connections == connections
            if domain == "r.test":
                assert outcome.verdict is Verdict.DELIVERED
                assert len(other.messages) == 1
            else:
                assert (outcome.verdict, outcome.code) == (Verdict.DEFERRED, 0)
                assert outcome.host == domain
        await mx.close()


async def test_silent_address_is_tried_again_by_one_connection_and_then_by_all(dns: DnsServer) -> None:
    async with SmtpSink(banner=None) as sink:
        mx = transport(dns, sink.port, IMPATIENT)
        mx.silence._first_s = 0.5

        async def deliver() -> list[Verdict]:
            attempts = (mx.deliver(letter(), {1: "ok@good.test"}, "good.test", Dots()) for _ in range(5))
            return [
                outcome.verdict for found in await asyncio.gather(*attempts) for outcome in found.values()
            ]

        assert await deliver() == [Verdict.DEFERRED] * 5
        connections = sink.connections
        sink.banner = "220 awake"

        async def is_tried_again() -> bool:
            return Verdict.DELIVERED in await deliver()

        await until(is_tried_again)
        assert sink.connections == connections + 1
        assert await deliver() == [Verdict.DELIVERED] * 5
        await mx.close()


async def test_address_that_answers_other_connections_is_not_silent(dns: DnsServer) -> None:
    async with SmtpSink() as sink:
        mx = transport(dns, sink.port, SHORT)
        [target] = await mx.targets("good.test")
        slow = asyncio.create_task(watched(mx, target))
        await asyncio.sleep(0)
        [outcome] = (await mx.deliver(letter(), {1: "ok@good.test"}, "good.test", Dots())).values()
        assert outcome.verdict is Verdict.DELIVERED
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        assert await mx.targets("good.test") == [target]
        await mx.close()


async def watched(mx: Mx, target: Target) -> None:
    """A session that is being opened for ever, with time limits that have passed by its end."""
    with mx.silence.watching(target, replace(IMPATIENT, connect=0)):
        await asyncio.Event().wait()


async def test_recipients_of_one_email_at_one_site_are_tried_again_together(
    database: Database,
    writer: Writer,
    org_id: str,
    dns: DnsServer,
    start_engine: StartEngine,
    clock: ManualClock,
) -> None:
    dns.zones["other.test", "A"] = ["127.0.0.1"]
    at_good = [f"greylist-1+{number}@good.test" for number in range(15)]
    async with SmtpSink() as sink:
        [email] = await enqueue(writer, rows_of(org_id, [*at_good, "greylist-1@other.test"]))
        engine = await start_engine(transport(dns, sink.port))
        await until(have(database, [email], "delivery_delayed"))

        async def all_wait() -> bool:
            return all(row.attempts == 1 for row in await queue_of(database))

        await until(all_wait)
        due = [row.due_at for row in await queue_of(database)]
        assert len(set(due)) == 2, "one time for each site"
        clock.advance(75)
        engine.wake()
        await until(have(database, [email], "delivered"))
        assert sorted(len(message.rcpts) for message in sink.messages) == [1, 15]
