"""The message of a stranger is not read (C-41); the calls of a caller who was just admitted stay cheap."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from server.wire.acquaintances import KNOWN_S, MAX_KNOWN, Acquaintances
from tests.unit.server.wire.services import KINDS
from tests.unit.server.wire.test_interceptors import GOOD, reason_of, running

STRANGER = (("authorization", "Bearer nobody"),)


@pytest.mark.parametrize("method", KINDS)
async def test_stranger_is_refused_although_the_message_never_comes(method: str) -> None:
    async def silent() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    async with running() as service:
        await service.answer(method, "a")
        kind = "stream_stream" if KINDS[method][1] else "stream_unary"
        call: Any = getattr(service.channel, kind)(f"/test.Echo/{method}")(silent(), metadata=STRANGER)
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await (call.read() if KINDS[method][1] else call)
        assert reason_of(failed.value) == "INVALID_CREDENTIALS"


@pytest.mark.parametrize("method", ["Unary", "Watch"])
async def test_call_without_a_message_is_refused(method: str) -> None:
    async def empty() -> AsyncIterator[bytes]:
        for nothing in ():
            yield nothing

    async with running() as service:
        kind = "stream_stream" if KINDS[method][1] else "stream_unary"
        call: Any = getattr(service.channel, kind)(f"/test.Echo/{method}")(empty(), metadata=(GOOD,))
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await (call.read() if KINDS[method][1] else call)
        assert failed.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_caller_whose_key_was_revoked_is_refused_although_it_was_known() -> None:
    async with running() as service:
        await service.answer("Unary", "a")
        service.keys.live.clear()
        assert await service.refusal("Unary", "a") == "INVALID_CREDENTIALS"


def test_admission_counts_for_its_method_and_credentials_for_seconds() -> None:
    now = 100.0
    known = Acquaintances(lambda: now)
    known.add("/a", [GOOD, ("x-request-id", "1")])
    assert known.knows("/a", [("x-request-id", "2"), GOOD])
    assert not known.knows("/b", [GOOD])
    assert not known.knows("/a", STRANGER)
    assert not known.knows("/a", [GOOD, GOOD])
    now += KNOWN_S
    assert not known.knows("/a", [GOOD])


def test_number_of_remembered_admissions_is_bounded() -> None:
    known = Acquaintances()
    for number in range(MAX_KNOWN + 1):
        known.add("/a", [("authorization", str(number))])
    assert not known.knows("/a", [("authorization", "0")])
    assert known.knows("/a", [("authorization", str(MAX_KNOWN))])
