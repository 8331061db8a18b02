"""The comparison of a stream with the log finds every kind of mistake."""

import pytest

from tests.faults.readers import differences

LOG = ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("streamed", "found"),
    [
        (["a", "c", "b", "d"], "the stream has c at 1, where the log has b"),
        (["a", "b", "d"], "the stream has d at 2, where the log has c"),
        (["b", "c", "d"], "the stream has b at 0, where the log has a"),
        (["a", "b", "x"], "the stream has x at 2, where the log has c"),
        ([*LOG, "x"], "the stream has x at 4, where the log has no event"),
        (["a", "b", "a"], "twice: a"),
    ],
    ids=["swapped", "skipped", "begun late", "foreign", "not in the log", "twice"],
)
def test_mistake_of_the_stream_is_found(streamed: list[str], found: str) -> None:
    assert differences(streamed, LOG) == [found]


@pytest.mark.parametrize("length", range(5))
def test_log_may_go_on_while_it_is_compared(length: int) -> None:
    assert differences(LOG[:length], LOG) == []
