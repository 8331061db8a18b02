"""The order of the rules of admission, and what each email changes for the next one (C-41)."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.account_health.rules import Standing
from server.emails.admission import Admission, Admitted, Refusal
from server.emails.admission_rules import RULES, Moment, RuleName
from server.emails.candidate import Candidate, Facts, IdempotencyKey, Remembered
from server.emails.faults import DomainNotAllowed, IdempotencyKeyReused
from server.faults import ValidationFailed, Violation
from server.quotas.faults import (
    BurstLimitExceeded,
    DailyQuotaExceeded,
    LimitExceeded,
    MonthlyQuotaExceeded,
    RecipientCapExceeded,
    WarmUpLimitExceeded,
)
from server.quotas.rules import AccountLimits, Limits, Periods, Used

NOW_MS = int(datetime(2026, 11, 22, 23, 59, 58, 500_000, UTC).timestamp() * 1000)
EnvelopeMoment: TypeAlias = Literal["sender", "recipient"]
# The moments at which a whole email is decided about.
MOMENTS: Sequence[Moment] = [moment for moment in get_args(Moment) if moment not in get_args(EnvelopeMoment)]
ORG, DOMAIN, ADA, BOB = "org", "mail.example.com", "ada@example.net", "bob@example.net"
KEY = IdempotencyKey(ORG, "send", "k")
LIMITS = Limits("pro", None, None, overage=False, unique=None, burst=None, attachment_bytes=10, warm_up=None)
LIMIT_NAMES = {field.name for field in fields(Limits)}
CANDIDATE_NAMES = {field.name for field in fields(Candidate)}

# The values with which an email breaks each rule.
BREAKS: Mapping[RuleName, Mapping[str, Any]] = {
    "idempotency key": {"answers": {KEY: Remembered(b"of another request", b"")}},
    "request": {"refusal": ValidationFailed([Violation("scheduled_at", "is past")])},
    "attachments": {"attachment_bytes": 2},
    "account": {"state": "paused"},
    "key's domains": {"allowed_domains": {"other.example.com"}},
    "domain": {"domain_ids": {}},
    "sandbox": {"sandbox": True},
    "suppression": {"suppressed": {(ORG, ADA)}},
    "burst": {"burst": 0},
    "warm-up": {"warm_up": 0},
    "daily": {"daily": 0},
    "monthly": {"monthly": 0},
    "unique": {"unique": 0},
    "waiting": {"scheduled_at": NOW_MS + 1, "scheduled": 0},
    "test mail": {"test": True, "test_emails": 0},
}
REQUEST_RULES: list[RuleName] = ["idempotency key", "request", "attachments"]
LATER_RULES: list[RuleName] = ["sandbox", "suppression", "burst", "warm-up", "daily", "monthly", "unique"]
OWNED_RULES: list[RuleName] = ["waiting", "test mail"]
# The order of C-41 at each moment.
ORDER: Mapping[Moment, list[RuleName]] = {
    "accept": [*REQUEST_RULES, "account", "key's domains", "domain", *LATER_RULES, *OWNED_RULES],
    "accept_next": [
        *REQUEST_RULES,
        *("account", "key's domains", "domain"),
        *(rule for rule in LATER_RULES if rule != "burst"),
        *OWNED_RULES,
    ],
    "fetch": [*REQUEST_RULES, "account", "key's domains", "domain", *OWNED_RULES],
    # Scheduled mail has paid burst before (C-88).
    "release": ["account", "domain", *(rule for rule in LATER_RULES if rule != "burst")],
}
# The same of the parts of an envelope whose message is still to come (C-31).
ENVELOPE_ORDER: Mapping[EnvelopeMoment, list[RuleName]] = {
    "sender": ["account", "key's domains", "domain"],
    "recipient": ["sandbox"],
}
ADJACENT = [
    (moment, *pair) for moment in MOMENTS for pair in zip(ORDER[moment], ORDER[moment][1:], strict=False)
]


def email(**values: Any) -> Candidate:
    given: dict[str, Any] = {
        "org_id": ORG,
        "domain": DOMAIN,
        "addresses": [ADA],
        "attachments_size": 3,
        "idempotency_key": KEY,
        "request_hash": b"of this request",
    }
    return Candidate(**given | values)


def facts(used: Used | None = None, **values: Any) -> Facts:
    limits = replace(LIMITS, **{name: value for name, value in values.items() if name in LIMIT_NAMES})
    account = AccountLimits(
        Standing(values.get("state", "healthy")), values.get("sandbox", False), "owner@example.com", limits
    )
    return Facts(
        NOW_MS,
        Periods.of(NOW_MS),
        {ORG: (account, Used() if used is None else used)},
        values.get("domain_ids", {(ORG, DOMAIN): "domain id"}),
        suppressed=values.get("suppressed", set()),
        answers=values.get("answers", {}),
    )


def breaking(*rules: RuleName) -> tuple[Candidate, Facts]:
    """An email that breaks all these rules, with the facts that make it so."""
    values = {name: value for rule in rules for name, value in BREAKS[rule].items()}
    return email(**{name: value for name, value in values.items() if name in CANDIDATE_NAMES}), facts(
        **values
    )


@pytest.mark.parametrize(("moment", "first", "second"), ADJACENT)
def test_first_of_two_broken_rules_answers(moment: Moment, first: RuleName, second: RuleName) -> None:
    """C-41."""
    candidate, known = breaking(first, second)
    decision = Admission(known).decide(candidate, moment)
    assert isinstance(decision, Refusal)
    assert decision.rule == first


@pytest.mark.parametrize("moment", MOMENTS)
def test_each_rule_applies_at_its_stages_only(moment: Moment) -> None:
    for rule in BREAKS:
        candidate, known = breaking(rule)
        decision = Admission(known).decide(candidate, moment)
        if rule in ORDER[moment]:
            assert isinstance(decision, Refusal), rule
            assert decision.rule == rule
        else:
            assert isinstance(decision, Admitted), rule


@pytest.mark.parametrize("moment", ENVELOPE_ORDER)
def test_a_part_of_an_envelope_is_judged_by_its_own_rules_only(moment: EnvelopeMoment) -> None:
    """C-31: by the same checks, and nothing is counted."""
    rules = {rule.name: rule for rule in RULES}
    assert [name for name in rules if moment in rules[name].moments] == ENVELOPE_ORDER[moment]
    for rule in BREAKS:
        candidate, known = breaking(rule)
        admission = Admission(known)
        fault = admission.fault(candidate, moment)
        assert (fault is not None) == (rule in ENVELOPE_ORDER[moment]), rule
        assert admission.usage() == {}


@pytest.mark.parametrize("moment", MOMENTS)
def test_both_domains_of_a_message_must_be_verified(moment: Moment) -> None:
    """C-31: that of the header's From, and that of the envelope's sender."""
    both = email(envelope_domain="bounces.example.com")
    refused = Admission(facts()).decide(both, moment)
    assert isinstance(refused, Refusal)
    assert refused.fault.metadata == {"domain": "bounces.example.com"}
    known = facts(domain_ids={(ORG, DOMAIN): "domain id", (ORG, "bounces.example.com"): "another"})
    assert Admission(known).decide(both, moment) == Admitted("domain id", set(), "another")


def test_a_key_must_be_allowed_for_both_domains_of_a_message() -> None:
    """F-7."""
    both = email(envelope_domain="bounces.example.com", allowed_domains={DOMAIN})
    decision = Admission(facts()).decide(both, "accept")
    assert isinstance(decision, Refusal)
    assert (decision.rule, decision.fault.metadata) == ("key's domains", {"domain": "bounces.example.com"})


def test_no_rule_is_without_a_test() -> None:
    assert [rule.name for rule in RULES] == list(BREAKS)


@pytest.mark.parametrize("moment", ["accept", "accept_next", "fetch"])
def test_a_repeated_call_gets_its_first_answer_whatever_rules_it_breaks_now(moment: Moment) -> None:
    """F-1; but a key sees no send of a domain that is not its own (C-90)."""
    first = Remembered(b"of this request", b"the answer")
    candidate, known = breaking(*(rule for rule in BREAKS if rule != "key's domains"))
    assert Admission(replace(known, answers={KEY: first})).decide(candidate, moment) == first
    foreign, known = breaking(*BREAKS)
    refusal = Admission(replace(known, answers={KEY: first})).decide(foreign, moment)
    assert isinstance(refusal, Refusal)
    assert isinstance(refusal.fault, DomainNotAllowed)


@pytest.mark.parametrize("quota", ["burst", "warm-up", "daily", "monthly", "unique"])
def test_test_mail_is_stopped_by_no_quota_and_uses_none(quota: RuleName) -> None:
    """F-5; it is counted by the day (C-88)."""
    _, known = breaking(quota)
    admission = Admission(known)
    assert isinstance(admission.decide(email(test=True), "accept"), Admitted)
    used = admission.usage()[ORG]
    assert (used.day, used.month, used.unique, used.second, used.test) == (0, 0, 0, 0, 1)


def test_test_mail_is_subject_to_the_other_rules() -> None:
    for rule in ORDER["accept"][: ORDER["accept"].index("burst")]:
        candidate, known = breaking(rule)
        candidate.test = True
        decision = Admission(known).decide(candidate, "accept")
        assert isinstance(decision, Refusal)
        assert decision.rule == rule


def test_an_admitted_email_counts_for_the_next_one() -> None:
    admission = Admission(facts(daily=3))
    assert isinstance(admission.decide(email(addresses=[ADA, BOB]), "accept"), Admitted)
    decision = admission.decide(email(addresses=[ADA, BOB]), "accept")
    assert isinstance(decision, Refusal)
    assert decision.rule == "daily"
    assert isinstance(admission.decide(email(), "accept"), Admitted)
    assert admission.usage()[ORG].day == 3


def test_a_refused_email_counts_for_nothing() -> None:
    """The last rule refuses, after every other quota had room."""
    admission = Admission(facts(daily=3, monthly=3, burst=3, unique=0))
    assert isinstance(admission.decide(email(), "accept"), Refusal)
    assert admission.usage() == {}


def test_suppressed_recipients_are_skipped_and_use_no_quota() -> None:
    """Z-24."""
    admission = Admission(facts(suppressed={(ORG, BOB), ("another org", ADA)}))
    decision = admission.decide(email(addresses=[ADA, BOB]), "accept")
    assert decision == Admitted("domain id", {BOB})
    assert admission.usage()[ORG].day == 1


def test_scheduled_mail_needs_room_today_and_counts_when_it_is_released() -> None:
    """C-25, C-88: burst is paid at once."""
    admission = Admission(facts(daily=1))
    for _ in range(2):
        assert isinstance(admission.decide(email(scheduled_at=NOW_MS + 1), "accept"), Admitted)
    used = admission.usage()[ORG]
    assert (used.day, used.second, used.waiting) == (0, 2, 2)
    assert isinstance(admission.decide(email(), "release"), Admitted)
    refused = admission.decide(email(scheduled_at=NOW_MS + 1), "accept")
    assert isinstance(refused, Refusal)
    assert refused.rule == "daily"


def test_before_links_are_fetched_nothing_counts() -> None:
    admission = Admission(facts())
    assert isinstance(admission.decide(email(), "fetch"), Admitted)
    assert admission.usage() == {}


def test_the_burst_limit_stops_no_strict_batch_that_has_begun_but_counts_it() -> None:
    admission = Admission(facts(burst=1))
    assert isinstance(admission.decide(email(), "accept"), Admitted)
    assert isinstance(admission.decide(email(), "accept_next"), Admitted)
    assert admission.usage()[ORG].second == 2


def test_sandbox_matches_the_owners_address_in_any_case() -> None:
    """Z-25."""
    known = facts(sandbox=True)
    account = AccountLimits(Standing("healthy"), True, "Owner@Example.com", LIMITS)
    admission = Admission(replace(known, accounts={ORG: (account, Used())}))
    assert isinstance(admission.decide(email(addresses=["owner@example.com"]), "accept"), Admitted)
    assert isinstance(admission.decide(email(addresses=["owner@example.com", ADA]), "accept"), Refusal)


def test_used_idempotency_key_belongs_to_its_first_request() -> None:
    """F-1."""
    admission = Admission(facts())
    answer = Remembered(b"of this request", b"the answer")
    admission.remember(KEY, answer)
    assert admission.decide(email(), "accept") == answer
    assert admission.earlier(KEY, b"of this request") == answer
    assert isinstance(admission.earlier(KEY, b"of another request"), IdempotencyKeyReused)
    assert admission.earlier(KEY._replace(operation="batch"), b"of this request") is None


def test_a_batch_that_is_rolled_back_leaves_no_trace() -> None:
    admission = Admission(facts(unique=2))
    first, second = KEY._replace(key="1"), KEY._replace(key="2")
    admission.decide(email(), "accept")
    admission.remember(first, Remembered(b"", b"1"))
    savepoint = admission.savepoint(ORG)
    admission.decide(email(addresses=[BOB]), "accept")
    admission.remember(second, Remembered(b"", b"2"))
    admission.roll_back(savepoint)
    assert list(admission.new_answers) == [first]
    used = admission.usage()[ORG]
    assert (used.day, used.unique, used.fresh) == (1, 1, [ADA])
    assert isinstance(admission.decide(email(addresses=["eve@example.net"]), "accept"), Admitted)


def test_usage_rolled_back_entirely_is_not_stored() -> None:
    admission = Admission(facts())
    savepoint = admission.savepoint(ORG)
    admission.decide(email(), "accept")
    admission.roll_back(savepoint)
    assert admission.usage() == {}


@pytest.mark.parametrize(
    ("limits", "used", "fault", "resets_at"),
    [
        ({"burst": 2}, Used(second=2), BurstLimitExceeded, "2026-11-22T23:59:59.000Z"),
        ({"warm_up": 50}, Used(day=49), WarmUpLimitExceeded, "2026-11-23T00:00:00.000Z"),
        ({"daily": 250}, Used(day=249), DailyQuotaExceeded, "2026-11-23T00:00:00.000Z"),
        ({"monthly": 3000}, Used(month=2999), MonthlyQuotaExceeded, "2026-12-01T00:00:00.000Z"),
        ({"unique": 100}, Used(unique=99), RecipientCapExceeded, "2026-12-01T00:00:00.000Z"),
    ],
)
def test_an_email_that_does_not_fit_entirely_is_refused_until_the_period_ends(
    limits: Mapping[str, Any], used: Used, fault: type[LimitExceeded], resets_at: str
) -> None:
    """Z-43 to Z-46."""
    before = used.copy()
    refusal = Admission(facts(used, **limits)).decide(email(addresses=[ADA, BOB]), "accept")
    assert isinstance(refusal, Refusal)
    assert isinstance(refusal.fault, fault)
    assert refusal.fault.metadata["resets_at"] == resets_at
    assert refusal.fault.retry_after_s is not None
    assert refusal.fault.retry_after_s > 0
    assert used == before


def test_an_email_that_fits_exactly_is_admitted() -> None:
    used = Used(day=248, month=2998, unique=98, second=1)
    admission = Admission(facts(used, daily=250, monthly=3000, unique=100, burst=2, warm_up=250))
    assert isinstance(admission.decide(email(addresses=[ADA, BOB]), "accept"), Admitted)
    assert (used.day, used.month, used.unique, used.second) == (250, 3000, 100, 2)


def test_plan_with_overage_admits_mail_over_the_monthly_quota() -> None:
    """C-15."""
    used = Used(month=30_000)
    admission = Admission(facts(used, monthly=30_000, overage=True))
    assert isinstance(admission.decide(email(), "accept"), Admitted)
    assert used.month == 30_001


def test_address_seen_this_month_is_not_counted_again() -> None:
    """C-2."""
    used = Used(unique=1, seen={ADA})
    admission = Admission(facts(used, unique=2))
    for _ in range(2):
        assert isinstance(admission.decide(email(addresses=[ADA, BOB]), "accept"), Admitted)
    assert (used.unique, used.fresh) == (2, [BOB])
    assert isinstance(admission.decide(email(addresses=["eve@example.net"]), "accept"), Refusal)


@given(
    st.lists(st.sets(st.sampled_from("abcdefgh"), min_size=1), max_size=30),
    st.integers(0, 20),
    st.integers(0, 6),
)
def test_limits_hold_for_any_order_of_emails(sends: list[set[str]], daily: int, unique: int) -> None:
    used = Used()
    admission = Admission(facts(used, daily=daily, unique=unique))
    accepted = [
        addresses
        for addresses in sends
        if isinstance(admission.decide(email(addresses=sorted(addresses)), "accept"), Admitted)
    ]
    assert used.day == used.month == sum(map(len, accepted)) <= daily
    assert used.unique == len(set().union(*accepted)) <= unique
    assert used.second == len(accepted)
