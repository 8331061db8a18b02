"""Large messages wait their turn for memory, in their order, and none is forgotten."""

import asyncio

import pytest

from edge.smtp.budget import Budget


async def waiting(budget: Budget, size: int) -> asyncio.Task[None]:
    """A message that waits for its turn, or has it."""
    task = asyncio.create_task(budget.take(size))
    await asyncio.sleep(0)
    return task


async def test_messages_go_on_as_there_is_room_in_their_order() -> None:
    budget = Budget(10)
    await budget.take(6)
    large, small = await waiting(budget, 8), await waiting(budget, 2)
    # The small one fits, and would hold up the large one for as long as others like it come.
    assert not large.done()
    assert not small.done()
    budget.give_back(6)
    await asyncio.gather(large, small)
    third = await waiting(budget, 1)
    assert not third.done()
    budget.give_back(2)
    await third


async def test_message_that_is_larger_than_all_waits_for_all() -> None:
    budget = Budget(10)
    await budget.take(1)
    huge = await waiting(budget, 100)
    assert not huge.done()
    budget.give_back(1)
    await huge
    budget.give_back(100)
    await budget.take(10)


@pytest.mark.parametrize("is_granted", [False, True])
async def test_message_that_gives_up_holds_up_no_other(is_granted: bool) -> None:
    """Before its turn, and in the moment in which it gets it."""
    budget = Budget(10)
    await budget.take(10)
    first, second = await waiting(budget, 10), await waiting(budget, 10)
    if is_granted:
        budget.give_back(10)
        first.cancel()
    else:
        first.cancel()
        await asyncio.sleep(0)
        budget.give_back(10)
    await second
    assert first.cancelled()
