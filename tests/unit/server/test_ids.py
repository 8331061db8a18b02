"""Ids are ordered by time, so that a time range is a range of ids (contract row C-30)."""

import time

from server.clock import SystemClock
from server.ids import go_by, is_id, least_id_of, ms_of, new_id
from tests.harness.clock import ManualClock


def test_id_is_between_the_least_ids_of_its_time_and_the_next() -> None:
    before = time.time_ns() // 1_000_000
    id = new_id()
    # One that is made in the same moment as another may be a little ahead of it.
    assert least_id_of(before) <= id < least_id_of(time.time_ns() // 1_000_000 + 1_000)


def test_the_least_id_of_a_time_is_an_id_whatever_the_time() -> None:
    first, last = "0" * 24, "f" * 12 + "0" * 12
    times = {-62_135_596_800_000: first, -1: first, 0: first, 1: f"{1:012x}" + "0" * 12, 1 << 48: last}
    for ms, least in times.items():
        assert (least_id_of(ms), is_id(least)) == (least, True)


def test_ids_go_by_the_clock_of_the_store() -> None:
    """C-93. A clock that goes back makes no id that is less than an earlier one."""
    last = new_id()
    # By little: later ids of this process are never less.
    ahead = ManualClock(ms_of(last) + 200)
    go_by(ahead)
    try:
        assert ms_of(new_id()) == ahead.now_ms()
        ahead.advance(-86_400)
        assert new_id() > last
    finally:
        go_by(SystemClock())
