"""Sends to lists by REST (contract row Z-55)."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.harness.stack import Stack
from tests.harness.waiting import until_sync
from tests.rest.golden import Golden

ENDED = ("completed", "canceled", "failed")


def list_of(session: httpx.Client, name: str, *emails: str) -> str:
    """The id of a new list with these members."""
    list_id = str(session.post("/v1/contact-lists", json={"name": name}).json()["id"])
    for number, email in enumerate(emails):
        new = {"email": email, "name": f"Ms {number}", "contact_list_id": list_id}
        assert session.post("/v1/contacts", json=new).status_code == 201
    return list_id


def ended(session: httpx.Client, id: str) -> httpx.Response:
    """The answer about a send after its end."""

    def answer() -> httpx.Response | None:
        shown = session.get(f"/v1/contact-list-sends/{id}")
        return shown if shown.json()["status"] in ENDED else None

    return until_sync(answer)


@pytest.fixture
def news(rest: Stack) -> dict[str, Any]:
    """An email to a list of the owner's."""
    return {
        "from": f"News <news@{rest.owner.domain}>",
        "subject": "News for {{name}}",
        "html": "<p>Dear {{first_name}}, {{email}}</p>",
        "reply_to": f"help@{rest.owner.domain}",
    }


def test_list_is_sent_to_and_its_progress_is_shown(
    session: httpx.Client, api: httpx.Client, golden: Golden, news: dict[str, Any]
) -> None:
    """Z-55."""
    list_id = list_of(session, "Readers", "one@news.example.org", "two@news.example.org")
    session.patch("/v1/contacts/two@news.example.org", json={"unsubscribed": True})
    begun = session.post(f"/v1/contact-lists/{list_id}/send", json=news)
    golden.check_answer(begun)
    assert begun.json()["member_count"] == 2
    id = begun.json()["id"]
    end = ended(session, id)
    golden.check("contact-list-sends/get", end)
    golden.check_answer(session.get("/v1/contact-list-sends"))
    assert id in [item["id"] for item in session.get("/v1/contact-list-sends").json()["data"]]
    [email] = api.get("/v1/emails", params={"job_id": id}).json()["data"]
    assert (email["to"], email["subject"]) == (["one@news.example.org"], "News for Ms 0")
    shown = api.get(f"/v1/emails/{email['id']}").json()
    assert shown["html"] == "<p>Dear Ms, one@news.example.org</p>"
    golden.check("contact-list-sends/cancel", session.post(f"/v1/contact-list-sends/{id}/cancel"))


def test_repeated_request_begins_no_second_send(
    session_of: Callable[[str], httpx.Client], golden: Golden, news: dict[str, Any]
) -> None:
    """Z-55, F-1."""
    session = session_of("list-sends")
    news["from"] = "news@list-sends.example.com"
    list_id = list_of(session, "Empty")
    path, key = f"/v1/contact-lists/{list_id}/send", {"Idempotency-Key": "one-send"}
    first = session.post(path, json=news, headers=key)
    ended(session, first.json()["id"])
    again = session.post(path, json=news, headers=key)
    assert again.json()["id"] == first.json()["id"]
    assert (again.headers["idempotent-replayed"], "idempotent-replayed" in first.headers) == ("true", False)
    golden.check("contact-list-sends/replayed", again)
    other = session.post(path, json={**news, "subject": "Other"}, headers=key)
    assert other.status_code == 409
    golden.check_answer(other)
    golden.check("contact-list-sends/list", session.get("/v1/contact-list-sends"))


def test_wrong_sends_are_refused(session: httpx.Client, golden: Golden, news: dict[str, Any]) -> None:
    """Z-55."""
    path = f"/v1/contact-lists/{list_of(session, 'Wrong')}/send"
    wrong = {**news, "subject": "{{nmae}}", "html": ""}
    golden.check("errors/contact-list-send", session.post(path, json=wrong))
    unverified = session.post(path, json={**news, "from": "a@unverified.example.org"})
    assert unverified.status_code == 422
    golden.check("errors/contact-list-send-not-found", session.get(f"/v1/contact-list-sends/{'0' * 24}"))


def test_sends_are_closed_to_api_keys(api: httpx.Client, news: dict[str, Any]) -> None:
    """Z-4, C-9: a key that leaks writes to no list."""
    assert api.post(f"/v1/contact-lists/{'0' * 24}/send", json=news).status_code == 401
    assert api.get("/v1/contact-list-sends").status_code == 401
