"""When a call is made again, and what is recorded of each attempt (contract row C-33)."""

import asyncio

import orjson
import pytest

from tests.harness.clock import START_MS, ManualClock
from tests.harness.webhook_sink import WebhookSink
from tests.webhooks.site import Site

# The longest that the schedule and its jitter make the nth repetition wait, in seconds.
LONGEST_S = [6, 360, 2160, 8640, 21_600, 43_200, 60_480, 86_400, 103_680]


async def test_a_call_that_is_taken_is_made_once(site: Site, sink: WebhookSink) -> None:
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


async def test_the_tenth_failure_is_the_last(site: Site, sink: WebhookSink, clock: ManualClock) -> None:
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


async def test_a_receiver_may_ask_for_twice_the_delay(
    site: Site, sink: WebhookSink, clock: ManualClock
) -> None:
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


async def test_a_redirect_is_a_failure_and_nobody_is_called_behind_it(site: Site, sink: WebhookSink) -> None:
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
async def test_no_answer_is_recorded_in_a_word_and_repeated(
    site: Site, sink: WebhookSink, order: str, error: str
) -> None:
    webhook_id, _ = await site.register(f"{sink.url}/{order}")
    await site.happen()
    await site.turn()
    attempt = await site.attempted(webhook_id, 1)
    assert (attempt.status_code, attempt.error) == (None, error)
    assert attempt.detail
    assert attempt.next_at is not None


async def test_an_answer_that_is_no_http_is_recorded_whatever_its_bytes(site: Site) -> None:
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


async def test_each_recipients_events_are_told(site: Site, sink: WebhookSink) -> None:
    await site.register(f"{sink.url}/200", "email.delivered", "email.bounced")
    email_id = await site.happen("email.sent", "email.delivered", "email.bounced")
    await site.turn()
    await site.stop()
    told = [orjson.loads(call.body) for call in sink.calls]
    assert sorted(body["type"] for body in told) == ["email.bounced", "email.delivered"]
    assert {body["data"]["email_id"] for body in told} == {email_id}
