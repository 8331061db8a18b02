"""A site driven step by step with a manual clock, and a receiver."""

from collections.abc import AsyncIterator

import pytest

from server.db.database import Database
from server.db.writer import Writer
from tests.harness.clock import ManualClock
from tests.harness.webhook_sink import WebhookSink
from tests.webhooks.site import Site


@pytest.fixture
async def sink() -> AsyncIterator[WebhookSink]:
    """A receiver that obeys the path."""
    async with WebhookSink() as sink:
        yield sink


@pytest.fixture
def clock() -> ManualClock:
    """The time by which calls are due."""
    return ManualClock()


@pytest.fixture
async def site(database: Database, writer: Writer, clock: ManualClock) -> AsyncIterator[Site]:
    """A site that the test steps; its calls time out after a second."""
    site = Site(database, writer, clock, total_s=1.0)
    yield site
    await site.stop()
