"""Every pair of a recipient's statuses is a transition, a repeated report, or illegal."""

from typing import get_args

import pytest

from server.emails.lifecycle import (
    BEGINNINGS,
    EMAIL_EVENTS,
    RECIPIENT_EVENTS,
    REPEATED,
    TRANSITIONS,
    Effect,
    Status,
    effect_of,
)
from server.events.statuses import email_status

STATUSES: tuple[Status, ...] = get_args(Status)
# The effect of each new status, in the order of `STATUSES`, by the present one: applied (A), repeated (R) or
# illegal (.).
EXPECTED = {
    # scheduled, queued, delivery_delayed, sent, delivered, bounced, failed, suppressed, complained, canceled
    "scheduled": ". A . . . . A A . A",
    "queued": ". . A A A A A A A .",
    "delivery_delayed": ". . A A A A A A A .",
    "sent": ". . A R A A A . A .",
    "delivered": ". . . . R A . . A .",
    "bounced": ". . . . . R . . A .",
    "failed": ". . . . . A . . A .",
    "suppressed": ". . . . . . . . . .",
    "complained": ". . . . . A . . R .",
    "canceled": ". . . . . . . . . .",
}
EFFECTS = {"A": Effect.APPLIED, "R": Effect.REPEATED, ".": Effect.ILLEGAL}


@pytest.mark.parametrize("present", STATUSES)
def test_every_pair_of_statuses_has_its_effect(present: Status) -> None:
    effects = [EFFECTS[letter] for letter in EXPECTED[present].split()]
    assert {new: effect_of(present, new) for new in STATUSES} == dict(zip(STATUSES, effects, strict=True))


def test_no_transition_is_also_a_repetition() -> None:
    assert not TRANSITIONS.keys() & REPEATED.keys()
    assert all(present == new for present, new in REPEATED)


def test_every_transition_has_a_sentence_of_its_own() -> None:
    sentences = [*BEGINNINGS.values(), *TRANSITIONS.values(), *REPEATED.values()]
    assert all(sentence.endswith(".") for sentence in sentences)
    assert len(set(sentences)) == len(sentences)


def test_every_status_can_be_reached_from_a_beginning() -> None:
    reached = set(BEGINNINGS)
    for _ in STATUSES:
        reached |= {new for present, new in TRANSITIONS if present in reached}
    assert reached == set(STATUSES)


def test_every_status_but_that_of_a_provider_is_an_event() -> None:
    assert set(STATUSES) - {"sent"} == EMAIL_EVENTS.keys() | RECIPIENT_EVENTS.keys()
    assert not EMAIL_EVENTS.keys() & RECIPIENT_EVENTS.keys()


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_its_place_in_the_order_of_an_emails_statuses(status: Status) -> None:
    """`sent` too: the outcome is to come, but an email with an attempt to come waits for that."""
    assert email_status({status}) == status
    assert email_status({status, "queued"}) in {"queued", "delivery_delayed"}
    if status not in {"scheduled", "queued", "delivery_delayed"}:
        assert email_status({status, "sent"}) == "sent"
