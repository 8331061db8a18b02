"""Engines on fresh stores, stopped after each test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from server.db.database import Database
from server.db.writer import Writer
from server.delivery.deadlines import Deadlines
from server.delivery.engine import Engine
from server.delivery.transport import Transport
from server.delivery.transports.choose import transport_of
from server.net.dns import Resolver
from server.settings import Settings
from server.work.backpressure import Backpressure
from server.work.notifier import Notifier
from tests.delivery.queued import SECRET, new_org, seal
from tests.delivery.receivers import World
from tests.harness.clock import ManualClock
from tests.harness.dns_server import DnsServer
from tests.harness.smtp_sink import SmtpSink


class OnceStopped(Engine):
    """An engine that a test may stop before its fixture does."""

    _stopped = False

    async def stop(self) -> None:
        if not self._stopped:
            self._stopped = True
            await super().stop()


StartEngine = Callable[..., Awaitable[Engine]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def sink() -> AsyncIterator[SmtpSink]:
    """A receiver with which nobody breaks the protocol."""
    async with SmtpSink() as sink:
        yield sink
    assert sink.violations == []


@pytest.fixture
async def start_engine(
    database: Database, writer: Writer, clock: ManualClock, tmp_path: Path
) -> AsyncIterator[StartEngine]:
    """Starts an engine with the settings given by name; `transport` may be a URL or an object."""
    engines: list[Engine] = []

    async def start(
        transport: str | Transport = "capture", deadlines: Deadlines | None = None, **changes: Any
    ) -> Engine:
        settings = Settings(
            data_dir=tmp_path,
            database_url="",
            secret=SECRET,
            transport=transport if isinstance(transport, str) else "capture",
            allow_private_networks=changes.pop("allow_private_networks", True),
            **changes,
        )
        if isinstance(transport, str):
            transport = transport_of(settings, Resolver(settings))
        hints = Notifier(), Notifier(), Backpressure()
        engine = OnceStopped(database, writer, settings, clock, seal(), transport, *hints, deadlines)
        engines.append(engine)
        await engine.start()
        return engine

    yield start
    for engine in engines:
        await engine.stop()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Hosts that are found through a DNS server."""
    async with AsyncExitStack() as stack:
        yield World(await stack.enter_async_context(DnsServer()), stack)


@pytest.fixture
async def dns() -> AsyncIterator[DnsServer]:
    """A scripted DNS server that knows `good.test` at 127.0.0.1."""
    async with DnsServer({("good.test", "A"): ["127.0.0.1"]}) as server:
        yield server


@pytest.fixture
async def org_id(writer: Writer) -> str:
    """An organisation that may send."""
    return await new_org(writer)
