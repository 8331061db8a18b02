"""Billing by REST: subscriptions at PayPal, and PayPal's events (contract rows Z-47, C-79)."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.harness.paypal_certificates import authority, self_signed
from tests.harness.paypal_events import event, signed
from tests.harness.paypal_server import CLIENT_SECRET, SCALE, PayPalServer
from tests.harness.stack import Stack
from tests.rest.conftest import client
from tests.rest.golden import Description, Golden

PATH = "/v1/billing"


@pytest.fixture
def payer(session_of: Callable[[str], httpx.Client]) -> httpx.Client:
    """The session of an owner who pays."""
    return session_of("payers")


@pytest.fixture(autouse=True)
def works(paypal: PayPalServer) -> Iterator[None]:
    """PayPal works before and after each test."""
    yield
    paypal.failure = None


def report(stranger: httpx.Client, paypal: PayPalServer, kind: str, id: str) -> httpx.Response:
    """PayPal reports an event about a subscription as it is now."""
    body = event(kind, paypal.shown(id), paypal.time())
    headers = signed(body, paypal.cert_url, paypal.signer)
    return stranger.post("/inbound/paypal", content=body, headers=headers)


def test_owner_subscribes_changes_and_cancels(
    payer: httpx.Client, stranger: httpx.Client, paypal: PayPalServer, golden: Golden
) -> None:
    """Z-47, C-79, C-15."""
    golden.check("errors/subscription-not-found", payer.post(f"{PATH}/cancel", json={}))
    subscribed = payer.post(f"{PATH}/subscribe", json={"plan": "pro"})
    golden.check("billing/subscribe", subscribed)
    id = subscribed.json()["subscription_id"]
    golden.check("errors/subscription-not-active", payer.post(f"{PATH}/change", json={"plan": "scale"}))
    assert payer.get(PATH).json()["subscription"]["status"] == "approval_pending"
    # The owner approves it and comes back, before any event.
    paypal.pay(id)
    golden.check("billing/get", payer.get(PATH))
    assert payer.get("/v1/usage").json()["plan"] == "pro"
    golden.check("errors/subscription-exists", payer.post(f"{PATH}/subscribe", json={"plan": "pro"}))
    golden.check("billing/change", payer.post(f"{PATH}/change", json={"plan": "scale"}))
    assert payer.get(PATH).json()["subscription"]["next_plan"] == "scale"
    paypal.pay(id)
    first = report(stranger, paypal, "UPDATED", id)
    assert (first.status_code, list(first.json())) == (200, ["event_id"])
    assert (payer.get(PATH).json()["plan"], paypal.shown(id)["plan_id"]) == ("scale", SCALE)
    golden.check("billing/cancel", payer.post(f"{PATH}/cancel", json={}))
    assert payer.get(PATH).json()["plan"] == "scale"
    paypal.become(id, "EXPIRED")
    assert report(stranger, paypal, "EXPIRED", id).status_code == 200
    assert payer.get(PATH).json() == {**payer.get(PATH).json(), "plan": "free", "subscription": None}


def test_owners_read_what_happened(
    session_of: Callable[[str], httpx.Client], stranger: httpx.Client, paypal: PayPalServer
) -> None:
    """C-77: what owners did, and what PayPal reported."""
    owner = session_of("audited-payers")
    id = owner.post(f"{PATH}/subscribe", json={"plan": "pro"}).json()["subscription_id"]
    paypal.pay(id)
    report(stranger, paypal, "ACTIVATED", id)
    owner.post(f"{PATH}/cancel", json={})
    entries = owner.get("/v1/audit-log").json()["data"][::-1]
    assert [(one["method"], one["credential"]) for one in entries[:2]] == [
        ("BillingService/Subscribe", "session"),
        ("PayPal/ACTIVE", "internal"),
    ]
    # The entry of a call follows what the call does.
    assert [one["method"] for one in entries[2:]] == [
        "PayPal/CANCELLED",
        "BillingService/CancelSubscription",
    ]
    assert {one["target_id"] for one in entries} == {id}


def test_plan_that_is_not_for_sale_is_refused(payer: httpx.Client) -> None:
    answer = payer.post(f"{PATH}/subscribe", json={"plan": "enterprise"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "plan")


def test_admins_and_keys_are_refused(
    session_of: Callable[[str], httpx.Client], api_of: Callable[[str], httpx.Client]
) -> None:
    """Z-4; the roles are in the matrix."""
    assert api_of("payers").get(PATH).status_code == 401
    assert api_of("payers").post(f"{PATH}/subscribe", json={"plan": "pro"}).status_code == 401


@pytest.mark.parametrize(
    ("failure", "status", "name"),
    [
        (503, 503, "errors/payment-provider-unavailable"),
        (400, 502, "errors/payment-provider-refused"),
    ],
)
def test_failures_of_paypal_are_shown(
    session_of: Callable[[str], httpx.Client],
    paypal: PayPalServer,
    golden: Golden,
    failure: int,
    status: int,
    name: str,
) -> None:
    """C-79."""
    owner = session_of("idle")
    paypal.failure = failure
    answer = owner.post(f"{PATH}/subscribe", json={"plan": "pro"})
    assert answer.status_code == status
    golden.check(name, answer)
    # Nothing is stored, and what is stored can still be read.
    assert owner.get(PATH).json()["subscription"] is None


def test_forged_event_is_refused(
    payer: httpx.Client, stranger: httpx.Client, paypal: PayPalServer, golden: Golden
) -> None:
    """C-79."""
    id = payer.post(f"{PATH}/subscribe", json={"plan": "pro"}).json()["subscription_id"]
    body = event("ACTIVATED", paypal.shown(id), paypal.time())
    before = payer.get(PATH).json()
    forger = self_signed()
    url = paypal.certificates_url + paypal.publish(forger)
    forgeries = [
        {},
        signed(body, url, forger),
        signed(body + b" ", paypal.cert_url, paypal.signer),
        signed(body, paypal.cert_url, paypal.signer, webhook_id="ANOTHER"),
        signed(body, paypal.cert_url.replace("127.0.0.1", "evil.example"), paypal.signer),
        signed(body, paypal.certificates_url + paypal.publish(authority().signer(ends=-1)), paypal.signer),
    ]
    for headers in forgeries:
        answer = stranger.post("/inbound/paypal", content=body, headers=headers)
        assert (answer.status_code, answer.json()["statusCode"]) == (400, 400)
        assert answer.json()["error"] == "This is no valid event of PayPal."
    with_credential = payer.post("/inbound/paypal", content=b"{}")
    golden.check("errors/payment-event-not-valid", with_credential)
    assert payer.get(PATH).json() == before


def test_secrets_of_paypal_are_in_no_log(payer: httpx.Client, paypal: PayPalServer, rest: Stack) -> None:
    paypal.failure = 401
    assert payer.post(f"{PATH}/subscribe", json={"plan": "pro"}).status_code == 502
    logs = "".join(path.read_text() for path in (rest.data_dir / "logs").iterdir())
    assert "PayPal refused a call" in logs
    for secret in (CLIENT_SECRET, *paypal.tokens):
        assert secret not in logs


def test_hook_takes_posts_of_a_moderate_size(stranger: httpx.Client) -> None:
    wrong = stranger.get("/inbound/paypal")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert stranger.post("/inbound/paypal", content=b"x" * (256 * 1024 + 1)).status_code == 413
    assert stranger.post("/inbound/paypal", content=b"").status_code == 400


def test_paypal_repeats_an_event_that_could_not_be_stored(
    payer: httpx.Client, stranger: httpx.Client, paypal: PayPalServer
) -> None:
    id = payer.post(f"{PATH}/subscribe", json={"plan": "pro"}).json()["subscription_id"]
    paypal.failure = 500
    answer = report(stranger, paypal, "ACTIVATED", id)
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)


def test_installation_without_paypal_says_what_to_set(stack: Stack) -> None:
    """C-79."""
    description = Description(httpx.get(f"{stack.http}/v1/openapi.json").json())
    golden = Golden(description, "C-79")
    with client(stack, stack.owner.jwt) as owner:
        golden.check("errors/billing-not-configured", owner.get(PATH))
        for answer in (
            owner.post(f"{PATH}/subscribe", json={"plan": "pro"}),
            owner.post(f"{PATH}/change", json={"plan": "pro"}),
            owner.post(f"{PATH}/cancel", json={}),
            owner.post("/inbound/paypal", content=b"{}"),
        ):
            golden.check_same("errors/billing-not-configured", answer)
