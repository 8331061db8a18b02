"""Sending and reading emails: Z-11 to Z-19, Z-26 to Z-28, C-4, C-7, C-17, F-1."""

from typing import Any

import httpx

from tests.harness.stack import Stack
from tests.harness.waiting import until_sync
from tests.rest.golden import Golden

EMAIL = {
    "from": "Acme <hello@mail.example.com>",
    "to": ["Ada <ada@example.org>"],
    "subject": "Your order",
    "text": "It is on its way.",
}
FULL = {
    **EMAIL,
    "cc": ["cc@example.org"],
    "bcc": ["bcc@example.org"],
    "reply_to": ["help@mail.example.com"],
    "html": "<p>It is on its way.</p>",
    "headers": {"X-Order": "4711"},
    "tags": [{"name": "kind", "value": "shipping"}],
}


def delivered(api: httpx.Client, id: str, status: str = "delivered") -> httpx.Response:
    """The email, once everything that will happen to it has happened."""

    def read() -> httpx.Response | None:
        answer = api.get(f"/v1/emails/{id}")
        return answer if answer.json()["status"] == status else None

    answer = until_sync(read, message=f"{id} was never {status}")
    assert answer is not None
    return answer


def test_send_returns_the_id(api: httpx.Client, golden: Golden) -> None:
    """Z-11."""
    golden.check("emails/send", api.post("/v1/emails", json=EMAIL))


def test_an_email_is_read_back_with_its_recipients_and_events(api: httpx.Client, golden: Golden) -> None:
    """Z-28 and F-3."""
    sent = api.post("/v1/emails", json={**FULL, "cc": [], "bcc": []})
    golden.check("emails/get", delivered(api, sent.json()["id"]))


def test_alternative_forms_of_a_value_read_the_same(api: httpx.Client) -> None:
    """C-17, C-38."""
    short = {
        **FULL,
        "to": FULL["to"][0],
        "cc": FULL["cc"][0],
        "bcc": FULL["bcc"][0],
        "reply_to": FULL["reply_to"][0],
        "tags": {"kind": "shipping"},
        "html": "",
    }
    emails = []
    for body in (short, {**FULL, "html": None}):
        email = api.get(f"/v1/emails/{api.post('/v1/emails', json=body).json()['id']}").json()
        names = ("from", "to", "cc", "bcc", "reply_to", "subject", "html", "text", "headers", "tags")
        emails.append({name: email[name] for name in names})
    assert emails[0] == emails[1]
    assert emails[0]["html"] is None
    assert emails[0]["bcc"] == FULL["bcc"]


def test_empty_address_strings_are_no_addresses(api: httpx.Client) -> None:
    sent = api.post("/v1/emails", json={**EMAIL, "cc": "", "bcc": "", "reply_to": ""})
    email = api.get(f"/v1/emails/{sent.json()['id']}").json()
    assert (email["cc"], email["bcc"], email["reply_to"]) == ([], [], [])


def test_emails_are_listed_newest_first(other_api: httpx.Client, golden: Golden) -> None:
    """Z-27, C-7."""
    for number in (1, 2, 3):
        body = {**EMAIL, "from": "a@mail.example.net", "subject": f"Number {number}"}
        delivered(other_api, other_api.post("/v1/emails", json=body).json()["id"])
    golden.check("emails/list", other_api.get("/v1/emails", params={"limit": 2}))
    golden.check("emails/list-last-page", other_api.get("/v1/emails", params={"limit": 2, "page": 2}))
    golden.check("emails/list-search", other_api.get("/v1/emails", params={"search": "Number 2"}))
    newest = other_api.get("/v1/emails", params={"limit": 1}).json()["data"][0]["id"]
    after = other_api.get("/v1/emails", params={"after": newest}).json()["data"]
    assert [email["subject"] for email in after] == ["Number 2", "Number 1"]


def test_limit_above_100_is_clamped_to_100(api: httpx.Client) -> None:
    """C-20."""
    assert api.get("/v1/emails", params={"limit": 1000}).json()["limit"] == 100


def test_invalid_limit_is_refused(api: httpx.Client, golden: Golden) -> None:
    """C-20."""
    golden.check("errors/limit-zero", api.get("/v1/emails", params={"limit": 0}))
    golden.check("errors/limit-text", api.get("/v1/emails", params={"limit": "abc"}))


def test_batch_returns_the_ids_in_order(api: httpx.Client, golden: Golden) -> None:
    """C-4."""
    answer = api.post("/v1/emails/batch", json=[{**EMAIL, "subject": "1"}, {**EMAIL, "subject": "2"}])
    golden.check("emails/batch", answer)
    subjects = [api.get(f"/v1/emails/{email['id']}").json()["subject"] for email in answer.json()["data"]]
    assert subjects == ["1", "2"]


def test_strict_batch_with_an_invalid_email_sends_nothing(api: httpx.Client, golden: Golden) -> None:
    """C-4."""
    before = api.get("/v1/emails").json()["total"]
    batch = [EMAIL, {**EMAIL, "to": "nobody"}, {**EMAIL, "subject": None}]
    golden.check("emails/batch-strict", api.post("/v1/emails/batch", json={"emails": batch}))
    foreign = [EMAIL, {**EMAIL, "from": "a@unknown.example"}]
    golden.check("emails/batch-strict-domain", api.post("/v1/emails/batch", json=foreign))
    assert api.get("/v1/emails").json()["total"] == before


def test_permissive_batch_sends_its_valid_emails(api: httpx.Client, golden: Golden) -> None:
    """C-4."""
    batch = [{**EMAIL, "to": "nobody"}, EMAIL, {**EMAIL, "from": "a@unknown.example"}]
    headers = {"x-batch-validation": "permissive"}
    golden.check("emails/batch-permissive", api.post("/v1/emails/batch", json=batch, headers=headers))


def test_a_batch_holds_one_to_a_hundred(api: httpx.Client, golden: Golden) -> None:
    """C-4."""
    golden.check("errors/batch-empty", api.post("/v1/emails/batch", json=[]))
    golden.check("errors/batch-101", api.post("/v1/emails/batch", json=[EMAIL] * 101))


def test_repeated_send_gets_the_first_answer(api: httpx.Client, golden: Golden) -> None:
    """F-1."""
    headers = {"idempotency-key": "order-4711"}
    first = api.post("/v1/emails", json=EMAIL, headers=headers)
    again = api.post("/v1/emails", json=EMAIL, headers=headers)
    assert again.json() == first.json()
    golden.check("emails/send-replayed", again)
    golden.check(
        "errors/idempotency-reused", api.post("/v1/emails", json={**EMAIL, "text": "x"}, headers=headers)
    )


def test_idempotency_key_may_be_in_the_emails_headers(api: httpx.Client, rest: Stack) -> None:
    """F-1: where programs put it that can set these only. Recipients never see it."""
    email = {**EMAIL, "headers": {"Idempotency-KEY": "among-headers", "X-Order": "4711"}}
    first = api.post("/v1/emails", json=email)
    for body, headers in (
        (email, {}),
        ({**EMAIL, "headers": {"X-Order": "4711"}}, {"idempotency-key": "among-headers"}),
    ):
        again = api.post("/v1/emails", json=body, headers=headers)
        assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    (item,) = api.post("/v1/emails/batch", json=[email]).json()["data"]
    assert item == first.json()
    read = delivered(api, first.json()["id"]).json()
    assert read["headers"] == {"X-Order": "4711"}
    message = (rest.captured / f"{read['id']}.1.eml").read_bytes().lower()
    assert b"x-order: 4711" in message
    assert b"idempotency" not in message
    # Whoever gives one in its own place means that one; an empty one is none.
    other = api.post("/v1/emails", json=email, headers={"idempotency-key": "in-its-place"})
    assert other.json() != first.json()
    for _ in range(2):
        free = api.post("/v1/emails", json={**EMAIL, "headers": {"Idempotency-Key": ""}})
        assert "idempotent-replayed" not in free.headers


def test_no_headers_may_be_an_empty_array(api: httpx.Client) -> None:
    """As PHP writes an empty object."""
    answer = api.post("/v1/emails", json={**EMAIL, "headers": []})
    assert answer.status_code == 200, answer.json()
    assert api.post("/v1/emails", json={**EMAIL, "headers": ["X-A: b"]}).status_code == 422


def test_repeated_batch_gets_the_first_answer(api: httpx.Client, golden: Golden) -> None:
    """F-1."""
    headers = {"idempotency-key": "batch-4711"}
    first = api.post("/v1/emails/batch", json=[EMAIL, EMAIL], headers=headers)
    again = api.post("/v1/emails/batch", json=[EMAIL, EMAIL], headers=headers)
    assert again.json() == first.json()
    golden.check("emails/batch-replayed", again)


def test_an_idempotency_key_has_1_to_256_characters(api: httpx.Client, golden: Golden) -> None:
    """F-1."""
    first, *others = [
        api.post("/v1/emails", json=EMAIL, headers={"idempotency-key": key}) for key in ("", "k" * 257)
    ]
    golden.check("errors/idempotency-invalid", first)
    for answer in others:
        golden.check_same("errors/idempotency-invalid", answer)


def test_all_missing_fields_are_listed_in_one_error(api: httpx.Client, golden: Golden) -> None:
    """Z-12 to Z-15; an empty body is an empty object (section D)."""
    headers = {"content-type": "application/json"}
    golden.check("errors/send-empty", api.post("/v1/emails", headers=headers))
    assert api.post("/v1/emails", json={}).json() == api.post("/v1/emails", headers=headers).json()


def test_send_from_an_unverified_domain_is_refused(api: httpx.Client, golden: Golden) -> None:
    """Z-7, Z-12."""
    body = {**EMAIL, "from": "hello@unknown.example"}
    golden.check("errors/domain-not-verified", api.post("/v1/emails", json=body))


def test_session_cannot_send(session: httpx.Client, golden: Golden) -> None:
    """Z-11, C-9."""
    golden.check("errors/send-with-session", session.post("/v1/emails", json=EMAIL))


def test_session_reads_emails(session: httpx.Client, api: httpx.Client) -> None:
    """Z-27, Z-28."""
    id = api.post("/v1/emails", json=EMAIL).json()["id"]
    assert session.get(f"/v1/emails/{id}").json()["id"] == id
    assert session.get("/v1/emails").status_code == 200


def test_unknown_email_is_not_found(api: httpx.Client, other_api: httpx.Client, golden: Golden) -> None:
    """Z-28, C-48."""
    golden.check("errors/email-not-found", api.get(f"/v1/emails/{'0' * 24}"))
    id = api.post("/v1/emails", json=EMAIL).json()["id"]
    foreign = other_api.get(f"/v1/emails/{id}")
    golden.check_same("errors/email-not-found", foreign)


def test_events_are_listed_in_their_order(api: httpx.Client, golden: Golden) -> None:
    """F-8."""
    id = api.post("/v1/emails", json=EMAIL).json()["id"]
    delivered(api, id)
    first = api.get("/v1/events", params={"email_id": id, "limit": 1})
    golden.check("events/list", first)
    cursor = first.json()["next_cursor"]
    second = api.get("/v1/events", params={"email_id": id, "after": cursor}).json()
    assert [event["type"] for event in second["data"]] == ["email.delivered"]
    bounced: Any = api.get("/v1/events", params={"email_id": id, "types": "email.bounced"}).json()
    assert bounced["data"] == []


def test_unknown_event_type_is_refused(api: httpx.Client, golden: Golden) -> None:
    """F-8."""
    golden.check("errors/event-type", api.get("/v1/events", params={"types": "email.exploded"}))
