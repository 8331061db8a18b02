"""Contacts and their lists by REST, and with Resend's names (contract rows Z-49, C-11, section D)."""

from collections.abc import Callable
from urllib.parse import quote

import httpx
import pytest
import resend

from tests.harness.stack import Stack
from tests.rest.golden import Golden

UNKNOWN = "0123456789abcdef01234567"


@pytest.fixture
def shop(session_of: Callable[[str], httpx.Client]) -> httpx.Client:
    """The session of an organisation whose contacts no other tests change."""
    return session_of("contacts")


@pytest.fixture
def sdk(rest: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Resend's SDK, pointed at the stack, with a session."""
    monkeypatch.setattr(resend, "api_url", f"{rest.http}/v1")
    monkeypatch.setattr(resend, "api_key", rest.owner.jwt)


def test_contact_is_created_shown_changed_and_deleted(session: httpx.Client, golden: Golden) -> None:
    """C-11, section D: in a path an address comes percent-encoded or raw."""
    new = {"email": " Ada@Example.org", "name": "Ada Lovelace"}
    created = session.post("/v1/contacts", json=new)
    golden.check("contacts/create", created)
    golden.check("contacts/get", session.get(f"/v1/contacts/{created.json()['id']}"))
    for written in ("ada@example.org", quote("Ada@example.org", safe="")):
        golden.check_same("contacts/get", session.get(f"/v1/contacts/{written}"))
    changes = {"last_name": "King", "unsubscribed": True}
    golden.check("contacts/update", session.patch("/v1/contacts/ada@example.org", json=changes))
    again = session.post("/v1/contacts", json={"email": "ada@example.org", "unsubscribed": False})
    golden.check_same("contacts/update", session.get("/v1/contacts/ada@example.org"))
    assert again.json()["unsubscribed"] is True
    golden.check("contacts/delete", session.delete("/v1/contacts/ada@example.org"))
    golden.check("errors/contact-not-found", session.get("/v1/contacts/ada@example.org"))


def test_address_with_a_name_names_the_contact_as_in_an_import(session: httpx.Client) -> None:
    """C-37: the name in the address counts where the request gives no other."""
    created = session.post("/v1/contacts", json={"email": "Grace Hopper <grace@example.org>"}).json()
    assert (created["email"], created["name"]) == ("grace@example.org", "Grace Hopper")
    again = {"email": "Grace Hopper <grace@example.org>", "last_name": "Murray"}
    changed = session.post("/v1/contacts", json=again).json()
    assert (changed["first_name"], changed["last_name"]) == ("Grace", "Murray")
    session.delete("/v1/contacts/grace@example.org")


def test_contacts_are_listed_and_removed_together(shop: httpx.Client, golden: Golden) -> None:
    """C-7, C-11, Z-48."""
    for name in ("one", "two", "three"):
        shop.post("/v1/contacts", json={"email": f"{name}@list.example.org", "first_name": name.title()})
    golden.check("contacts/list", shop.get("/v1/contacts", params={"limit": 2}))
    golden.check(
        "contacts/search", shop.get("/v1/contacts", params={"search": "TWO", "unsubscribed": "false"})
    )
    golden.check("contacts/quota", shop.get("/v1/contacts/quota"))
    batch = {"contacts": ["one@list.example.org", "nobody@list.example.org"]}
    golden.check("contacts/batch-remove", shop.post("/v1/contacts/batch/remove", json=batch))
    ids = [contact["id"] for contact in shop.get("/v1/contacts").json()["data"]]
    # Their names stand in the query or in the body, which some programs drop from a DELETE.
    removed = shop.delete("/v1/contacts", params={"ids": ids[:1]})
    assert removed.json() == {"object": "contact", "deleted": True, "deleted_count": 1}
    for name in ("ids", "contacts"):
        shop.post("/v1/contacts", json={"email": "four@list.example.org"})
        batch = {name: [*ids[1:], "four@list.example.org"]}
        removed = shop.request("DELETE", "/v1/contacts", json=batch)
        assert (removed.status_code, removed.json()["deleted"]) == (200, True)
    assert shop.get("/v1/contacts").json()["total"] == 0
    for nothing in ({"json": {}}, {"params": {}}):
        assert shop.request("DELETE", "/v1/contacts", **nothing).status_code == 422


def test_lists_are_created_shown_changed_and_deleted(shop: httpx.Client, golden: Golden) -> None:
    """Z-49, C-11."""
    created = shop.post("/v1/contact-lists", json={"name": "Customers", "description": "Who bought"})
    golden.check("contact-lists/create", created)
    path = f"/v1/contact-lists/{created.json()['id']}"
    golden.check("contact-lists/get", shop.get(path))
    golden.check("contact-lists/list", shop.get("/v1/contact-lists"))
    golden.check("contact-lists/update", shop.patch(path, json={"name": "Buyers"}))
    assert shop.post(f"{path}/contacts", json={"email": "a@list.example.org"}).status_code == 201
    shop.post("/v1/contacts", json={"email": "b@list.example.org", "name": "Bob"})
    golden.check(
        "contact-lists/add-members", shop.post(f"{path}/members", json={"members": ["b@list.example.org"]})
    )
    golden.check("contact-lists/members", shop.get(f"{path}/members"))
    member = f"{path}/members/b@list.example.org"
    golden.check("contact-lists/remove-member", shop.delete(member))
    golden.check("errors/contact-list-member-not-found", shop.delete(member))
    of_contact = "/v1/contacts/b@list.example.org/contact-lists"
    golden.check("contacts/join-list", shop.post(f"{of_contact}/{created.json()['id']}", json={}))
    assert [item["id"] for item in shop.get(of_contact).json()["data"]] == [created.json()["id"]]
    assert shop.delete(f"{of_contact}/{created.json()['id']}").json()["deleted"] is True
    assert shop.get(of_contact).json()["data"] == []
    golden.check("contact-lists/delete", shop.delete(path))
    golden.check("errors/contact-list-not-found", shop.get(f"{path}/members"))
    # Z-49: the members stay contacts and still count.
    assert shop.get("/v1/contacts/quota").json()["current_count"] == 2
    shop.post("/v1/contacts/batch/remove", json={"contacts": ["a@list.example.org", "b@list.example.org"]})


def test_limits_of_the_plan_are_kept(session_of: Callable[[str], httpx.Client], golden: Golden) -> None:
    """Z-48, C-88: 422 naming number and cap."""
    few = session_of("full-of-contacts")
    assert few.post("/v1/contacts", json={"email": "one@example.org"}).status_code == 201
    golden.check("errors/contact-limit", few.post("/v1/contacts", json={"email": "two@example.org"}))
    assert few.post("/v1/contacts", json={"email": "one@example.org"}).status_code == 201
    assert few.post("/v1/contact-lists", json={"name": "One"}).status_code == 201
    golden.check("errors/contact-list-limit", few.post("/v1/contact-lists", json={"name": "Two"}))


def test_contacts_are_closed_to_api_keys(api: httpx.Client, golden: Golden) -> None:
    """Z-4, C-9: a sending key that leaks shows no addresses."""
    golden.check("errors/contacts-by-api-key", api.get("/v1/contacts"))
    assert api.post("/v1/contacts", json={"email": "x@example.org"}).status_code == 401


def test_wrong_contacts_are_refused(session: httpx.Client, golden: Golden) -> None:
    """Z-49, section D."""
    wrong = {"email": "nobody", "name": "Ada", "first_name": "Ada", "last_name": "a\nb"}
    golden.check("errors/contact", session.post("/v1/contacts", json=wrong))
    golden.check("errors/contact-list-name", session.post("/v1/contact-lists", json={"name": " "}))
    golden.check("errors/contacts-removed", session.post("/v1/contacts/batch/remove", json={"contacts": []}))
    missing = session.post("/v1/contacts", json={"email": "a@example.org", "segments": [{"id": UNKNOWN}]})
    assert missing.status_code == 404


@pytest.mark.parametrize("word", ["segment", "audience"])
def test_lists_have_resends_names(session: httpx.Client, word: str) -> None:
    """Section D."""
    made = session.post(f"/{word}s", json={"name": "Newsletter"}).json()
    path = f"/v1/{word}s/{made['id']}"
    assert (made["object"], made["name"]) == (word, "Newsletter")
    assert session.get(path).json()["object"] == word
    assert made["id"] in [item["id"] for item in session.get(f"/v1/{word}s").json()["data"]]
    assert {item["object"] for item in session.get(f"/v1/{word}s").json()["data"]} == {word}
    assert session.patch(path, json={"name": "News"}).json()["name"] == "News"
    contact = session.post(f"{path}/contacts", json={"email": f"{word}@example.org"}).json()
    assert contact["object"] == "contact"
    outside = session.post("/v1/contacts", json={"email": f"outside-{word}@example.org"}).json()
    listed = session.get(f"{path}/contacts").json()
    assert [item["id"] for item in listed["data"]] == [contact["id"]]
    assert session.get(f"{path}/contacts/{contact['id']}").json() == contact
    assert session.get(f"{path}/contacts/{outside['id']}").status_code == 404
    changed = session.patch(f"{path}/contacts/{word}@example.org", json={"first_name": "New"})
    assert changed.json()["first_name"] == "New"
    assert session.patch(f"{path}/contacts/{outside['id']}", json={}).status_code == 404
    left = session.delete(f"{path}/contacts/{contact['id']}").json()
    assert left == {"object": "contact", "id": contact["id"], "deleted": True, "contact": contact["id"]}
    assert session.get(f"/v1/contacts/{contact['id']}").status_code == 200
    assert session.delete(path).json() == {"object": word, "id": made["id"], "deleted": True}


@pytest.mark.usefixtures("sdk")
def test_resends_sdk_manages_contacts_and_segments() -> None:
    """Section D."""
    segment = resend.Segments.create({"name": "SDK"})
    assert segment["object"] == "segment"
    other = resend.Segments.create({"name": "Other"})
    contact = resend.Contacts.create(
        {
            "email": "sdk@example.org",
            "first_name": "Grace",
            "last_name": "Hopper",
            "segments": [{"id": segment["id"]}],
        }
    )
    shown = resend.Contacts.get(email="sdk@example.org")
    assert (shown["id"], shown["first_name"], shown["last_name"]) == (contact["id"], "Grace", "Hopper")
    assert shown["unsubscribed"] is False
    resend.Contacts.update({"email": "sdk@example.org", "unsubscribed": True})
    assert resend.Contacts.get(id=contact["id"])["unsubscribed"] is True
    listed = resend.Contacts.list(segment_id=segment["id"])
    assert [item["id"] for item in listed["data"]] == [contact["id"]]
    assert contact["id"] in [item["id"] for item in resend.Contacts.list()["data"]]
    resend.Contacts.Segments.add({"contact_id": contact["id"], "segment_id": other["id"]})
    its = resend.Contacts.Segments.list({"contact_id": contact["id"]})
    assert [item["id"] for item in its["data"]] == [other["id"], segment["id"]]
    resend.Contacts.Segments.remove({"email": "sdk@example.org", "segment_id": other["id"]})
    assert resend.Contacts.list(segment_id=other["id"])["data"] == []
    audience = resend.Contacts.create({"email": "sdk2@example.org", "audience_id": other["id"]})
    assert resend.Contacts.get(audience_id=other["id"], id=audience["id"])["email"] == "sdk2@example.org"
    resend.Segments.update(segment["id"], {"name": "Renamed"})
    assert resend.Segments.get(segment["id"])["name"] == "Renamed"
    assert resend.Segments.list()["object"] == "list"
    assert resend.Contacts.remove(email="sdk@example.org")["deleted"] is True
    for id in (segment["id"], other["id"]):
        assert resend.Segments.remove(id)["deleted"] is True
