"""Calls arrive signed, no webhook blocks another, and no call is lost between processes."""

import asyncio
import hashlib
import hmac
from collections import Counter
from collections.abc import AsyncIterator

import orjson
import pytest
import standardwebhooks
import svix.webhooks

from server.clock import SystemClock
from server.db.database import Database
from server.db.writer import Writer
from server.webhooks import store
from tests.harness.certificates import throw_away
from tests.harness.clock import ManualClock
from tests.harness.dns_server import DnsServer
from tests.harness.waiting import until
from tests.harness.webhook_sink import WebhookSink
from tests.webhooks.site import Site


@pytest.fixture
async def running(database: Database, writer: Writer) -> AsyncIterator[Site]:
    """A site that runs by itself, by the machine's clock."""
    site = Site(database, writer, SystemClock())
    await site.start()
    yield site
    await site.stop()


async def test_a_call_carries_three_signatures_that_verify(running: Site, sink: WebhookSink) -> None:
    """Z-41, C-8: plain HMAC, Standard Webhooks and svix, each by its own verifier."""
    _, secret = await running.register(f"{sink.url}/200/hook")
    email_id = await running.happen()
    await until(lambda: sink.calls)
    (call,) = sink.calls
    assert call.method == "POST"
    assert call.headers["content-type"] == "application/json"
    assert call.headers["zidimail-event"] == "email.sent"
    expected = hmac.new(secret.encode(), call.body, hashlib.sha256).hexdigest()
    assert call.headers["zidimail-signature"] == f"sha256={expected}"
    assert standardwebhooks.Webhook(secret).verify(call.body, call.headers)["type"] == "email.sent"
    svix.webhooks.Webhook(secret).verify(call.body, call.headers)
    assert orjson.loads(call.body)["data"]["email_id"] == email_id


async def test_a_call_arrives_over_tls(database: Database, writer: Writer) -> None:
    async with WebhookSink(tls=True) as sink:
        site = Site(database, writer, SystemClock(), tls=throw_away().client_context())
        await site.start()
        await site.register(f"{sink.url}/200")
        await site.happen()
        await until(lambda: sink.count == 1)
        await site.stop()


async def test_webhook_that_hangs_does_not_block_others(running: Site, sink: WebhookSink) -> None:
    hanging = [await running.register(f"{sink.url}/hang/{number}") for number in range(3)]
    await running.register(f"{sink.url}/200")
    for _ in range(40):
        await running.happen()
    # A call to the others ends after 15 seconds: the healthy one gets all of its calls long before.
    await until(lambda: len(sink.at("/200")) == 40, within=10)
    assert not [await running.attempts(id) for id, _ in hanging if await running.attempts(id)]
    await running.writer.submit(store.remove, [(running.org_id, id) for id, _ in hanging])
    await sink.stop()


async def test_at_most_a_few_calls_are_in_flight_to_one_webhook(running: Site, sink: WebhookSink) -> None:
    await running.register(f"{sink.url}/hang")
    await running.register(f"{sink.url}/200")
    for _ in range(30):
        await running.happen()
    await until(lambda: len(sink.at("/200")) == 30)
    assert len(sink.at("/hang")) == 2
    await sink.stop()


async def test_concurrent_dispatchers_make_each_call_once(
    database: Database, writer: Writer, sink: WebhookSink
) -> None:
    sites = [Site(database, writer, SystemClock()) for _ in range(3)]
    for site in sites:
        await site.start()
    await sites[0].register(f"{sink.url}/200")
    await asyncio.gather(*(sites[0].happen() for _ in range(100)))
    await until(lambda: sink.count >= 100)
    for site in sites:
        await site.stop()
    assert set(Counter(call.headers["webhook-id"] for call in sink.calls).values()) == {1}
    assert sink.count == 100


async def test_calls_of_a_dead_process_are_made_by_the_next(
    database: Database, writer: Writer, sink: WebhookSink, clock: ManualClock
) -> None:
    dead = Site(database, writer, clock, lease_s=60)
    webhook_id, _ = await dead.register(f"{sink.url}/hang")
    await dead.happen()
    await dead.turn()
    await until(lambda: sink.count == 1)
    clock.advance(61)
    sink.statuses["/hang"] = 200
    heir = Site(database, writer, clock)
    heir.org_id = dead.org_id
    await heir.turn()
    attempt = await heir.attempted(webhook_id, 1)
    assert (attempt.attempt, attempt.status_code) == (1, 200)
    await sink.stop()
    await dead.stop()
    await heir.stop()
    assert await heir.waiting(webhook_id) == 0


async def test_stop_finishes_started_calls_and_releases_the_rest(
    site: Site, sink: WebhookSink, database: Database, writer: Writer, clock: ManualClock
) -> None:
    webhook_id, _ = await site.register(f"{sink.url}/200")
    for _ in range(10):
        await site.happen()
    await site.turn()
    await site.stop()
    made = len(await site.attempts(webhook_id))
    assert 0 < made == sink.count
    assert await site.waiting(webhook_id) == 10 - made
    heir = Site(database, writer, clock)
    heir.org_id = site.org_id
    await heir.turn()
    await heir.attempted(webhook_id, 10)
    await heir.stop()
    assert sink.count == 10


async def test_a_call_that_ends_after_its_webhook_was_removed_leaves_nothing(
    site: Site, sink: WebhookSink
) -> None:
    webhook_id, _ = await site.register(f"{sink.url}/hang")
    for _ in range(5):
        await site.happen()
    await site.turn()
    await until(lambda: sink.count)
    await site.writer.submit(store.remove, [(site.org_id, webhook_id)])
    await site.stop()
    assert await site.waiting(webhook_id) == 0


async def test_host_that_resolves_to_a_private_address_later_is_not_called(
    database: Database, writer: Writer, sink: WebhookSink, clock: ManualClock
) -> None:
    """C-35: the address is checked at every connection, not when the webhook was registered."""
    async with DnsServer({("hooks.example.com", "A"): ["127.0.0.1"]}) as dns:
        site = Site(database, writer, clock, private=False, dns=dns.address)
        webhook_id, _ = await site.register(f"https://hooks.example.com:8443/{sink.port}")
        await site.happen()
        await site.turn()
        attempt = await site.attempted(webhook_id, 1)
        await site.stop()
    assert (attempt.error, attempt.status_code) == ("refused", None)
    assert attempt.detail == "the host is not a public host"
    assert attempt.next_at is not None


async def test_calls_past_their_lifetime_are_given_up(
    site: Site, sink: WebhookSink, clock: ManualClock
) -> None:
    webhook_id, _ = await site.register(f"{sink.url}/200")
    await site.happen()
    while await site.fan_out.step():
        pass
    clock.advance(5 * 86_400)
    await site.turn()
    assert await site.waiting(webhook_id) == 0
    assert sink.count == 0
