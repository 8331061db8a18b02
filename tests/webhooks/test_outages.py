"""Calls that a dispatcher owns and does not hold, after an outage of the store."""

from server.db.database import Database
from server.db.writer import Writer
from server.webhooks import queue
from server.webhooks.due import CallId, backlogs, due
from server.webhooks.queue import CallKey, Claim, Renewal
from tests.harness.clock import ManualClock
from tests.harness.webhook_sink import WebhookSink
from tests.webhooks.site import Site

LEASE_MS = 60_000


async def _claim(site: Site) -> CallKey:
    """Claims the only call that is due in the name of the site's dispatcher, which does not hear of it."""
    while await site.fan_out.step():
        pass
    now = site.clock.now_ms()
    found = await site.database.read(backlogs, ("", ""), 1)
    [call] = await site.database.read(due, [(found[0].webhook, 1)], now)
    claim = Claim(site.dispatcher._owner, now + LEASE_MS, [CallId(*call)])
    [[claimed]] = await site.writer.submit(queue.claim, [claim])
    key: CallKey = claimed.key
    return key


async def test_call_of_a_claim_whose_answer_was_lost_is_made_at_once(site: Site, sink: WebhookSink) -> None:
    webhook_id, _ = await site.register(f"{sink.url}/204")
    await site.happen()
    await _claim(site)
    await site.turn()
    assert sink.count == 0
    site.dispatcher._unsure.add()
    await site.turn()
    await site.attempted(webhook_id, 1)
    assert sink.count == 1


async def test_renewal_does_not_extend_a_claim_of_the_same_owner_that_is_not_held(
    site: Site, sink: WebhookSink, database: Database, writer: Writer, clock: ManualClock
) -> None:
    await site.register(f"{sink.url}/204")
    await site.happen()
    lost = await _claim(site)
    earlier = lost._replace(token=lost.token - 1)
    renewal = Renewal(site.dispatcher._owner, clock.now_ms() + 2 * LEASE_MS, [earlier])
    assert await writer.submit(queue.renew, [renewal]) == [set()]
    assert await database.read(queue.leased_by, site.dispatcher._owner) == [lost]
    assert await writer.submit(queue.release_expired, [clock.now_ms() + LEASE_MS + 1]) == [1]
