"""A call begins when its bytes are written, after its wait for a connection (contract row C-95)."""

from collections.abc import AsyncIterator

import pytest
import standardwebhooks
from sqlalchemy import func, select

from server.clock import SystemClock
from server.db.database import Database
from server.db.tables.webhooks import webhook_calls
from server.db.writer import Writer
from server.webhooks import store
from server.webhooks.receivers import Receivers
from server.webhooks.store import DISABLED, WebhookChange
from tests.delivery.queued import add_org
from tests.harness.clock import START_MS
from tests.harness.dns_server import DnsServer
from tests.harness.waiting import until
from tests.harness.webhook_sink import Call, WebhookSink
from tests.webhooks.site import Site

WEBHOOKS = 24
# Two calls of a webhook begin at once.
CALLS = 2 * WEBHOOKS
HOST = "receiver.test"


@pytest.fixture
async def dns() -> AsyncIterator[DnsServer]:
    """Knows where the receiver is."""
    async with DnsServer({(HOST, "A"): ["127.0.0.1"]}) as server:
        yield server


@pytest.fixture
async def running(database: Database, writer: Writer, dns: DnsServer) -> AsyncIterator[Site]:
    """A site that runs by itself, by the machine's clock."""
    site = Site(database, writer, SystemClock(), dns=dns.address)
    await writer.run(add_org, site.org_id)
    await site.start()
    yield site
    await site.stop()


class Waiting:
    """Webhooks with their secrets, whose calls wait for the address of their host."""

    def __init__(self, site: Site, sink: WebhookSink, changers: Receivers) -> None:
        self.site = site
        self.url = f"http://{HOST}:{sink.port}"
        self.secrets: dict[str, str] = {}
        self.changers = changers

    async def begin(self) -> None:
        for _ in range(WEBHOOKS):
            id, secret = await self.site.register(f"{self.url}/200/old")
            self.secrets[id] = secret
        for _ in range(CALLS // WEBHOOKS):
            await self.site.happen()
        await until(self.are_claimed)

    async def are_claimed(self) -> bool:
        mine = (webhook_calls.c.org_id == self.site.org_id, webhook_calls.c.lease_until.is_not(None))
        query = select(func.count()).select_from(webhook_calls).where(*mine)
        return await self.site.database.read(lambda tx: tx.scalar(int, query)) == CALLS

    async def are_ended(self) -> bool:
        return all([await self.site.waiting(id) == 0 for id in self.secrets])

    async def change(self, change: WebhookChange) -> None:
        for id in self.secrets:
            await self.site.writer.run(store.change, self.site.org_id, id, change, START_MS)
        await self.changers.changed()


@pytest.fixture
def waiting(running: Site, sink: WebhookSink, database: Database) -> Waiting:
    """On PostgreSQL another process changes the webhooks than the one that calls."""
    changers = running.receivers if database.is_sqlite else Receivers(database)
    return Waiting(running, sink, changers)


async def test_calls_that_wait_for_a_connection_go_to_the_new_place(
    waiting: Waiting, sink: WebhookSink, dns: DnsServer
) -> None:
    with dns.holding_answers() as asked:
        await waiting.begin()
        await asked.wait()
        await waiting.change(WebhookChange(f"{waiting.url}/200/new", None, None))
    await until(waiting.are_ended)
    assert (len(sink.at("/200/old")), len(sink.at("/200/new"))) == (0, CALLS)


async def test_calls_that_wait_for_a_connection_carry_the_new_secret(
    waiting: Waiting, sink: WebhookSink, dns: DnsServer
) -> None:
    with dns.holding_answers() as asked:
        await waiting.begin()
        await asked.wait()
        secrets = [await waiting.site.rotate(id) for id in waiting.secrets]
        await waiting.changers.changed()
    await until(waiting.are_ended)
    assert len(sink.calls) == CALLS
    webhooks = [standardwebhooks.Webhook(secret) for secret in secrets]
    assert all(any(is_signed(call, webhook) for webhook in webhooks) for call in sink.calls)


async def test_calls_that_wait_for_a_connection_are_gone_with_their_webhook(
    waiting: Waiting, sink: WebhookSink, dns: DnsServer
) -> None:
    with dns.holding_answers() as asked:
        await waiting.begin()
        await asked.wait()
        await waiting.site.writer.submit(store.remove, [(waiting.site.org_id, id) for id in waiting.secrets])
        await waiting.changers.changed()
    await another_is_called(waiting, sink)
    assert sink.at("/200/old") == []
    for id in waiting.secrets:
        assert await waiting.site.kept(id) == {}
        assert await waiting.site.attempts(id) == []


async def test_calls_that_wait_for_a_connection_of_a_disabled_webhook_are_kept_as_failed(
    waiting: Waiting, sink: WebhookSink, dns: DnsServer
) -> None:
    with dns.holding_answers() as asked:
        await waiting.begin()
        await asked.wait()
        await waiting.change(WebhookChange(None, None, DISABLED))
    await until(waiting.are_ended)
    assert sink.calls == []
    for id in waiting.secrets:
        assert await waiting.site.kept(id) == {"failed": CALLS // WEBHOOKS}
        assert await waiting.site.attempts(id) == []


def is_signed(call: Call, webhook: standardwebhooks.Webhook) -> bool:
    """True if a call carries a signature of this webhook's secret."""
    try:
        webhook.verify(call.body, call.headers)
    except standardwebhooks.WebhookVerificationError:
        return False
    return True


async def another_is_called(waiting: Waiting, sink: WebhookSink) -> None:
    """Waits until a webhook is called that was registered last."""
    await waiting.site.register(f"{waiting.url}/200/other")
    await waiting.site.happen()
    await until(lambda: len(sink.at("/200/other")) == 1)
