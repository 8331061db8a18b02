"""The webhook sink's behaviour follows the path."""

import asyncio

import aiohttp
import pytest

from tests.harness.certificates import throw_away
from tests.harness.webhook_sink import WebhookSink


async def test_a_path_chooses_the_status_and_the_call_is_kept_as_it_came() -> None:
    async with WebhookSink() as sink, aiohttp.ClientSession() as session:
        for path, status in [
            ("/ok", 200),
            ("/410", 410),
            ("/503/mine", 503),
            ("/flaky-1", 500),
            ("/flaky-1", 200),
        ]:
            async with session.post(sink.url + path, data=b"\x00raw", headers={"X-Mine": "1"}) as answer:
                assert answer.status == status
        async with session.post(sink.url + "/429/retry-after/7", data=b"") as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
        async with session.get(sink.url + "/redirect?to=http://x.test/", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, "http://x.test/")
    assert sink.calls[0].body == b"\x00raw"
    assert sink.calls[0].headers["x-mine"] == "1"
    assert len(sink.at("/flaky-1")) == 2


@pytest.mark.parametrize("path", ["/hang", "/slow-headers", "/endless"])
async def test_receiver_can_send_an_endless_answer(path: str) -> None:
    async with WebhookSink() as sink, aiohttp.ClientSession() as session:
        with pytest.raises(asyncio.TimeoutError):
            async with session.get(sink.url + path, timeout=aiohttp.ClientTimeout(total=0.3)) as answer:
                await answer.read()


async def test_it_speaks_tls_with_a_throw_away_certificate() -> None:
    trusting = throw_away().client_context()
    async with WebhookSink(tls=True) as sink, aiohttp.ClientSession() as session:
        answer = await session.get(sink.url + "/200", ssl=trusting)
        assert answer.status == 200
        answer.close()
