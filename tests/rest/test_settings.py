"""Domains, API keys and webhooks: Z-30 to Z-40, C-7, C-9, C-16, section D."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.harness.dns_server import DnsServer
from tests.harness.waiting import until_sync
from tests.rest.golden import Golden

NOWHERE = "0" * 24


def test_a_domain_is_added_with_the_records_to_publish(api: httpx.Client, golden: Golden) -> None:
    """Z-30; Resend's `name` stands for `domain`."""
    answer = api.post("/v1/domains", json={"domain": "one.example.com"})
    golden.check("domains/create", answer)
    golden.check("domains/get", api.get(f"/v1/domains/{answer.json()['id']}"))
    again = api.post("/v1/domains", json={"name": "ONE.example.com"})
    golden.check("errors/domain-exists", again)


def test_first_organisation_to_verify_owns_the_domain(api: httpx.Client, golden: Golden) -> None:
    """Z-8, C-45."""
    golden.check("errors/domain-owned", api.post("/v1/domains", json={"domain": "mail.example.net"}))


def test_domain_is_verified_by_its_dns_records(api: httpx.Client, dns: DnsServer, golden: Golden) -> None:
    """Z-33: SPF and DKIM decide."""
    domain = api.post("/v1/domains", json={"name": "two.example.com"}).json()
    golden.check("domains/verify-failed", api.post(f"/v1/domains/{domain['id']}/verify"))
    dns.zones |= {
        (record["name"], record["type"]): [record["value"]]
        for record in domain["records"]
        if record["required"]
    }
    golden.check("domains/verify", api.post(f"/v1/domains/{domain['id']}/verify", json={}))


def test_domain_is_updated_and_its_keys_are_rotated(api: httpx.Client, golden: Golden) -> None:
    """Section D, F-11: the new keys' records stand beside the present ones."""
    id = api.post("/v1/domains", json={"domain": "four.example.com", "open_tracking": True}).json()["id"]
    changes = {"id": id, "click_tracking": True, "open_tracking": False, "tls": "enforced"}
    golden.check("domains/update", api.patch(f"/v1/domains/{id}", json=changes))
    golden.check("domains/rotate", api.post(f"/v1/domains/{id}/dkim/rotate"))
    golden.check("errors/domain-tls", api.patch(f"/v1/domains/{id}", json={"tls": "never"}))


def test_a_domain_is_removed(api: httpx.Client, golden: Golden) -> None:
    """Z-34, C-16."""
    id = api.post("/v1/domains", json={"domain": "three.example.com"}).json()["id"]
    golden.check("domains/delete", api.request("DELETE", f"/v1/domains/{id}", json={}))
    golden.check("errors/domain-not-found", api.delete(f"/v1/domains/{id}"))


def test_domains_are_listed_without_records(other_api: httpx.Client, golden: Golden) -> None:
    """Z-31, C-7."""
    golden.check("domains/list", other_api.get("/v1/domains"))


@pytest.mark.parametrize(
    "domain", ["", "localhost", "a b.example", "-a.example", "x" * 70 + ".example", "1.2.3.4"]
)
def test_invalid_host_name_is_refused(api: httpx.Client, domain: str) -> None:
    answer = api.post("/v1/domains", json={"domain": domain})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["domain"]


def test_an_api_key_is_shown_once(session: httpx.Client, golden: Golden) -> None:
    """Z-35; `token` is Resend's name."""
    answer = session.post("/v1/api-keys", json={"name": "ci", "permission": "sending_access"})
    golden.check("api-keys/create", answer)
    key = answer.json()
    assert key["token"] == key["key"]
    assert key["key"] not in session.get("/v1/api-keys").text
    golden.check("api-keys/delete", session.delete(f"/v1/api-keys/{key['id']}"))
    golden.check("errors/api-key-not-found", session.delete(f"/v1/api-keys/{NOWHERE}"))


def test_api_key_may_be_bound_to_domains_and_networks(
    session: httpx.Client, api: httpx.Client, golden: Golden
) -> None:
    """F-5, F-7."""
    body = {
        "name": "bound",
        "permission": "send_only",
        "allowed_domains": ["MAIL.example.com"],
        "allowed_ips": ["192.0.2.7", "2001:db8::/32"],
        "expires_at": "2099-01-01T00:00:00Z",
        "test": True,
    }
    answer = session.post("/v1/api-keys", json=body)
    golden.check("api-keys/create-bound", answer)
    id, headers = answer.json()["id"], {"authorization": f"Bearer {answer.json()['key']}"}
    golden.check("api-keys/update", session.patch(f"/v1/api-keys/{id}", json={"name": "renamed"}))
    with httpx.Client(base_url=session.base_url, headers=headers) as elsewhere:
        golden.check("errors/address-not-allowed", elsewhere.get("/v1/domains"))
    session.delete(f"/v1/api-keys/{id}")
    wrong = {"name": "x", "allowed_domains": ["else.example"], "allowed_ips": ["here"]}
    golden.check("errors/api-key-bounds", session.post("/v1/api-keys", json=wrong))


def test_api_keys_are_listed_by_prefix(
    other_session: httpx.Client, other_api: httpx.Client, golden: Golden
) -> None:
    """Z-36."""
    other_api.get("/v1/domains")
    until_sync(lambda: other_session.get("/v1/api-keys").json()["data"][0]["last_used_at"])
    golden.check("api-keys/list", other_session.get("/v1/api-keys"))


def test_an_api_key_cannot_make_or_revoke_keys(api: httpx.Client, golden: Golden) -> None:
    """Z-4, C-9."""
    golden.check("errors/api-key-with-api-key", api.post("/v1/api-keys", json={"name": "x"}))
    golden.check_same("errors/api-key-with-api-key", api.delete(f"/v1/api-keys/{NOWHERE}"))


def test_an_api_key_lists_keys(api: httpx.Client) -> None:
    """Z-36, C-9."""
    assert api.get("/v1/api-keys").status_code == 200


@pytest.mark.parametrize("name", ["", "x" * 101])
def test_an_api_key_has_a_name_of_1_to_100_characters(session: httpx.Client, name: str) -> None:
    """Z-35."""
    answer = session.post("/v1/api-keys", json={"name": name})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["name"]


@pytest.mark.parametrize(
    ("permission", "shown"),
    [
        ("full", "full"),
        ("full_access", "full"),
        ("send_only", "send_only"),
        ("read_only", "read_only"),
        (None, "full"),
    ],
)
def test_permissions_have_both_families_of_names(
    session: httpx.Client, permission: str | None, shown: str
) -> None:
    answer = session.post("/v1/api-keys", json={"name": "x", "permission": permission})
    assert answer.json()["permission"] == shown
    assert session.delete(f"/v1/api-keys/{answer.json()['id']}").status_code == 200


def test_key_is_limited_to_its_permission(session: httpx.Client, golden: Golden) -> None:
    """C-9, F-7."""
    key = session.post("/v1/api-keys", json={"name": "x", "permission": "send_only"}).json()
    headers = {"authorization": f"Bearer {key['key']}"}
    with httpx.Client(base_url=session.base_url, headers=headers) as sender:
        golden.check("errors/missing-permission", sender.get("/v1/domains"))
    session.delete(f"/v1/api-keys/{key['id']}")


def test_a_webhook_shows_its_secret_once(api: httpx.Client, golden: Golden) -> None:
    """Z-38 to Z-40; `endpoint` and `signing_secret` are Resend's names."""
    body = {"endpoint": "https://127.0.0.1:9/hook", "events": ["email.sent", "email.delivered"]}
    answer = api.post("/v1/webhooks", json=body)
    golden.check("webhooks/create", answer)
    golden.check("webhooks/list", api.get("/v1/webhooks"))
    golden.check("webhooks/delete", api.delete(f"/v1/webhooks/{answer.json()['id']}"))
    golden.check("errors/webhook-not-found", api.delete(f"/v1/webhooks/{NOWHERE}"))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "https://127.0.0.1/x"}, "events"),
        ({"url": "https://127.0.0.1/x", "events": []}, "events"),
        ({"url": "https://127.0.0.1/x", "events": ["email.exploded"]}, "events[0]"),
        ({"url": "ftp://127.0.0.1/x", "events": ["email.sent"]}, "url"),
        ({"url": "", "events": ["email.sent"]}, "url"),
        ({"events": ["email.sent"]}, "url"),
    ],
)
def test_webhook_needs_a_url_and_events(api: httpx.Client, body: object, field: str) -> None:
    """Z-38."""
    answer = api.post("/v1/webhooks", json=body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_bound_key_sends_from_its_domains_only(
    session: httpx.Client, api: httpx.Client, golden: Golden
) -> None:
    """F-7, S-16."""
    api.post("/v1/domains", json={"domain": "six.example.com"})
    key = session.post("/v1/api-keys", json={"name": "x", "allowed_domains": ["six.example.com"]}).json()
    headers = {"authorization": f"Bearer {key['key']}"}
    body = {"from": "a@mail.example.com", "to": "a@example.org", "subject": "s", "text": "t"}
    with httpx.Client(base_url=session.base_url, headers=headers) as sender:
        golden.check("errors/domain-not-allowed", sender.post("/v1/emails", json=body))
        tomorrow, later = (datetime.now(UTC) + timedelta(days=days) for days in (1, 2))
        waiting = {**body, "scheduled_at": tomorrow.isoformat()}
        id = api.post("/v1/emails", json=waiting).json()["id"]
        moved = sender.patch(f"/v1/emails/{id}", json={"scheduled_at": later.isoformat()})
        canceled = sender.post(f"/v1/emails/{id}/cancel")
        unknown = sender.post(f"/v1/emails/{'0' * 24}/cancel")
    assert [answer.status_code for answer in (moved, canceled, unknown)] == [403, 403, 404]
    assert api.get(f"/v1/emails/{id}").json()["status"] == "scheduled"
    # As some clients cancel: a body without a byte, of a type that is none of JSON's (section D).
    headers = {"content-type": "application/octet-stream"}
    assert api.post(f"/v1/emails/{id}/cancel", headers=headers, content=b"").status_code == 200
    session.delete(f"/v1/api-keys/{key['id']}")
