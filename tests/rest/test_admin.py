"""The operator's work by REST: C-43, C-69, C-70, C-76, C-77, C-88, F-13, F-14."""

from collections.abc import Iterator

import httpx
import pyotp
import pytest

from tests.harness.stack import Organisation, Stack
from tests.rest.conftest import client
from tests.rest.golden import Golden

NOWHERE = "0" * 24
ADMIN = "/v1/admin"
WHY = "Ticket 4711."


@pytest.fixture(scope="module")
def customer(rest: Stack) -> Organisation:
    """An organisation that no other file uses."""
    return rest.orgs["customer"]


@pytest.fixture(scope="module")
def path(customer: Organisation) -> str:
    """Its path for operators."""
    return f"{ADMIN}/organisations/{customer.org_id}"


@pytest.fixture(scope="module")
def owner(rest: Stack, customer: Organisation) -> Iterator[httpx.Client]:
    """The session of its owner."""
    with client(rest, customer.jwt) as owner:
        yield owner


def newest_audit_entry(owner: httpx.Client) -> dict[str, object]:
    """The last entry of the customer's audit log."""
    return dict(owner.get("/v1/audit-log?limit=1").json()["data"][0])


def test_operator_finds_organisations(operator: httpx.Client, path: str, golden: Golden) -> None:
    """F-14, C-76."""
    found = operator.get(f"{ADMIN}/organisations?search=OWNER@customer.example&sandbox=false&plan=free")
    golden.check("admin/list-organisations", found)
    assert [row["owner_email"] for row in found.json()["data"]] == ["owner@customer.example.com"]
    for other in ("state=paused", "sandbox=true", "plan=pro", "search=%25customer"):
        assert operator.get(f"{ADMIN}/organisations?search=customer.example&{other}").json()["data"] == []
    states = operator.get(f"{ADMIN}/organisations?state=paused").json()["data"]
    assert [row["owner_email"] for row in states] == ["owner@paused.example.com"]
    everybody = operator.get(f"{ADMIN}/organisations?limit=100").json()["data"]
    assert len(everybody) > 20
    assert all(row["owner_email"] for row in everybody)
    golden.check("admin/get-organisation", operator.get(path))
    golden.check("errors/organisation-not-found", operator.get(f"{ADMIN}/organisations/{NOWHERE}"))


def test_operator_changes_plan_and_limits_and_the_customer_sees_it(
    operator: httpx.Client, owner: httpx.Client, path: str, golden: Golden
) -> None:
    """C-70, C-88, F-14."""
    body = {
        "plan": "pro",
        "sandbox": True,
        "limits": {"daily": 7, "webhooks": 0, "scheduled_bytes": 1 << 33},
        "reason": WHY,
    }
    golden.check("admin/update-organisation", operator.patch(path, json=body))
    shown = newest_audit_entry(owner)
    assert (shown["method"], shown["credential"]) == ("AdminService/UpdateOrganisationAccount", "operator")
    assert (shown["actor"], shown["reason"], shown["address"]) == ("operator", WHY, "")
    usage = owner.get("/v1/usage").json()
    assert (usage["plan"], usage["sandbox"], usage["daily"]["limit"]) == ("pro", True, 7)
    restored = operator.patch(
        path,
        json={"plan": "free", "sandbox": False, "unset_limits": ["daily", "webhooks", "scheduled_bytes"]},
    )
    assert restored.json()["limits"] == dict.fromkeys(restored.json()["limits"])
    golden.check("errors/plan-not-found", operator.patch(path, json={"plan": "gold"}))
    for wrong in ({"limits": {"daily": -1}}, {"unset_limits": ["day"]}, {"reason": "x" * 501}):
        assert operator.patch(path, json=wrong).status_code == 422
    both = operator.patch(path, json={"limits": {"daily": 1}, "unset_limits": ["daily"]})
    assert [error["field"] for error in both.json()["errors"]] == ["unset_limits[0]"]
    # A refused change has left no trace.
    assert owner.get("/v1/usage").json()["plan"] == "free"


def test_operator_decides_about_an_account(
    operator: httpx.Client, owner: httpx.Client, path: str, golden: Golden
) -> None:
    """C-43, C-69: a worse state needs a note, which the owner reads."""
    assert operator.post(f"{path}/state", json={"state": "paused"}).status_code == 422
    decided = operator.post(f"{path}/state", json={"state": "paused", "note": "A list that was bought."})
    golden.check("admin/change-state", decided)
    health = owner.get("/v1/account/health").json()
    assert (health["state"], health["note"]) == ("paused", "A list that was bought.")
    healed = operator.post(f"{path}/state", json={"state": "healthy"})
    assert (healed.json()["state"], healed.json()["note"]) == ("healthy", "")
    history = operator.get(path).json()["history"]
    assert [change["state"] for change in history] == ["healthy", "paused"]


def test_operator_sees_members(operator: httpx.Client, path: str, golden: Golden) -> None:
    """F-14."""
    golden.check("admin/list-members", operator.get(f"{path}/members"))
    assert operator.get(f"{ADMIN}/organisations/{NOWHERE}/members").status_code == 404


def test_operator_removes_a_lost_second_factor(
    operator: httpx.Client, stranger: httpx.Client, rest: Stack, golden: Golden
) -> None:
    """F-14: the person signs in with the password alone again."""
    person = rest.orgs["operator"]
    login = {"email": "owner@operator.example.com", "password": person.password}
    path = f"{ADMIN}/organisations/{person.org_id}/members/{person.user_id}/second-factor"
    golden.check("errors/no-second-factor", operator.delete(path, params={"reason": WHY}))
    with client(rest, stranger.post("/v1/auth/login", json=login).json()["token"]) as session:
        # The session of a user who is an operator, without a second factor: none is needed yet (C-76).
        assert session.get(f"{ADMIN}/plans").status_code == 200
        secret = session.post("/v1/auth/totp", json={"password": person.password}).json()["secret"]
        assert session.post("/v1/auth/totp/activate", json={"code": pyotp.TOTP(secret).now()}).is_success
        # The code was given in this session.
        assert session.get(f"{ADMIN}/plans").status_code == 200
    assert stranger.post("/v1/auth/login", json=login).json()["name"] == "invalid_access"
    assert operator.delete(path).json()["errors"][0]["field"] == "reason"
    golden.check("admin/remove-second-factor", operator.delete(path, params={"reason": WHY}))
    assert stranger.post("/v1/auth/login", json=login).status_code == 200


def test_session_on_behalf_of_a_member_reads_and_says_who_opened_it(
    operator: httpx.Client,
    owner: httpx.Client,
    customer: Organisation,
    rest: Stack,
    path: str,
    golden: Golden,
) -> None:
    """F-14: the customer's audit log names the operator."""
    body = {"user_id": customer.user_id, "reason": WHY}
    nameless = operator.post(f"{path}/impersonations", json={"reason": WHY})
    assert nameless.json()["errors"] == [{"field": "user_id", "message": "is required"}]
    opened = operator.post(f"{path}/impersonations", json=body)
    golden.check("admin/impersonate", opened)
    shown = newest_audit_entry(owner)
    assert shown["method"] == "AdminService/CreateImpersonation"
    assert (shown["actor"], shown["target_id"], shown["reason"]) == ("harness", customer.user_id, WHY)
    with client(rest, opened.json()["token"]) as session:
        golden.check("admin/impersonated-session", session.get("/v1/auth/me"))
        assert session.get("/v1/domains").json()["data"][0]["name"] == "customer.example.com"
        assert session.post("/v1/contact-lists", json={"name": "x"}).status_code == 401
        assert session.post("/v1/organisation/leave").status_code == 403
        # An operator's session on behalf of a member is no operator's.
        assert session.get(f"{ADMIN}/plans").status_code == 401
        assert session.post("/v1/auth/logout").status_code == 200
        assert session.get("/v1/auth/me").status_code == 401


def test_session_on_behalf_of_a_member_changes_what_its_role_allows(
    operator: httpx.Client,
    owner: httpx.Client,
    customer: Organisation,
    rest: Stack,
    path: str,
    golden: Golden,
) -> None:
    """F-14: each change is the operator's in the customer's audit log; no access outlasts the session."""
    body = {"user_id": customer.user_id, "reason": WHY, "role": "owner"}
    refused = operator.post(f"{path}/impersonations", json=body)
    assert [error["field"] for error in refused.json()["errors"]] == ["role"]
    opened = operator.post(f"{path}/impersonations", json={**body, "role": "admin"}).json()
    with client(rest, opened["token"]) as session:
        made = session.post("/v1/contact-lists", json={"name": "Of the operator"})
        assert made.status_code == 201
        shown = newest_audit_entry(owner)
        assert (shown["method"], shown["actor"]) == ("ContactsService/CreateContactList", "harness")
        assert shown["target_id"] == made.json()["id"]
        golden.check(
            "errors/impersonation-not-allowed", session.post("/v1/api-keys", json={"name": "Lasting"})
        )
        hook = {"url": "https://example.org/lasting", "events": ["email.sent"]}
        assert session.post("/v1/webhooks", json=hook).status_code == 403
    # In the customer's own session the same change is none of settings.
    assert owner.delete(f"/v1/contact-lists/{made.json()['id']}").status_code == 200
    assert newest_audit_entry(owner)["method"] == "ContactsService/CreateContactList"


def test_operator_removes_a_suppression_with_a_reason(
    operator: httpx.Client,
    owner: httpx.Client,
    customer: Organisation,
    rest: Stack,
    path: str,
    golden: Golden,
) -> None:
    """F-14."""
    with client(rest, customer.api_key) as api:
        api.post("/v1/suppressions", json={"email": "blocked@example.org"})
    listed = operator.get(f"{path}/suppressions?search=BLOCKED")
    golden.check("admin/list-suppressions", listed)
    assert operator.get(f"{path}/suppressions?search=nobody").json()["data"] == []
    one = f"{path}/suppressions/Blocked@example.org"
    assert operator.delete(one).json()["errors"][0]["field"] == "reason"
    golden.check("admin/remove-suppression", operator.delete(one, params={"reason": WHY}))
    assert newest_audit_entry(owner)["target_id"] == listed.json()["data"][0]["id"]
    assert operator.delete(one, params={"reason": WHY}).status_code == 404


def test_operator_changes_the_days_of_retention(operator: httpx.Client, path: str, golden: Golden) -> None:
    """F-13."""
    golden.check("admin/get-retention", operator.get(f"{path}/retention"))
    body = {"days": {"bodies": 7, "audit": 36500}, "reason": WHY}
    golden.check("admin/update-retention", operator.patch(f"{path}/retention", json=body))
    unset = operator.patch(f"{path}/retention", json={"unset_days": ["bodies", "audit"]}).json()
    assert (unset["own"]["bodies"], unset["days"]["bodies"]) == (None, 30)
    for wrong in ({"days": {"bodies": 0}}, {"days": {"events": 36501}}, {"unset_days": ["mails"]}):
        assert operator.patch(f"{path}/retention", json=wrong).status_code == 422


def test_operator_changes_plans(operator: httpx.Client, golden: Golden) -> None:
    """Z-43, C-88."""
    golden.check("admin/list-plans", operator.get(f"{ADMIN}/plans"))
    body = {"limits": {"domains": 12}, "unset_limits": ["burst_per_second"], "overage": True, "reason": WHY}
    golden.check("admin/update-plan", operator.patch(f"{ADMIN}/plans/starter", json=body))
    assert operator.patch(f"{ADMIN}/plans/gold", json=body).status_code == 404
    large = operator.patch(f"{ADMIN}/plans/starter", json={"attachment_bytes": (60 << 20) + 1})
    assert [error["field"] for error in large.json()["errors"]] == ["attachment_bytes"]
    for given, shown in {"P-STARTER1": "P-STARTER1", "": None}.items():
        sold = operator.patch(f"{ADMIN}/plans/starter", json={"paypal_plan": given})
        assert sold.json()["paypal_plan"] == shown
    wrong = operator.patch(f"{ADMIN}/plans/starter", json={"paypal_plan": "STARTER"})
    assert [error["field"] for error in wrong.json()["errors"]] == ["paypal_plan"]


def test_operator_sees_the_queue_and_the_rates(operator: httpx.Client, path: str, golden: Golden) -> None:
    """F-14, C-43."""
    org_id = path.rpartition("/")[2]
    golden.check("admin/queue", operator.get(f"{ADMIN}/queue?organisation_id={org_id}"))
    assert operator.get(f"{ADMIN}/queue").json()["total"] >= 0
    golden.check("admin/abuse", operator.get(f"{ADMIN}/abuse?order=complaint_rate&least_sent=1"))


def test_log_of_operators_says_who_did_what_and_why(
    operator: httpx.Client, rest: Stack, golden: Golden
) -> None:
    """F-14: changes with their values before and after, and each look at the data of an organisation."""
    # Of this test alone: the whole log of an organisation is shown.
    path = f"{ADMIN}/organisations/{rest.orgs['small-imports'].org_id}"
    operator.patch(path, json={"limits": {"monthly": 99}, "reason": WHY})
    operator.get(f"{path}/members")
    org_id = path.rpartition("/")[2]
    golden.check("admin/log", operator.get(f"{ADMIN}/log?organisation_id={org_id}&limit=2"))
    operator.patch(path, json={"unset_limits": ["monthly"]})
    methods = [entry["method"] for entry in operator.get(f"{ADMIN}/log?limit=100").json()["data"]]
    assert methods.count("AdminService/UpdateOrganisationAccount") >= 2
    assert not {method for method in methods if "ListPlan" in method or "ListOrganisationAccounts" in method}
