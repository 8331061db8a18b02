"""Memory for what is large: organisations have shares of it, and a call waits for its turn a short while."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.faults import Unavailable
from server.turns import Turns

# The time that a call waits for its memory, and the time after which its client may try again, in seconds.
WAIT_S = 5.0
RETRY_AFTER_S = 2.0


@asynccontextmanager
async def taken(memory: Turns, org_id: str, size: int) -> AsyncIterator[None]:
    """An organisation's bytes of the memory, for the time of the block. Raises `Unavailable`."""
    try:
        async with asyncio.timeout(WAIT_S):
            await memory.take(org_id, size)
    except TimeoutError:
        raise Unavailable(RETRY_AFTER_S) from None
    try:
        yield
    finally:
        memory.give_back(org_id, size)
