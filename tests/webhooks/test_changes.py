"""After the answer to a change of a webhook, no call begins with what was before (contract row C-95)."""

from collections.abc import AsyncIterator

import pytest
import standardwebhooks
from sqlalchemy import update

from server.clock import SystemClock
from server.db.database import Database
from server.db.tables.accounts import organisations
from server.db.tx import Tx
from server.db.writer import Writer
from server.webhooks import store
from server.webhooks.receivers import Receivers
from server.webhooks.store import DISABLED, WebhookChange
from tests.delivery.queued import add_org
from tests.harness.clock import START_MS
from tests.harness.waiting import until
from tests.harness.webhook_sink import WebhookSink
from tests.webhooks.site import Site

CALLS = 12


@pytest.fixture
async def running(database: Database, writer: Writer) -> AsyncIterator[Site]:
    """A site that runs by itself, by the machine's clock."""
    site = Site(database, writer, SystemClock())
    await writer.run(add_org, site.org_id)
    await site.start()
    yield site
    await site.stop()


@pytest.fixture
def changers(running: Site, database: Database) -> Receivers:
    """The receivers of the process that changes webhooks: on PostgreSQL another than the one that calls."""
    return running.receivers if database.is_sqlite else Receivers(database)


async def with_calls_waiting(running: Site, sink: WebhookSink) -> tuple[str, str]:
    """A webhook's id and secret: two of its calls are on their way, others were claimed and wait."""
    id, secret = await running.register(f"{sink.url}/wait/old")
    for _ in range(CALLS):
        await running.happen()
    await until(lambda: sink.count == 2)
    return id, secret


async def test_waiting_calls_go_to_the_new_place(
    running: Site, sink: WebhookSink, changers: Receivers
) -> None:
    id, _ = await with_calls_waiting(running, sink)
    moved = WebhookChange(f"{sink.url}/200/new", None, None)
    await running.writer.run(store.change, running.org_id, id, moved, START_MS)
    await changers.changed()
    sink.go.set()
    await until(lambda: len(sink.at("/200/new")) == CALLS - 2)
    assert len(sink.at("/wait/old")) == 2


async def test_waiting_calls_carry_the_new_secret(
    running: Site, sink: WebhookSink, changers: Receivers
) -> None:
    id, _ = await with_calls_waiting(running, sink)
    secret = await running.rotate(id)
    await changers.changed()
    sink.go.set()
    await until(lambda: sink.count == CALLS)
    for call in sink.calls[2:]:
        standardwebhooks.Webhook(secret).verify(call.body, call.headers)


async def test_waiting_calls_of_a_deleted_webhook_are_gone(
    running: Site, sink: WebhookSink, changers: Receivers
) -> None:
    id, _ = await with_calls_waiting(running, sink)
    await running.writer.submit(store.remove, [(running.org_id, id)])
    await changers.changed()
    await others_are_called(running, sink)
    assert len(sink.at("/wait/old")) == 2
    assert await running.kept(id) == {}


async def test_waiting_calls_of_a_disabled_webhook_are_kept_as_failed(
    running: Site, sink: WebhookSink, changers: Receivers
) -> None:
    id, _ = await with_calls_waiting(running, sink)
    off = WebhookChange(None, None, DISABLED)
    await running.writer.run(store.change, running.org_id, id, off, START_MS)
    await changers.changed()
    await others_are_called(running, sink)

    async def all_ended() -> bool:
        return await running.waiting(id) == 0

    await until(all_ended)
    assert len(sink.at("/wait/old")) == 2
    # And the event that the other webhook was called for.
    assert await running.kept(id) == {"success": 2, "failed": CALLS - 2 + 1}


async def test_webhooks_of_a_banned_organisation_are_not_called(
    running: Site, sink: WebhookSink, changers: Receivers
) -> None:
    """C-86."""
    id, _ = await with_calls_waiting(running, sink)
    mine = organisations.c.org_id == running.org_id
    await running.writer.run(Tx.change, update(organisations).where(mine).values(state="banned"))
    await changers.changed()
    sink.go.set()

    async def all_ended() -> bool:
        return await running.waiting(id) == 0

    await until(all_ended)
    assert sink.count == 2
    assert await running.kept(id) == {"success": 2, "failed": CALLS - 2}


async def others_are_called(running: Site, sink: WebhookSink) -> None:
    """Lets the calls on their way end, and waits until another webhook was called after that."""
    sink.go.set()
    await running.register(f"{sink.url}/200/other")
    await running.happen()
    await until(lambda: len(sink.at("/200/other")) == 1)
