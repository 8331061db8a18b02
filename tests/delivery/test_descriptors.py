"""Descriptors: more sites than this process may have connections, and none left for the next one."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from server.db.database import Database
from server.db.writer import Writer
from server.delivery.smtp.pool import Pool
from server.delivery.smtp.session import Session
from server.delivery.transports.mx import Mx
from server.net.descriptors import Exhausted
from tests.delivery.conftest import StartEngine
from tests.delivery.exchangers import have, transport
from tests.delivery.letters import SHORT, Dots, letter
from tests.delivery.queued import (
    enqueue,
    events_of,
    queue_of,
    recipients_of,
    rows_of,
)
from tests.harness.clock import START_MS, ManualClock
from tests.harness.descriptors import limited_to, no_descriptor_left, open_now
from tests.harness.dns_server import DnsServer
from tests.harness.smtp_sink import SmtpSink
from tests.harness.waiting import until

ROOT = Path(__file__).parents[2]


async def test_the_number_of_idle_sessions_is_limited_and_the_oldest_ends_first(dns: DnsServer) -> None:
    async with SmtpSink() as sink:
        mx = transport(dns, sink.port, SHORT)
        mx._pool = Pool(60, most=3)
        for number in range(8):
            dns.zones[f"r{number}.test", "A"] = ["127.0.0.1"]
            await mx.deliver(letter(), {1: "ok@r.test"}, f"r{number}.test", Dots())
        await until(lambda: len(sink.sessions) == 3)
        assert len(mx._pool) == 3
        for number in (7, 6, 5, 4):
            await mx.deliver(letter(), {1: "ok@r.test"}, f"r{number}.test", Dots())
        assert sink.connections == 9, "three of the four sessions were idle"
        await mx.close()


@asynccontextmanager
async def sink_of_its_own() -> AsyncIterator[int]:
    """The port of a sink in a process of its own, with descriptors of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.harness.smtp_sink", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    yield int((await process.stdout.readline()).split()[-1])
    process.kill()
    await process.wait()


async def test_more_sites_than_descriptors_are_delivered_at_their_first_attempt(
    database: Database,
    writer: Writer,
    org_id: str,
    dns: DnsServer,
    start_engine: StartEngine,
    clock: ManualClock,
) -> None:
    sites = 400
    dns.zones |= {(f"r{n}.test", "A"): ["127.0.0.1"] for n in range(sites)}
    emails = await enqueue(writer, *(rows_of(org_id, [f"ok@r{n}.test"]) for n in range(sites)))
    async with sink_of_its_own() as port:
        with limited_to(max(open_now() + 150, 200)):
            engine = await start_engine(transport(dns, port))

            async def are_delivered() -> bool:
                clock.advance(0.2)  # mail that waited for a slot may have been put off
                return await queue_of(database) == []

            with capture_logs() as logs:
                await until(are_delivered)
            await engine.stop()
    assert [log for log in logs if log["log_level"] == "warning"] == []
    attempts = {row.attempts for email in emails for row in await recipients_of(database, email)}
    assert attempts == {1}


class Starved(Mx):
    """The process has no descriptor left whenever a connection is opened, until `fed`."""

    fed = False

    async def _open(self, *arguments: Any) -> Session:  # those of the method that it wraps
        if self.fed:
            return await super()._open(*arguments)
        with no_descriptor_left():
            return await super()._open(*arguments)


async def test_delivery_for_which_there_is_no_descriptor_uses_up_no_attempt(
    database: Database,
    writer: Writer,
    org_id: str,
    dns: DnsServer,
    start_engine: StartEngine,
    clock: ManualClock,
) -> None:
    async with SmtpSink() as sink:
        mx = transport(dns, sink.port, kind=Starved)
        [email] = await enqueue(writer, rows_of(org_id, ["ok@good.test"]))
        engine = await start_engine(mx)

        async def is_put_off() -> bool:
            [row] = await queue_of(database)
            return row.due_at > START_MS and row.lease_until is None

        await until(is_put_off)
        [row] = await queue_of(database)
        assert row.attempts == 0
        assert row.due_at <= START_MS + 10_000
        assert await events_of(database, email) == []
        mx.fed = True
        clock.advance(10)
        engine.wake()
        await until(have(database, [email], "delivered"))
        [event] = await events_of(database, email)
        assert event.attempt == 1


async def test_idle_sessions_make_room_when_no_descriptor_is_left(dns: DnsServer) -> None:
    dns.zones["other.test", "A"] = ["127.0.0.1"]
    async with SmtpSink() as sink:
        mx = transport(dns, sink.port, kind=Starved)
        mx.fed = True
        await mx.deliver(letter(), {1: "ok@good.test"}, "good.test", Dots())
        mx.fed = False
        with pytest.raises(Exhausted):
            await mx.deliver(letter(), {1: "ok@other.test"}, "other.test", Dots())
        await until(lambda: not sink.sessions)
        await mx.close()
