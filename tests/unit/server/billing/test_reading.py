"""PayPal's JSON becomes plain values, and anything else is refused (C-79)."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.billing.reading import reading_of, subscription_of_event

# After the answer in PayPal's reference of `GET /v1/billing/subscriptions/{id}`.
SHOWN: dict[str, Any] = {
    "id": "I-BW452GLLEP1G",
    "plan_id": "P-5ML4271244454362WXNWU5NQ",
    "start_time": "2019-04-10T07:00:00Z",
    "quantity": "20",
    "subscriber": {"email_address": "customer@example.com", "payer_id": "2J6QB8YJQSJRJ"},
    "billing_info": {
        "outstanding_balance": {"currency_code": "USD", "value": "1.0"},
        "cycle_executions": [{"tenure_type": "TRIAL", "sequence": 1, "cycles_completed": 0}],
        "last_payment": {
            "amount": {"currency_code": "USD", "value": "1.15"},
            "time": "2019-04-09T10:27:20Z",
        },
        "next_billing_time": "2019-05-09T10:00:00Z",
        "failed_payments_count": 0,
    },
    "create_time": "2019-04-09T10:26:04Z",
    "update_time": "2019-04-09T10:27:27Z",
    "links": [{"href": "https://api.paypal.com/v1/billing/subscriptions/I-BW452GLLEP1G", "rel": "self"}],
    "status": "ACTIVE",
    "status_update_time": "2019-04-09T10:27:27Z",
}


def ms(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1000  # type: ignore[misc, arg-type]


def test_subscription_is_read() -> None:
    reading = reading_of(SHOWN)
    assert (reading.id, reading.paypal_plan_id, reading.status) == (SHOWN["id"], SHOWN["plan_id"], "ACTIVE")
    assert reading.updated_at == ms(2019, 4, 9, 10, 27, 27)
    assert reading.paid_until == ms(2019, 5, 9, 10)
    assert reading.approval_url is None


def plan(unit: str, count: int = 1) -> dict[str, Any]:
    """A plan with a trial and a regular cycle."""
    trial = {"tenure_type": "TRIAL", "frequency": {"interval_unit": "DAY", "interval_count": 7}}
    regular = {"tenure_type": "REGULAR", "frequency": {"interval_unit": unit, "interval_count": count}}
    return {"billing_cycles": [trial, regular]}


@pytest.mark.parametrize(
    ("last", "described", "until"),
    [
        ("2019-04-09T10:27:20Z", {}, (2019, 5, 9, 10, 27, 20)),
        ("2019-04-09T10:27:20Z", plan("MONTH"), (2019, 5, 9, 10, 27, 20)),
        ("2019-01-31T00:00:00Z", plan("MONTH"), (2019, 2, 28)),
        ("2020-01-31T00:00:00Z", plan("MONTH"), (2020, 2, 29)),
        ("2019-11-30T00:00:00Z", plan("MONTH", 3), (2020, 2, 29)),
        ("2020-02-29T00:00:00Z", plan("YEAR"), (2021, 2, 28)),
        ("2019-12-31T00:00:00Z", plan("DAY", 30), (2020, 1, 30)),
        ("2019-12-31T00:00:00Z", plan("WEEK", 2), (2020, 1, 14)),
        ("2019-12-31T02:00:00+02:00", plan("DAY"), (2020, 1, 1)),
    ],
)
@pytest.mark.parametrize("status", ["CANCELLED", "SUSPENDED", "EXPIRED"])
def test_last_payment_pays_for_a_period(
    last: str, described: dict[str, Any], until: tuple[int, ...], status: str
) -> None:
    info = {"last_payment": {"time": last}, "next_billing_time": "2030-01-01T00:00:00Z"}
    shown = {**SHOWN, "status": status, "billing_info": info, "plan": described}
    assert reading_of(shown).paid_until == ms(*until)


def test_next_payment_says_nothing_while_one_has_failed() -> None:
    info = {**SHOWN["billing_info"], "failed_payments_count": 1, "next_billing_time": "2019-05-14T10:00:00Z"}
    assert reading_of({**SHOWN, "billing_info": info}).paid_until == ms(2019, 5, 9, 10, 27, 20)


def test_subscription_without_a_payment_is_paid_for_no_time() -> None:
    assert reading_of({**SHOWN, "status": "CANCELLED", "billing_info": {}}).paid_until is None


@pytest.mark.parametrize(
    "change",
    [
        {"status": "UNHEARD_OF"},
        {"status": None},
        {"id": ""},
        {"id": 7},
        {"id": "I" * 51},
        {"plan_id": None},
        {"update_time": "yesterday"},
        {"update_time": 7},
        {"update_time": "2019-04-09T10:27:27"},
        {"update_time": None, "status_update_time": None, "create_time": None},
        {"status": "CANCELLED", "plan": plan("CENTURY")},
        {"status": "CANCELLED", "plan": plan("MONTH", 0)},
        {"status": "CANCELLED", "plan": plan("MONTH", 10**9)},
    ],
)
def test_other_answers_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        reading_of({**SHOWN, **change})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(SHOWN)), JSON, st.sampled_from(["ACTIVE", "CANCELLED"]))
def test_any_value_is_read_or_refused(name: str, value: Any, status: str) -> None:
    try:
        reading = reading_of({**SHOWN, "status": status, name: value})
    except (ValueError, OverflowError):
        return
    assert reading.status == status


@pytest.mark.parametrize(
    ("event", "id"),
    [
        ({"event_type": "BILLING.SUBSCRIPTION.ACTIVATED", "resource": {"id": "I-1"}}, "I-1"),
        (
            {"event_type": "PAYMENT.SALE.COMPLETED", "resource": {"billing_agreement_id": "I-1", "id": "S"}},
            "I-1",
        ),
        ({"event_type": "PAYMENT.SALE.COMPLETED", "resource": {"id": "S-1"}}, None),
        ({"event_type": "CATALOG.PRODUCT.CREATED", "resource": {"id": "PROD-1"}}, None),
        ({"event_type": "BILLING.PLAN.CREATED", "resource": {"id": "P-1"}}, None),
        ({"event_type": "BILLING.SUBSCRIPTION.ACTIVATED", "resource": {"id": 7}}, None),
        ({"event_type": "BILLING.SUBSCRIPTION.ACTIVATED", "resource": {"id": "I" * 51}}, None),
        ({"event_type": "BILLING.SUBSCRIPTION.ACTIVATED", "resource": []}, None),
        ({}, None),
    ],
)
def test_event_names_its_subscription(event: dict[str, Any], id: str | None) -> None:
    assert subscription_of_event(event) == id
