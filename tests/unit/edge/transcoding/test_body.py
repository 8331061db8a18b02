"""Reading of request bodies is bounded in memory and time (Z-9)."""

import pytest
from starlette.types import Message

from edge.transcoding.body import DRAINED, Body, ClientGone
from edge.transcoding.status import Failure

CHUNK = b"x" * 65_536
CHUNKED = {b"transfer-encoding": b"chunked"}


class Endless:
    """A client that never stops sending; counts what was taken from it."""

    taken = 0

    async def __call__(self) -> Message:
        self.taken += len(CHUNK)
        return {"type": "http.request", "body": CHUNK, "more_body": True}


async def test_endless_body_is_refused_at_its_limit() -> None:
    client = Endless()
    with pytest.raises(Failure) as caught:
        await Body(client, CHUNKED).read(1_000_000)
    assert caught.value.metadata == {"limit": "1000000"}
    assert client.taken <= 1_000_000 + len(CHUNK)


async def test_an_endless_body_is_drained_up_to_a_limit() -> None:
    client = Endless()
    assert not await Body(client, CHUNKED).drain()
    assert client.taken <= DRAINED + 2 * len(CHUNK)


async def test_chunks_of_a_body_are_joined() -> None:
    parts = iter([(b"ab", True), (b"", True), (b"cd", False)])

    async def receive() -> Message:
        body, more = next(parts)
        return {"type": "http.request", "body": body, "more_body": more}

    assert await Body(receive, CHUNKED).read(4) == b"abcd"


async def test_disconnect_during_a_body_is_detected() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientGone):
        await Body(receive, CHUNKED).read(10)


async def test_missing_body_is_not_awaited() -> None:
    body = Body(Endless(), {})
    assert await body.read(10) == b""
    assert await body.drain()
