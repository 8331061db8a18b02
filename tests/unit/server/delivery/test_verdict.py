"""Outcomes of replies, and the retries that follow (RFC 5321 section 4.2.1, RFC 3463, section 4.5.4.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.delivery.verdict import (
    MAX_TEXT,
    RetryPolicy,
    Stage,
    Verdict,
    demands_tls,
    impossible,
    is_too_many,
    judge,
    unanswered,
    unfit,
    unreachable,
)

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
PATIENCE = RetryPolicy(lifetime_ms=4 * DAY, uncertain_ms=10 * MINUTE)
START = 1_800_000_000_000


@pytest.mark.parametrize(
    ("stage", "code", "status", "verdict"),
    [
        (Stage.DOT, 250, "2.0.0", Verdict.DELIVERED),
        (Stage.RCPT, 550, "5.1.1", Verdict.BOUNCED),
        (Stage.RCPT, 550, "", Verdict.BOUNCED),
        (Stage.DOT, 554, "5.7.1", Verdict.BOUNCED),
        (Stage.RCPT, 451, "4.7.1", Verdict.DEFERRED),
        (Stage.RCPT, 421, "", Verdict.DEFERRED),
        # About us, not about the recipient.
        (Stage.GREETING, 554, "5.7.1", Verdict.DEFERRED),
        (Stage.GREETING, 550, "", Verdict.DEFERRED),
        # The enhanced code outranks the basic one, and whoever contradicts himself is asked again.
        (Stage.RCPT, 550, "4.2.1", Verdict.DEFERRED),
        (Stage.RCPT, 450, "5.1.1", Verdict.DEFERRED),
        # A code that no rule allows here.
        (Stage.DOT, 354, "", Verdict.DEFERRED),
    ],
)
def test_a_reply_has_one_meaning(stage: Stage, code: int, status: str, verdict: Verdict) -> None:
    assert judge(stage, code, status, "text", "mx.test").verdict is verdict


def test_a_reply_without_an_enhanced_code_gets_one_of_its_class() -> None:
    assert judge(Stage.RCPT, 550, "", "", "").status == "5.1.0"
    assert judge(Stage.DOT, 451, "", "", "").status == "4.0.0"
    assert judge(Stage.RCPT, 552, "", "", "").status == "5.2.2"
    assert judge(Stage.MAIL, 552, "", "", "").status == "5.3.4"
    assert judge(Stage.RCPT, 503, "", "", "").status == "5.5.1"


def test_no_refusal_is_final_on_a_connection_that_is_not_what_it_should_be() -> None:
    for stage in Stage:
        outcome = judge(stage, 550, "5.1.1", "no such user", "mx.test", may_pass=True)
        assert (outcome.verdict, outcome.code, outcome.is_open) == (Verdict.DEFERRED, 550, True)


def test_another_host_is_asked_after_a_deferral_and_after_what_one_host_cannot_do() -> None:
    assert judge(Stage.DOT, 451, "", "", "").is_open
    assert judge(Stage.MAIL, 552, "5.3.4", "", "").is_open
    assert unreachable("4.4.1", "").is_open
    assert unfit("5.3.4", "", "").is_open
    assert not judge(Stage.DOT, 552, "5.3.4", "", "").is_open
    assert not judge(Stage.RCPT, 550, "5.1.1", "", "").is_open
    assert not judge(Stage.DOT, 250, "", "", "").is_open
    assert not impossible("5.1.2", "").is_open
    assert not unanswered("", "").is_open


@pytest.mark.parametrize(
    ("code", "status", "text"),
    [
        (530, "", "no"),
        (538, "5.7.11", "no"),
        (550, "5.7.10", "no"),
        (554, "5.7.0", "Must issue a starttls command"),
    ],
)
def test_demand_for_tls_is_recognised(code: int, status: str, text: str) -> None:
    assert demands_tls(code, status, text)
    assert not demands_tls(550, "5.7.1", "unwanted")


@pytest.mark.parametrize(
    ("code", "status"), [(452, ""), (452, "4.5.3"), (451, "4.5.3"), (552, ""), (550, "5.5.3")]
)
def test_limit_of_recipients_is_recognised(code: int, status: str) -> None:
    assert is_too_many(code, status)
    assert not is_too_many(550, "5.1.1")


def test_text_of_a_reply_is_truncated() -> None:
    assert judge(Stage.DOT, 550, "5.7.1", "x" * 5000, "").text == "x" * MAX_TEXT


@pytest.mark.parametrize(("attempts", "wait"), [(1, MINUTE), (2, 5 * MINUTE), (7, 4 * HOUR), (40, 4 * HOUR)])
def test_each_attempt_waits_longer(attempts: int, wait: int) -> None:
    due = PATIENCE.next_due(START, START, attempts, uncertain=False, chance=lambda: 0.5)
    assert due == START + wait


def test_an_uncertain_attempt_waits_ten_minutes_at_least() -> None:
    for chance in (0.0, 0.5, 1.0):
        due = PATIENCE.next_due(START, START, 1, uncertain=True, chance=lambda value=chance: value)
        assert due is not None
        assert START + 10 * MINUTE <= due <= START + 12 * MINUTE


def test_delay_after_uncertain_attempts_grows() -> None:
    waits = [
        PATIENCE.next_due(0, 0, attempts, uncertain=True, chance=lambda: 0.0) for attempts in (1, 2, 3, 90)
    ]
    assert waits == [10 * MINUTE, 20 * MINUTE, 40 * MINUTE, 4 * HOUR]


def test_the_last_attempt_is_at_the_end_of_the_lifetime_and_none_after_it() -> None:
    end = START + 4 * DAY
    assert PATIENCE.next_due(end - MINUTE, START, 30, uncertain=False) == end
    assert PATIENCE.next_due(end, START, 31, uncertain=False) is None


@given(st.integers(0, 5 * DAY), st.integers(1, 1000), st.booleans(), st.floats(0, 1, exclude_max=True))
def test_the_next_attempt_is_always_in_the_future_and_bounded(
    age: int, attempts: int, uncertain: bool, chance: float
) -> None:
    now = START + age
    due = PATIENCE.next_due(now, START, attempts, uncertain=uncertain, chance=lambda: chance)
    assert (due is None) == (age >= 4 * DAY)
    if due is not None:
        assert now < due <= START + 4 * DAY + (5 * HOUR if uncertain else 1000)
