"""Organisations, their members and invitations by REST: C-77, C-78, Z-59."""

from collections.abc import Iterator

import httpx
import pytest

from server.accounts.invitations import MAX_INVITATIONS
from tests.harness.mailbox import mail_to, mails_to, token_in
from tests.harness.stack import Stack
from tests.harness.waiting import until_sync
from tests.rest.golden import Golden

NOWHERE = "0" * 24
PASSWORD = "correct horse battery"  # noqa: S105
GUEST = "guest@members.example.com"
INVITED = "You are invited to an organisation"


@pytest.fixture(scope="module")
def owner(rest: Stack) -> Iterator[httpx.Client]:
    """The session of an owner of an organisation that no other file uses."""
    headers = {"authorization": f"Bearer {rest.orgs['idle'].jwt}"}
    with httpx.Client(base_url=rest.http, headers=headers, timeout=30) as owner:
        yield owner


def accept(stranger: httpx.Client, rest: Stack, email: str) -> httpx.Response:
    """Accepts the newest invitation of an address."""
    token = token_in(mail_to(rest.captured, email, INVITED))
    return stranger.post("/v1/auth/invitation", json={"token": token, "password": PASSWORD, "name": "Grace"})


def session_of(stranger: httpx.Client, email: str, org_id: str) -> dict[str, str]:
    """The header of a new session."""
    body = {"email": email, "password": PASSWORD, "org_id": org_id}
    return {"authorization": f"Bearer {stranger.post('/v1/auth/login', json=body).json()['token']}"}


def test_organisation_is_shown_and_renamed(owner: httpx.Client, api: httpx.Client, golden: Golden) -> None:
    """Z-59."""
    golden.check("organisation/get", owner.get("/v1/organisation"))
    golden.check("organisation/update", owner.patch("/v1/organisation", json={"name": "Engines"}))
    assert owner.patch("/v1/organisation", json={"name": "", "plan": "scale"}).status_code == 422
    # Fields that are not the caller's to change are ignored.
    owner.patch("/v1/organisation", json={"name": "Engines", "plan": "scale", "sandbox": False})
    assert owner.get("/v1/organisation").json()["plan"] == "free"
    assert api.get("/v1/organisation").status_code == 401


def test_person_is_invited_joins_and_is_removed(
    owner: httpx.Client, stranger: httpx.Client, rest: Stack, golden: Golden
) -> None:
    """C-77."""
    body = {"email": GUEST, "role": "admin"}
    golden.check("invitations/create", owner.post("/v1/invitations", json=body))
    golden.check("invitations/list", owner.get("/v1/invitations"))
    mail = mail_to(rest.captured, GUEST, INVITED)
    assert "owner@idle.example.com invites you" in str(mail.get_body(("plain",)))
    token = token_in(mail)
    short = stranger.post("/v1/auth/invitation", json={"token": token})
    assert [error["field"] for error in short.json()["errors"]] == ["password"]
    golden.check("invitations/accept", accept(stranger, rest, GUEST))
    assert accept(stranger, rest, GUEST).status_code == 422
    golden.check("errors/already-a-member", owner.post("/v1/invitations", json=body))
    members = owner.get("/v1/members")
    golden.check("members/list", members)
    id = members.json()["data"][0]["id"]
    golden.check("members/update", owner.patch(f"/v1/members/{id}", json={"role": "read_only"}))
    headers = session_of(stranger, GUEST, rest.orgs["idle"].org_id)
    refused = stranger.post("/v1/invitations", json={"email": "x@example.com"}, headers=headers)
    golden.check("errors/missing-role", refused)
    golden.check("members/delete", owner.delete(f"/v1/members/{id}"))
    golden.check("errors/member-not-found", owner.delete(f"/v1/members/{id}"))
    assert stranger.get("/v1/auth/me", headers=headers).status_code == 401


def test_admin_does_not_touch_owners(
    owner: httpx.Client, stranger: httpx.Client, rest: Stack, golden: Golden
) -> None:
    """C-77."""
    email = "admin@members.example.com"
    owner.post("/v1/invitations", json={"email": email, "role": "admin"})
    accept(stranger, rest, email)
    headers = session_of(stranger, email, rest.orgs["idle"].org_id)
    path = f"/v1/members/{rest.orgs['idle'].user_id}"
    golden.check("errors/owners-only", stranger.patch(path, json={"role": "admin"}, headers=headers))
    golden.check_same(
        "errors/owners-only",
        stranger.post("/v1/invitations", json={"email": "x@example.com", "role": "owner"}, headers=headers),
    )
    assert stranger.get("/v1/members", headers=headers).json()["total"] == 2
    golden.check("organisation/leave", stranger.post("/v1/organisation/leave", headers=headers))
    assert stranger.get("/v1/members", headers=headers).status_code == 401


def test_last_owner_stays(owner: httpx.Client, rest: Stack, golden: Golden) -> None:
    """C-77."""
    golden.check("errors/last-owner", owner.post("/v1/organisation/leave"))
    path = f"/v1/members/{rest.orgs['idle'].user_id}"
    golden.check_same("errors/last-owner", owner.delete(path))


def test_member_of_several_organisations_moves_between_them(
    owner: httpx.Client, stranger: httpx.Client, rest: Stack, golden: Golden
) -> None:
    """C-75, C-77."""
    email = "both@members.example.com"
    other = {"authorization": f"Bearer {rest.orgs['jobs'].jwt}"}
    owner.post("/v1/invitations", json={"email": email, "role": "member"})
    accept(stranger, rest, email)
    invited = stranger.post("/v1/invitations", json={"email": email, "role": "read_only"}, headers=other)
    assert invited.status_code == 201
    until_sync(lambda: len(mails_to(rest.captured, email)) == 2)
    token = token_in(mails_to(rest.captured, email)[-1])
    assert stranger.post("/v1/auth/invitation", json={"token": token}).status_code == 200
    headers = session_of(stranger, email, rest.orgs["idle"].org_id)
    body = {"org_id": rest.orgs["jobs"].org_id}
    answer = stranger.post("/v1/auth/organisation", json=body, headers=headers)
    golden.check("auth/organisation", answer)
    assert stranger.get("/v1/auth/me", headers=headers).status_code == 401
    moved = {"authorization": f"Bearer {answer.json()['token']}"}
    assert stranger.get("/v1/auth/me", headers=moved).json()["org_id"] == rest.orgs["jobs"].org_id


def test_invitation_is_withdrawn(
    owner: httpx.Client, stranger: httpx.Client, rest: Stack, golden: Golden
) -> None:
    """C-77."""
    email = "unwanted@members.example.com"
    id = owner.post("/v1/invitations", json={"email": email}).json()["id"]
    golden.check("invitations/delete", owner.delete(f"/v1/invitations/{id}"))
    golden.check("errors/invitation-not-found", owner.delete(f"/v1/invitations/{id}"))
    assert accept(stranger, rest, email).status_code == 422
    assert owner.delete(f"/v1/invitations/{NOWHERE}").status_code == 404


def test_owners_read_who_changed_what(stranger: httpx.Client, rest: Stack, golden: Golden) -> None:
    """C-77; sends and reads are not in it, nor calls that were refused."""
    org = rest.orgs["monthly"]
    owner = {"authorization": f"Bearer {org.jwt}"}
    key = {"authorization": f"Bearer {org.api_key}"}
    made = stranger.post("/v1/api-keys", json={"name": "audited"}, headers=owner).json()
    stranger.post("/v1/api-keys", json={"name": ""}, headers=owner)
    stranger.post("/v1/suppressions", json={"email": "gone@example.org"}, headers=key)
    stranger.get("/v1/api-keys", headers=owner)
    email = {"from": f"a@{org.domain}", "to": "a@example.org", "subject": "s", "text": "t"}
    assert stranger.post("/v1/emails", json=email, headers=key).status_code == 200
    stranger.delete(f"/v1/api-keys/{made['id']}", headers=owner)
    stranger.post("/v1/invitations", json={"email": "auditor@members.example.com"}, headers=owner)
    accept(stranger, rest, "auditor@members.example.com")
    golden.check("audit-log/list", stranger.get("/v1/audit-log", headers=owner))
    member = session_of(stranger, "auditor@members.example.com", org.org_id)
    assert stranger.get("/v1/audit-log", headers=member).status_code == 401


def test_owner_closes_an_organisation(stranger: httpx.Client, rest: Stack, golden: Golden) -> None:
    """Z-59: nobody has access to it any more; the person goes on elsewhere."""
    email, org = "founder@members.example.com", rest.orgs["jobs"]
    post(stranger, "register", {"email": email, "password": PASSWORD, "organisation": "Short-lived"})
    post(stranger, "confirm", {"token": token_in(mail_to(rest.captured, email, "Confirm your address"))})
    login = {"email": email, "password": PASSWORD}
    headers = {"authorization": f"Bearer {post(stranger, 'login', login).json()['token']}"}
    key = stranger.post("/v1/api-keys", json={"name": "x"}, headers=headers).json()["key"]
    wrong = stranger.post("/v1/organisation/close", json={"password": "wrong"}, headers=headers)
    assert (wrong.status_code, wrong.json()["error"]) == (401, "The address or the password is wrong.")
    closed = stranger.post("/v1/organisation/close", json={"password": PASSWORD}, headers=headers)
    golden.check("organisation/close", closed)
    assert stranger.get("/v1/auth/me", headers=headers).status_code == 401
    with_key = {"authorization": f"Bearer {key}"}
    until_sync(lambda: stranger.get("/v1/domains", headers=with_key).status_code == 401)
    golden.check_same("errors/not-a-member", post(stranger, "login", login))
    mail_to(rest.captured, email, "An organisation was closed")
    inviter = {"authorization": f"Bearer {org.jwt}"}
    stranger.post("/v1/invitations", json={"email": email}, headers=inviter)
    assert accept(stranger, rest, email).status_code == 200
    assert post(stranger, "login", login).json()["org_id"] == org.org_id


def post(client: httpx.Client, route: str, body: dict[str, str]) -> httpx.Response:
    """Calls a route of sign-in."""
    return client.post(f"/v1/auth/{route}", json=body)


def test_invitations_of_a_day_are_limited(rest: Stack, golden: Golden) -> None:
    """Z-46, C-77."""
    headers = {"authorization": f"Bearer {rest.orgs['burst'].jwt}"}
    with httpx.Client(base_url=rest.http, headers=headers, timeout=30) as session:
        for number in range(MAX_INVITATIONS):
            made = session.post("/v1/invitations", json={"email": f"{number}@members.example.com"})
            assert made.status_code == 201
        one_more = session.post("/v1/invitations", json={"email": "more@members.example.com"})
        golden.check("errors/too-many-invitations", one_more)
