"""The checker finds each kind of broken promise, and nothing else."""

from dataclasses import replace

import pytest

from tests.histories.checker import violations
from tests.histories.history import Called, Cancel, History, Send

GOOD = History(
    sends=[Send("a", "yes"), Send("b", "no"), Send("c", "unknown")],
    cancels=[Cancel("d", "yes"), Cancel("e", "no"), Cancel("f", "unknown")],
    taken=("a", "e", "f"),
    readings={"stream": ("1", "2", "3"), "list": ("1", "2", "3")},
    log=("1", "2", "3"),
    types={"1": "email.sent", "2": "email.delivered", "3": "email.sent"},
    webhook=("1", "2", "3", "3"),
    called=[Called("/moved", "1", 5.0), Called("/moved", "2", 5.5)],
    abandoned={"/moved": 5.0},
    limit=2,
    limited=[Send("g", "yes"), Send("h", "yes"), Send("i", "no")],
    counted={"sent": 7, "delivered": 1, "bounced": 0},
)


def test_history_that_keeps_every_promise_is_clean() -> None:
    assert violations(GOOD) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"taken": ("e", "f")}, "a was promised, and never arrived"),
        ({"taken": ("a", "f")}, "e was promised, and never arrived"),
        ({"taken": ("a", "b", "e")}, "b was refused or cancelled, and arrived"),
        ({"taken": ("a", "d", "e")}, "d was refused or cancelled, and arrived"),
        ({"taken": ("a", "a", "e")}, "a arrived 2 times, and no event says so"),
        ({"taken": ("a", "e", "c", "c")}, "c arrived 2 times, and no event says so"),
        ({"readings": {"stream": ("1", "2", "2", "3")}}, "stream got 2 2 times"),
        ({"readings": {"stream": ("1", "3")}}, "stream never got 2"),
        ({"readings": {"stream": ("1", "2", "3", "9")}}, "stream got 9, which is not in the log"),
        (
            {"readings": {"stream": ("2", "1", "3")}},
            "stream got the events in another order than the log has them",
        ),
        (
            {"webhook": ("1", "3")},
            "the webhook was never called about 2",
        ),
        ({"abandoned": {"/moved": 4.4}}, "/moved was called 1.1 s after it had been given up"),
        ({"limit": 1}, "2 sends were accepted, of 1"),
        ({"limit": 3}, "1 sends were refused, though only 2 of 3 were accepted"),
        ({"counted": {"delivered": 2}}, "statistics count 2 delivered, the log holds 1"),
    ],
)
def test_broken_promise_is_found(change: dict[str, object], found: str) -> None:
    assert violations(replace(GOOD, **change)) == [found]  # type: ignore[arg-type]


def test_second_copy_may_come_if_an_event_says_so() -> None:
    assert violations(replace(GOOD, taken=("a", "a", "e"), flagged=frozenset("a"))) == []


def test_places_that_are_perhaps_taken_may_be_refused() -> None:
    limited = [Send("g", "yes"), Send("h", "unknown"), Send("i", "no")]
    assert violations(replace(GOOD, limited=limited)) == []
