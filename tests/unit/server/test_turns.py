"""Shared resources: every owner finds room, owners take turns, and nobody who leaves keeps anything."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.turns import GREED, Shares, Turns

OWNERS = "abcde"


@pytest.mark.parametrize(("size", "alone"), [(1, 1), (2, 1), (4, 3), (8, 6), (64, 48)])
def test_owner_alone_gets_three_quarters_and_leaves_the_rest(size: int, alone: int) -> None:
    shares = Shares(size)
    while shares.fits("a"):
        shares.take("a")
    assert shares.held("a") == alone
    assert shares.fits("b") is (size > 1)


def test_two_owners_that_want_all_leave_room_for_a_third() -> None:
    shares = Shares(70)
    for _ in range(70):
        for owner in "ab":
            if shares.fits(owner):
                shares.take(owner)
    assert (shares.held("a"), shares.held("b")) == (30, 30)
    assert shares.room("c") > 1


@given(
    size=st.integers(1, 300),
    most=st.integers(1, 300),
    steps=st.lists(st.tuples(st.sampled_from(OWNERS), st.booleans()), max_size=300),
)
def test_no_owner_takes_more_than_its_share_and_the_first_unit_is_always_given(
    size: int, most: int, steps: list[tuple[str, bool]]
) -> None:
    shares = Shares(size, most=most)
    held: Counter[str] = Counter()
    for owner, takes in steps:
        free = size - held.total()
        assert (shares.free, shares.held(owner)) == (free, held[owner])
        assert (shares.room(owner) > 0) is shares.fits(owner)
        if not held[owner]:
            assert shares.fits(owner) is (free > 0)
        if takes and shares.fits(owner):
            shares.take(owner)
            held[owner] += 1
            assert held[owner] <= most
            assert held[owner] == 1 or held[owner] <= GREED * (size - held.total())
        elif not takes and held[owner]:
            shares.give_back(owner)
            held[owner] -= 1


@given(size=st.integers(1, 400), held=st.integers(0, 400), others=st.integers(0, 400))
def test_room_is_as_much_as_can_be_taken_one_by_one(size: int, held: int, others: int) -> None:
    shares = Shares(size)
    shares.take("a", min(held, size))
    shares.take("b", min(others, size - shares.held("a")))
    together, one_by_one = shares.room("a"), shares.copy()
    count = 0
    while one_by_one.fits("a"):
        one_by_one.take("a")
        count += 1
    assert together == count
    assert shares.taken == min(held, size) + min(others, size - min(held, size))


async def test_lines_are_served_in_turn_however_long_one_is() -> None:
    turns = Turns(2)
    served: list[str] = []
    await turns.take("holder")
    await turns.take("other")

    async def wait(owner: str) -> None:
        await turns.take(owner)
        served.append(owner)

    tasks = [asyncio.create_task(wait(owner)) for owner in ["a"] * 6 + ["b"] * 2 + ["c"]]
    await asyncio.sleep(0)
    turns.give_back("other")
    for _ in tasks:
        await asyncio.sleep(0)
        turns.give_back(served[-1])
    await asyncio.gather(*tasks)
    assert "".join(served) == "abcabaaaa"


async def test_one_owner_cannot_keep_another_from_the_last_slot() -> None:
    turns = Turns(4)
    greedy = [asyncio.create_task(turns.take("greedy")) for _ in range(10)]
    await asyncio.sleep(0)
    assert sum(task.done() for task in greedy) == 3
    async with asyncio.timeout(0):
        await turns.take("modest")
    for task in greedy:
        task.cancel()


async def test_time_limit_covers_the_wait_and_what_waited_is_forgotten() -> None:
    turns = Turns(1)
    await turns.take("a")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0), turns.of("b"):
            pytest.fail("there was no slot")
    turns.give_back("a")
    async with asyncio.timeout(0), turns.of("c"):
        pass


async def test_slot_that_comes_free_as_its_waiter_is_cancelled_goes_to_the_next() -> None:
    turns = Turns(1)
    await turns.take("a")
    first, second = asyncio.create_task(turns.take("b")), asyncio.create_task(turns.take("b"))
    await asyncio.sleep(0)
    first.cancel()
    turns.give_back("a")
    await second
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_waiter_that_is_served_and_cancelled_at_once_gives_its_slot_to_the_next() -> None:
    turns = Turns(1)
    await turns.take("a")
    first, second = asyncio.create_task(turns.take("b")), asyncio.create_task(turns.take("c"))
    await asyncio.sleep(0)
    turns.give_back("a")
    first.cancel()
    await second
    assert first.cancelled() or await asyncio.gather(first, return_exceptions=True)


@given(st.data())
def test_every_waiter_is_served_or_gone_in_the_end(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 6))
    plan = data.draw(
        st.lists(st.tuples(st.sampled_from(OWNERS), st.integers(1, size), st.booleans()), max_size=40)
    )

    async def run() -> None:
        turns, running = Turns(size), Counter[str]()

        async def use(owner: str, units: int) -> None:
            async with turns.of(owner, units):
                running[owner] += units
                assert running.total() <= size
                await asyncio.sleep(0)
                running[owner] -= units

        tasks = []
        for owner, units, is_cancelled in plan:
            tasks.append(asyncio.create_task(use(owner, units)))
            await asyncio.sleep(0)
            if is_cancelled:
                tasks[len(tasks) // 2].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # Nothing is left taken: all of it can be taken at once.
        async with asyncio.timeout(0):
            await turns.take("last", size)

    asyncio.run(run())
