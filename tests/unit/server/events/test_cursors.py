"""Cursors of the log say nothing, and only the installation can make one (C-92)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.events.cursors import Cursors
from server.events.rows import BEGINNING, Place

SECRET = "s" * 32
ORG, OTHER = "0" * 23 + "a", "0" * 23 + "b"
CURSORS = Cursors(SECRET)
PLACES = st.builds(Place, st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))


@given(PLACES)
def test_another_process_with_the_secret_resumes_at_the_place(place: Place) -> None:
    assert Cursors(SECRET).place(ORG, CURSORS.cursor(ORG, place)) == place


def test_no_cursor_is_the_beginning() -> None:
    assert CURSORS.place(ORG, "") == BEGINNING


@given(PLACES, st.integers(1, 1000))
def test_distance_between_cursors_cannot_be_read(place: Place, step: int) -> None:
    """The number of events that other organisations sent meanwhile is no business of mine."""
    first = CURSORS.cursor(ORG, place)
    second = CURSORS.cursor(
        ORG, Place(place.stamp, min(place.seq + step, 2**63 - 1) if place.seq < 2**62 else 0)
    )
    assert len(first) == len(second) == 43
    assert sum(a == b for a, b in zip(first, second, strict=True)) < 20
    assert f"{place.seq:x}" not in first or place.seq < 2**20


@given(PLACES, st.integers(0, 42), st.sampled_from("AQgw-_z0="))
def test_changed_cursor_is_refused(place: Place, position: int, letter: str) -> None:
    cursor = CURSORS.cursor(ORG, place)
    changed = cursor[:position] + letter + cursor[position + 1 :]
    if changed != cursor:
        with pytest.raises(ValueError, match="no cursor"):
            CURSORS.place(ORG, changed)


@pytest.mark.parametrize(
    "cursor", ["x", "0-0", "1-1", "A" * 43, "A" * 42, "é", "\0", "=" * 43, " ", "A" * 10_000]
)
def test_text_that_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ValueError, match="no cursor"):
        CURSORS.place(ORG, cursor)


@given(PLACES)
def test_foreign_cursor_is_refused(place: Place) -> None:
    with pytest.raises(ValueError, match="no cursor"):
        CURSORS.place(ORG, CURSORS.cursor(OTHER, place))
    with pytest.raises(ValueError, match="no cursor"):
        CURSORS.place(ORG, Cursors("t" * 32).cursor(ORG, place))
