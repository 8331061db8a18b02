"""A call that was refused leaves none of its request in memory, although no collector comes by (C-41)."""

import asyncio
import contextlib
import tracemalloc

import grpc
import pytest

from tests.unit.server.wire.services import KINDS
from tests.unit.server.wire.test_interceptors import GOOD, Service, running, text

BODY = text("x" * 2**20)
CALLS = 12
# Of the bodies of all calls, those that may still be there: of the last call, and of its client.
KEPT = 3


async def kept_of(service: Service, method: str, body: bytes, metadata: tuple[tuple[str, str], ...]) -> float:
    """The bodies that stay in memory after a number of calls, which all fail."""

    async def call() -> None:
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.TimeoutError):
            await service.answer(method, body, metadata=metadata)

    await call()
    await call()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(CALLS):
        await call()
    after, _ = tracemalloc.get_traced_memory()
    return (after - before) / len(BODY)


REFUSALS = {
    "no credential": (BODY, ()),
    "wrong credential": (BODY, (("authorization", "Bearer nobody"),)),
    "wrong permission": (BODY, (("authorization", "Bearer sender"),)),
    "too large": (BODY * 3, (GOOD,)),
    "malformed": (b"\xff" * len(BODY), (GOOD,)),
    "fault": (text("refuse" + "x" * 2**20), (GOOD,)),
    "unexpected": (text("fail" + "x" * 2**20), (GOOD,)),
}


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize(
    ("method", "refusal"),
    # A stream has no size, and its messages are checked by their method.
    [(method, name) for method in KINDS for name in REFUSALS if name != "too large" or not KINDS[method][0]],
)
async def test_refused_call_leaves_no_memory_behind(method: str, refusal: str) -> None:
    async with running() as service:
        assert await kept_of(service, method, *REFUSALS[refusal]) < KEPT
