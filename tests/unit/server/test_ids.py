"""Ids are ordered by time, so that a time range is a range of ids (contract row C-30)."""

import time

from server.ids import is_id, least_id_of, new_id


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
