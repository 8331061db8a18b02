"""Times in words (contract row C-72): the moment that is meant, or none."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.emails.phrases import MAX_LENGTH, moment_of

# A Thursday; in New York it is 10:30 then, in Berlin 16:30.
NOW = datetime(2026, 11, 26, 15, 30, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)


@pytest.mark.parametrize(
    ("phrase", "moment"),
    [
        ("in 1 min", "2026-11-26T15:31"),
        ("in 5 mins", "2026-11-26T15:35"),
        ("In  1 Hour", "2026-11-26T16:30"),
        ("in an hour", "2026-11-26T16:30"),
        ("in half an hour", "2026-11-26T16:00"),
        ("in two weeks", "2026-12-10T15:30"),
        ("in 1.5 hours", "2026-11-26T17:00"),
        ("in 1h30m", "2026-11-26T17:00"),
        ("in 1 day, 2 hours and 5 minutes", "2026-11-27T17:35"),
        ("30 days from now", "2026-12-26T15:30"),
        ("tomorrow", "2026-11-27T15:30"),
        ("tomorrow 9am", "2026-11-27T09:00"),
        ("tomorrow at 9:45 P.M.", "2026-11-27T21:45"),
        ("9am tomorrow", "2026-11-27T09:00"),
        ("tomorrow morning", "2026-11-27T09:00"),
        ("day after tomorrow", "2026-11-28T15:30"),
        ("today at 17:00", "2026-11-26T17:00"),
        ("tonight", "2026-11-26T21:00"),
        ("Friday at 3pm ET", "2026-11-27T20:00"),
        ("3pm friday (PT)", "2026-11-27T23:00"),
        ("tomorrow at noon Europe/Berlin", "2026-11-27T11:00"),
        ("thursday at 16:00", "2026-11-26T16:00"),
        ("Thursday at 3pm", "2026-12-03T15:00"),
        ("next monday at 10:00 UTC", "2026-11-30T10:00"),
        ("at midnight", "2026-11-27T00:00"),
        ("16:00", "2026-11-26T16:00"),
        ("12am tomorrow", "2026-11-27T00:00"),
        ("next week", "2026-12-03T15:30"),
        ("2026-12-01 at 9am EST", "2026-12-01T14:00"),
        # Summer time began between now and then.
        ("2027-07-01 at 9am ET", "2027-07-01T13:00"),
    ],
)
def test_phrase_means_a_moment(phrase: str, moment: str) -> None:
    found = moment_of(phrase, NOW_MS)
    assert found is not None
    assert datetime.fromtimestamp(found / 1000, UTC) == datetime.fromisoformat(moment).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "phrase",
    [
        "",
        "soon",
        "10",
        "may",
        "in",
        "in 5",
        "in -5 min",
        "in 1 fortnight",
        "in 5 minutes please",
        "in 1 hour in 2 hours",
        "yesterday",
        "tomorrow at 25:00",
        "tomorrow at 13pm",
        "tomorrow at 9am Nowhere/Nix",
        "tomorrow at 9am ../etc",
        "2026-13-40 at 9am",
        "2026-12-01",
        "1796000000000",
        "in 99999 weeks and 99999 weeks and 99999 weeks and 99999 weeks and 99999 weeks",
        "\N{ARABIC-INDIC DIGIT FIVE} min",
        "in 1 hour" + " " * MAX_LENGTH,
    ],
)
def test_anything_else_means_none(phrase: str) -> None:
    assert moment_of(phrase, NOW_MS) is None


@given(
    st.text(st.sampled_from("in ata1h 0m:,dpo3.thursdytomrwek()/_-"), max_size=MAX_LENGTH),
    st.integers(0, 10**13),
)
def test_no_text_breaks_it(phrase: str, now_ms: int) -> None:
    found = moment_of(phrase, now_ms)
    assert found is None or isinstance(found, int)
