"""Each webhook is called in its own format, from fan-out to dispatch."""

import hashlib
import hmac

import orjson
from sqlalchemy import select
from structlog.testing import capture_logs

from server.db.database import Database
from server.db.tables.webhooks import webhooks
from server.db.writer import Writer
from tests.harness.clock import START_MS, ManualClock
from tests.harness.rows import stored
from tests.harness.webhook_format import ShortFormat, with_short_format
from tests.harness.webhook_sink import WebhookSink
from tests.webhooks.site import Site


async def test_each_webhook_is_called_and_signed_in_its_own_format(
    database: Database, writer: Writer, clock: ManualClock, sink: WebhookSink
) -> None:
    site = Site(database, writer, clock, formats=with_short_format(ShortFormat()))
    plain, plain_secret = await site.register(f"{sink.url}/200/plain")
    short, short_secret = await site.register(f"{sink.url}/200/short")
    await site.set_format(short, "short")
    email_id = await site.happen()
    await site.turn()
    for webhook_id in (plain, short):
        await site.attempted(webhook_id, 1)
    await site.stop()

    (call,) = sink.at("/200/short")
    assert orjson.loads(call.body) == {"event": "sent", "email": {"id": email_id}}
    assert call.headers["content-type"] == "application/json"
    assert (call.headers["x-short-event"], call.headers["x-short-timestamp"]) == (
        "sent",
        str(START_MS // 1000),
    )
    signed = b"%d.%s" % (START_MS // 1000, call.body)
    expected = hmac.new(short_secret.encode(), signed, hashlib.sha256).hexdigest()
    assert call.headers["x-short-signature"] == f"sha256={expected}"
    assert not [name for name in call.headers if name.startswith(("webhook-", "svix-", "zidimail-"))]

    (call,) = sink.at("/200/plain")
    assert orjson.loads(call.body)["type"] == "email.sent"
    expected = hmac.new(plain_secret.encode(), call.body, hashlib.sha256).hexdigest()
    assert call.headers["zidimail-signature"] == f"sha256={expected}"
    assert not [name for name in call.headers if name.startswith("x-short-")]


async def test_a_call_in_an_unknown_format_is_not_made_and_tried_again_later(
    site: Site, sink: WebhookSink, clock: ManualClock
) -> None:
    """The attempts do not count against the receiver, and the calls of others go on."""
    webhook_id, secret = await site.register(f"{sink.url}/200/one")
    other, _ = await site.register(f"{sink.url}/200/other")
    await site.happen()
    while await site.fan_out.step():
        pass
    await site.set_format(webhook_id, "unknown")
    with capture_logs() as logs:
        await site.turn()
        attempt = await site.attempted(webhook_id, 1)
        await site.attempted(other, 1)
    assert (attempt.status_code, attempt.error) == (None, "format")
    assert attempt.detail == "the format of the webhook is unknown to this server"
    assert sink.at("/200/one") == []
    assert await stored(site.database, select(webhooks.c.failing_since)) == [(None,), (None,)]
    (error,) = [log for log in logs if log["log_level"] == "error"]
    assert (error["webhook_id"], error["format"]) == (webhook_id, "unknown")

    await site.set_format(webhook_id, "zidimail")
    clock.advance(6)
    await site.turn()
    assert (await site.attempted(webhook_id, 2)).status_code == 200
    (call,) = sink.at("/200/one")
    expected = hmac.new(secret.encode(), call.body, hashlib.sha256).hexdigest()
    assert call.headers["zidimail-signature"] == f"sha256={expected}"
