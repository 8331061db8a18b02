"""The states of accounts follow from their rates (S-19, S-20, C-43, C-60, C-69)."""

from fractions import Fraction
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.account_health.rules import (
    HOUR_MS,
    STATES,
    Counts,
    Standing,
    State,
    Thresholds,
    first_hour,
    heals_at,
    hourly_counts,
    is_better,
    is_healed,
    judge,
    reasons_decided,
)

THRESHOLDS = Thresholds(Fraction("0.04"), Fraction("0.0008"), window_hours=168, least_sent=100)
HEALTHY = Standing("healthy")
HOUR = 500_000
NOW_MS = HOUR * HOUR_MS


def counts(sent: int, bounced: int = 0, complained: int = 0) -> Counts:
    """Counts of which all that did not bounce was delivered."""
    return Counts(sent, sent - bounced, bounced, complained)


@pytest.mark.parametrize(
    ("window", "state", "reasons"),
    [
        (counts(100, 4), "paused", ["bounce_rate"]),
        (counts(100, 3), "review", ["bounce_rate"]),
        (counts(100, 2), "review", ["bounce_rate"]),
        (counts(100, 1), None, []),
        (counts(1_000, 39), "review", ["bounce_rate"]),
        (counts(1_000, 40), "paused", ["bounce_rate"]),
        (counts(1_000, 19), None, []),
        (counts(2_500, 0, 2), "paused", ["complaint_rate"]),
        (counts(2_501, 0, 2), "review", ["complaint_rate"]),
        (counts(2_500, 0, 1), "review", ["complaint_rate"]),
        (counts(2_501, 0, 1), None, []),
        (counts(100, 4, 1), "paused", ["bounce_rate", "complaint_rate"]),
        # The reasons are those of the state: half of the bounce rate is no reason for a pause.
        (counts(2_500, 50, 2), "paused", ["complaint_rate"]),
        # Too few to say anything.
        (counts(99, 99, 1), None, []),
        (counts(0), None, []),
    ],
)
def test_state_follows_from_the_rates_of_the_window(
    window: Counts, state: State | None, reasons: list[str]
) -> None:
    verdict = judge(HEALTHY, window, THRESHOLDS)
    assert (verdict and verdict.state, list(verdict.reasons) if verdict else []) == (state, reasons)


@pytest.mark.parametrize("state", ["paused", "banned"])
def test_rates_neither_change_nor_lift_what_is_as_bad(state: State) -> None:
    assert judge(Standing(state), counts(100, 100), THRESHOLDS) is None
    assert judge(Standing(state), counts(100_000), THRESHOLDS) is None


def test_account_under_review_is_paused_and_keeps_the_operators_reason() -> None:
    reviewed = Standing("review", ("policy",), "a list that was bought")
    assert judge(reviewed, counts(100, 2), THRESHOLDS) is None
    assert judge(reviewed, counts(100, 4), THRESHOLDS) == ("paused", ("bounce_rate", "policy"))


def test_rate_without_a_limit_is_not_judged() -> None:
    lenient = Thresholds(None, None, window_hours=168, least_sent=1)
    assert judge(HEALTHY, counts(100, 100, 0), lenient) is None
    assert judge(HEALTHY, counts(100, 0, 100), lenient) is None


@given(
    sent=st.integers(100, 10**7),
    bounced=st.integers(0, 10**6),
    complained=st.integers(0, 10**6),
    present=st.sampled_from(STATES),
)
def test_no_judgement_makes_an_account_better(
    sent: int, bounced: int, complained: int, present: State
) -> None:
    verdict = judge(Standing(present), counts(sent, min(bounced, sent), complained), THRESHOLDS)
    assert verdict is None or (is_better(present, verdict.state) and verdict.state != "banned")


@given(sent=st.integers(100, 10**6), bounced=st.integers(0, 10**5))
def test_limit_is_exact(sent: int, bounced: int) -> None:
    """Whole numbers decide: 4 of 100 is 4 %, and 3,999 of 100,000 is not."""
    bounced = min(bounced, sent)
    verdict = judge(HEALTHY, counts(sent, bounced), THRESHOLDS)
    wanted = "paused" if bounced * 100 >= sent * 4 else "review" if bounced * 100 >= sent * 2 else None
    assert (verdict and verdict.state) == wanted


@given(now_ms=st.integers(0, 10**14), hours=st.integers(1, 2160), ago_ms=st.integers(0, 10**10))
def test_window_has_its_number_of_hours_with_the_present_one(now_ms: int, hours: int, ago_ms: int) -> None:
    first = first_hour(now_ms, hours)
    assert now_ms // HOUR_MS - first + 1 == hours
    hour = (now_ms - ago_ms) // HOUR_MS
    if hour >= first:
        assert ago_ms < hours * HOUR_MS
    else:
        assert ago_ms > (hours - 1) * HOUR_MS


@pytest.mark.parametrize(
    ("standing", "hours", "last", "healed"),
    [
        (Standing("review", ("bounce_rate",)), 24, counts(0), True),
        (Standing("review", ("bounce_rate",)), 23, counts(0), False),
        (Standing("review", ("bounce_rate",)), 24, counts(1_000, 19), True),
        (Standing("review", ("bounce_rate",)), 24, counts(1_000, 20), False),
        # Few are enough to say that it goes on.
        (Standing("review", ("bounce_rate",)), 24, counts(10, 1), False),
        (Standing("review", ("complaint_rate",)), 48, counts(10, 0, 1), False),
        (Standing("review", ("complaint_rate", "policy")), 240, counts(0), False),
        (Standing("paused", ("bounce_rate",)), 240, counts(0), False),
        (Standing("banned", ("policy",)), 240, counts(0), False),
    ],
)
def test_account_under_review_heals_after_24_clean_hours(
    standing: Standing, hours: int, last: Counts, healed: bool
) -> None:
    since = NOW_MS - hours * HOUR_MS
    assert is_healed(standing, since, last, THRESHOLDS, NOW_MS) is healed
    if healed:
        assert heals_at(standing, since) == since + 24 * HOUR_MS


@pytest.mark.parametrize(
    ("before", "state", "reasons"),
    [
        ("healthy", "review", ("policy",)),
        ("healthy", "paused", ("policy",)),
        ("review", "banned", ("policy",)),
        ("paused", "paused", ("policy",)),
        ("paused", "review", ()),
        ("banned", "paused", ()),
        ("banned", "healthy", ()),
    ],
)
def test_operators_decision_has_policy_as_its_reason_unless_it_helps(
    before: State, state: State, reasons: tuple[str, ...]
) -> None:
    assert reasons_decided(before, state) == reasons


def test_reasons_are_said_in_sentences() -> None:
    both = Standing("paused", ("bounce_rate", "policy"), "A list that was bought.")
    assert both.why == (
        "Too many of the addresses that it wrote to do not exist. The operator decided so. "
        "The operator's note: A list that was bought."
    )
    assert Standing("paused").why == "The reason was not recorded."


class Happened(NamedTuple):
    """An entry of the log."""

    type: str
    recipient: str
    counts_as: str | None = None
    created_at: int = NOW_MS
    test: bool = False
    org_id: str = "org"
    email_id: str = "email"


def delivered(recipient: str = "ada", **values: int) -> Happened:
    return Happened("email.delivered", recipient, "delivered", **values)


def bounced(recipient: str = "ada", counts_as: str | None = "bounced") -> Happened:
    return Happened("email.bounced", recipient, counts_as)


COMPLAINED = Happened("email.complained", "ada", "complained")


@pytest.mark.parametrize(
    ("earlier", "new", "wanted"),
    [
        ([], [delivered()], Counts(1, 1, 0, 0)),
        ([], [bounced()], Counts(1, 0, 1, 0)),
        ([], [bounced(counts_as="refused")], Counts(1, 0, 0, 0)),
        ([], [delivered("ada"), bounced("bob")], Counts(2, 1, 1, 0)),
        # A message that was taken and returned was sent once.
        ([], [delivered(), bounced()], Counts(1, 1, 1, 0)),
        ([delivered()], [bounced()], Counts(0, 0, 1, 0)),
        ([delivered()], [COMPLAINED], Counts(0, 0, 0, 1)),
        # A complaint that overtakes the record of its delivery.
        ([], [COMPLAINED], Counts(1, 1, 0, 1)),
        ([COMPLAINED], [bounced()], Counts(0, 0, 1, 0)),
    ],
)
def test_recipient_is_sent_to_once(earlier: list[Happened], new: list[Happened], wanted: Counts) -> None:
    assert hourly_counts(earlier, new) == {("org", HOUR): wanted}


@pytest.mark.parametrize(
    "new",
    [
        delivered()._replace(counts_as=None),
        delivered()._replace(test=True),
        bounced()._replace(test=True),
        COMPLAINED._replace(test=True),
        Happened("email.sent", ""),
        Happened("email.delivery_delayed", "ada"),
        Happened("email.failed", "ada"),
    ],
)
def test_test_mail_and_what_no_receiver_said_do_not_count(new: Happened) -> None:
    """C-58, C-60."""
    assert hourly_counts([], [new]) == {}


def test_hours_and_organisations_are_counted_apart() -> None:
    new = [
        delivered(),
        delivered("bob", created_at=NOW_MS + HOUR_MS - 1),
        delivered("eve")._replace(org_id="b"),
    ]
    late = delivered("dan", created_at=NOW_MS + HOUR_MS)
    assert hourly_counts([], [*new, late]) == {
        ("org", HOUR): Counts(2, 2),
        ("b", HOUR): Counts(1, 1),
        ("org", HOUR + 1): Counts(1, 1),
    }
