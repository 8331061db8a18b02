"""Retries of calls, and the record of each attempt (contract row C-33)."""

import asyncio
import base64
import hmac

import orjson
import pytest

from server.webhooks import queue
from tests.harness.clock import START_MS, ManualClock
from tests.harness.waiting import until
from tests.harness.webhook_sink import WebhookSink
from tests.webhooks.site import Site

# The longest that the schedule and its jitter make the nth repetition wait, in seconds.
LONGEST_S = [6, 360, 2160, 8640, 21_600, 43_200, 60_480, 86_400, 103_680]


async def test_successful_call_is_made_once(site: Site, sink: WebhookSink) -> None:
    webhook_id, _ = await site.register(f"{sink.url}/204")
    await site.happen()
    await site.turn()
    attempt = await site.attempted(webhook_id, 1)
    await site.turn()
    assert (attempt.status_code, attempt.error, attempt.next_at) == (204, "", None)
    assert sink.count == 1
    assert await site.waiting(webhook_id) == 0


async def test_a_failed_call_is_repeated_on_schedule_with_the_same_bytes(
    site: Site, sink: WebhookSink, clock: ManualClock
) -> None:
    webhook_id, _ = await site.register(f"{sink.url}/flaky-2")
    await site.happen()
    await site.turn()
    await site.attempted(webhook_id, 1)
    clock.advance(3.9)
    await site.turn()
    assert sink.count == 1
    clock.advance(2.2)
    await site.turn()
    await site.attempted(webhook_id, 2)
    clock.advance(239)
    await site.turn()
    assert sink.count == 2
    clock.advance(122)
    await site.turn()
    attempt = await site.attempted(webhook_id, 3)
    assert (attempt.status_code, attempt.next_at) == (200, None)
    assert {call.body for call in sink.calls} == {sink.calls[0].body}
    assert {call.headers["webhook-id"] for call in sink.calls} == {attempt.event_id}
    assert [int(call.headers["webhook-timestamp"]) for call in sink.calls] == [
        START_MS // 1000 + seconds for seconds in (0, 6, 367)
    ]


async def test_call_is_given_up_after_ten_failures(site: Site, sink: WebhookSink, clock: ManualClock) -> None:
    webhook_id, _ = await site.register(f"{sink.url}/500")
    await site.happen()
    for made, wait_s in enumerate([*LONGEST_S, 0], 1):
        await site.turn()
        attempt = await site.attempted(webhook_id, made)
        assert attempt.attempt == made
        clock.advance(wait_s)
    assert attempt.next_at is None
    assert await site.waiting(webhook_id) == 0
    assert await site.status(webhook_id) == "enabled"


async def test_retry_after_may_double_the_delay(site: Site, sink: WebhookSink, clock: ManualClock) -> None:
    webhook_id, _ = await site.register(f"{sink.url}/503/retry-after/9")
    await site.happen()
    await site.turn()
    attempt = await site.attempted(webhook_id, 1)
    assert attempt.next_at == clock.now_ms() + 9_000


async def test_410_disables_the_webhook_and_makes_no_further_calls(site: Site, sink: WebhookSink) -> None:
    webhook_id, _ = await site.register(f"{sink.url}/410")
    for _ in range(5):
        await site.happen()
    await site.turn()
    await site.attempted(webhook_id, 2)
    assert await site.status(webhook_id) == "disabled"
    await site.happen()
    await site.turn()
    assert await site.waiting(webhook_id) == 0
    # Two were under way before the first was answered.
    assert sink.count == 2


async def test_redirect_is_a_failure_and_is_not_followed(site: Site, sink: WebhookSink) -> None:
    async with WebhookSink() as elsewhere:
        webhook_id, _ = await site.register(f"{sink.url}/redirect?to={elsewhere.url}/200")
        await site.happen()
        await site.turn()
        attempt = await site.attempted(webhook_id, 1)
        assert attempt.status_code == 302
        assert attempt.next_at is not None
        assert elsewhere.connections == 0


@pytest.mark.parametrize(
    ("order", "error"), [("hang", "timeout"), ("drop", "broken"), ("slow-headers", "timeout")]
)
async def test_missing_answer_is_recorded_by_its_error_and_retried(
    site: Site, sink: WebhookSink, order: str, error: str
) -> None:
    webhook_id, _ = await site.register(f"{sink.url}/{order}")
    await site.happen()
    await site.turn()
    attempt = await site.attempted(webhook_id, 1)
    assert (attempt.status_code, attempt.error) == (None, error)
    assert attempt.detail
    assert attempt.next_at is not None


async def test_answer_that_is_not_http_is_recorded(site: Site) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}}")
        writer.write(b"HTTP/1.1 2\x00\xff\xed\xa0\x80 no\r\n\x00\xff: \xff\r\n\r\n" * 100)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    webhook_id, _ = await site.register(f"http://127.0.0.1:{port}/")
    await site.happen()
    await site.turn()
    attempt = await site.attempted(webhook_id, 1)
    server.close()
    await server.wait_closed()
    assert (attempt.status_code, attempt.error) == (None, "broken")


async def test_an_attempt_keeps_the_beginning_of_the_answer(site: Site, sink: WebhookSink) -> None:
    webhook_id, _ = await site.register(f"{sink.url}/endless")
    await site.happen()
    await site.turn()
    attempt = await site.attempted(webhook_id, 1)
    assert (attempt.status_code, attempt.response) == (200, b"x" * 4096)
    assert attempt.attempted_at == START_MS


async def test_events_of_each_recipient_are_sent(site: Site, sink: WebhookSink) -> None:
    await site.register(f"{sink.url}/200", "email.delivered", "email.bounced")
    email_id = await site.happen("email.sent", "email.delivered", "email.bounced")
    await site.turn()
    await site.stop()
    bodies = [orjson.loads(call.body) for call in sink.calls]
    assert sorted(body["type"] for body in bodies) == ["email.bounced", "email.delivered"]
    assert {body["data"]["email_id"] for body in bodies} == {email_id}


# A webhook that takes nothing for days (F-3).


DAY_S = 86_400


async def fail(site: Site, clock: ManualClock, webhook_id: str, until_s: float) -> int:
    """Advances the clock by `until_s` seconds, with an event every six hours; returns their number."""
    happened = 0
    end = clock.now_ms() + until_s * 1000
    while clock.now_ms() < end and await site.status(webhook_id) == "enabled":
        await site.happen()
        happened += 1
        made = len(await site.attempts(webhook_id))
        await site.turn()
        await until(lambda made=made: more_than(site, webhook_id, made))
        clock.advance(DAY_S / 4)
    return happened


async def more_than(site: Site, webhook_id: str, count: int) -> bool:
    return len(await site.attempts(webhook_id)) > count


async def test_a_webhook_that_fails_for_five_days_is_disabled_and_nothing_is_lost(
    site: Site, sink: WebhookSink, clock: ManualClock
) -> None:
    webhook_id, _ = await site.register(f"{sink.url}/500")
    happened = await fail(site, clock, webhook_id, 4.9 * DAY_S)
    assert await site.status(webhook_id) == "enabled"
    happened += await fail(site, clock, webhook_id, DAY_S)
    assert await site.status(webhook_id) == "disabled"
    assert await site.disabled_reason(webhook_id) == "failing"
    await site.happen()
    await site.turn()
    assert await site.waiting(webhook_id) == 0
    assert await site.kept(webhook_id) == {"failed": happened + 1}


async def test_one_success_resets_the_days_of_failure(
    site: Site, sink: WebhookSink, clock: ManualClock
) -> None:
    webhook_id, _ = await site.register(f"{sink.url}/500")
    await fail(site, clock, webhook_id, 3 * DAY_S)
    sink.statuses["/500"] = 200
    await fail(site, clock, webhook_id, 1)
    sink.statuses.clear()
    await fail(site, clock, webhook_id, 3 * DAY_S)
    assert await site.status(webhook_id) == "enabled"


async def test_a_short_outage_long_after_another_does_not_disable(
    site: Site, sink: WebhookSink, clock: ManualClock
) -> None:
    webhook_id, _ = await site.register(f"{sink.url}/500")
    await site.happen()
    await site.turn()
    await site.attempted(webhook_id, 1)
    await site.writer.submit(queue.give_up_stale, [((site.org_id, webhook_id), 2**62)])
    clock.advance(30 * DAY_S)
    await site.happen()
    await site.turn()
    await site.attempted(webhook_id, 2)
    assert await site.status(webhook_id) == "enabled"


# Rotation and replay.


async def test_previous_secret_verifies_for_24_hours(
    site: Site, sink: WebhookSink, clock: ManualClock
) -> None:
    """F-3."""
    webhook_id, before = await site.register(f"{sink.url}/200")
    now = await site.rotate(webhook_id)
    clock.advance(DAY_S - 1)
    await site.happen()
    await site.turn()
    await site.attempted(webhook_id, 1)
    clock.advance(1)
    await site.happen()
    await site.turn()
    await site.attempted(webhook_id, 2)
    signatures = [call.headers["webhook-signature"].split() for call in sink.calls]
    assert [len(of_call) for of_call in signatures] == [2, 1]
    for call, of_call in zip(sink.calls, signatures, strict=True):
        sent_at = int(call.headers["webhook-timestamp"])
        content = b"%s.%d.%s" % (call.headers["webhook-id"].encode(), sent_at, call.body)
        for secret, signature in zip((now, before), of_call, strict=False):
            key = base64.b64decode(secret.removeprefix("whsec_"))
            assert signature == "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode()


async def test_settled_call_is_replayed_and_its_attempts_continue(site: Site, sink: WebhookSink) -> None:
    """F-3."""
    webhook_id, _ = await site.register(f"{sink.url}/200")
    await site.happen()
    await site.turn()
    attempt = await site.attempted(webhook_id, 1)
    sink.statuses["/200"] = 500
    await site.replay(webhook_id, attempt.event_id)
    await site.turn()
    await site.attempted(webhook_id, 2)
    sink.statuses.clear()
    await site.replay(webhook_id, attempt.event_id)
    await site.turn()
    await site.attempted(webhook_id, 3)
    assert [row.attempt for row in await site.attempts(webhook_id)] == [1, 2, 3]
    assert await site.kept(webhook_id) == {"success": 1}
