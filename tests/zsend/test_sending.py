"""Sends: S-3 to S-7, V-8, C-17, C-22, C-24, C-29."""

import base64
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.harness.waiting import until_sync
from tests.rest.golden import Golden
from tests.zsend.emails import ahead, email_of

MIB = 1 << 20
FILE = {"filename": "a.pdf", "content": base64.b64encode(b"%PDF").decode(), "content_type": "application/pdf"}


def test_a_send_is_answered_in_both_documented_forms(api: httpx.Client, golden: Golden) -> None:
    """S-3, V-8, C-29."""
    whole = email_of(
        "shop",
        cc=["bob@example.org"],
        bcc=["eve@example.org"],
        reply_to=["help@example.org"],
        text="It is on its way.",
        attachments=[FILE],
        headers={"X-Own": "1"},
        tags={"campaign": "welcome", "user_id": "12345"},
    )
    sent = api.post("/emails", json=whole)
    golden.check("send", sent)
    assert sent.json()["id"] == sent.json()["email_id"]
    read = f"/emails/{sent.json()['id']}"
    until_sync(lambda: api.get(read).json()["status"] == "delivered", message="it was never delivered")
    golden.check("get", api.get(read))


def test_texts_and_lists_are_accepted_in_both_forms(api: httpx.Client) -> None:
    """C-17, C-50, C-54."""
    other = email_of("shop", to="a@example.org, b@example.org", replyTo="c@example.org")
    other |= {"tags": [{"name": "kind", "value": "news"}], "somethingElse": 1, "text": ""}
    id = api.post("/emails", json=other).raise_for_status().json()["id"]
    shown = api.get(f"/emails/{id}").json()
    assert (shown["to"], shown["reply_to"]) == (["a@example.org", "b@example.org"], ["c@example.org"])
    assert (shown["tags"], shown["text"]) == ({"kind": "news"}, "")


def test_a_repeated_send_gets_the_first_answer(api: httpx.Client, golden: Golden) -> None:
    """F-1, S-21."""
    email, key = email_of("shop", subject="Once"), {"idempotency-key": "order-1"}
    first = api.post("/emails", json=email, headers=key)
    again = api.post("/emails", json=email, headers=key)
    assert first.json() == again.json()
    golden.check("send-again", again)
    golden.check("errors/idempotency-key-reused", api.post("/emails", json=email_of("shop"), headers=key))
    golden.check(
        "errors/idempotency-key", api.post("/emails", json=email, headers={"idempotency-key": "x" * 257})
    )


def test_a_schedule_echoes_its_time(api: httpx.Client, golden: Golden) -> None:
    """S-7, F-2, C-25: without an offset UTC is meant."""
    at = ahead(hours=1)
    scheduled = api.post("/emails/schedule", json=email_of("shop", scheduled_at=at.removesuffix("Z")))
    golden.check("schedule", scheduled)
    assert scheduled.json()["scheduled_at"] == at.replace("Z", ".000Z")


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("absent", None),
        ("past", "2020-01-01T00:00:00Z"),
        ("in-words", "in 1 hour"),
        ("far", "2999-01-01T00:00:00Z"),
    ],
)
def test_a_schedule_needs_an_iso_time_within_a_year(
    api: httpx.Client, golden: Golden, name: str, at: str | None
) -> None:
    """S-7, C-25, C-72."""
    golden.check(
        f"errors/schedule-{name}", api.post("/emails/schedule", json=email_of("shop", scheduled_at=at))
    )


def test_a_send_never_takes_a_time_in_words(api: httpx.Client) -> None:
    """C-72."""
    assert api.post("/emails", json=email_of("shop", scheduled_at="tomorrow 9am")).status_code == 400
    sent = api.post("/emails", json=email_of("shop", scheduled_at_text="tomorrow 9am")).raise_for_status()
    assert sent.json()["status"] == "pending"


LIMITS: dict[str, dict[str, Any]] = {
    "subject": {"subject": "x" * 1200},
    "no-body": {"html": None},
    "html": {"html": "x" * (5 * MIB + 1)},
    "text": {"text": "x" * (5 * MIB + 1)},
    "recipients": {"to": [f"a{at}@example.org" for at in range(51)]},
    "headers": {"headers": {f"X-{at}": "x" for at in range(51)}},
    "attachments": {"attachments": [FILE] * 11},
    "file": {"attachments": [{"filename": "a", "content": base64.b64encode(bytes(10 * MIB + 1)).decode()}]},
    "whole": {
        "attachments": [{"filename": "a", "content": base64.b64encode(bytes(6 * MIB)).decode()}],
        "html": "x" * (4 * MIB),
        "text": "x" * MIB,
    },
    "body": {"attachments": [{"filename": "a", "content": "x" * (17 * MIB)}]},
}


@pytest.mark.parametrize("name", LIMITS)
def test_an_email_beyond_a_limit_is_400(api: httpx.Client, golden: Golden, name: str) -> None:
    """S-4, S-5, C-22."""
    answer = api.post("/emails", json=email_of("shop", **LIMITS[name]))
    assert answer.json()["error"] == "validation error"
    golden.check(f"errors/limit-{name}", answer)


def test_the_text_about_a_long_subject_is_the_documented_one(api: httpx.Client) -> None:
    """S-5."""
    answer = api.post("/emails", json=email_of("shop", subject="x" * 1200))
    assert answer.json()["message"] == "subject length (1200) exceeds maximum (998 characters)"


def test_an_email_of_ten_megabytes_is_accepted(api_of: Callable[[str], httpx.Client]) -> None:
    """S-4, C-22: on every plan of the quota profile."""
    file = {"filename": "a", "content": base64.b64encode(bytes(9 * MIB)).decode()}
    assert api_of("shop").post("/emails", json=email_of("shop", attachments=[file])).is_success


def test_suppressed_recipients(zsend_v1: httpx.Client, api: httpx.Client, golden: Golden) -> None:
    """C-24: some are a warning, all of them an error."""
    zsend_v1.post("/v1/suppressions", json={"email": "gone@example.org"}).raise_for_status()
    some = api.post("/emails", json=email_of("shop", to=["gone@example.org", "ada@example.org"]))
    golden.check("send-some-suppressed", some)
    golden.check("errors/all-suppressed", api.post("/emails", json=email_of("shop", to=["gone@example.org"])))


def test_files_may_be_lists_of_numbers_and_texts_large(api: httpx.Client) -> None:
    """S-4, C-22: the texts of an email alone may have more than 2 MB here."""
    file = {"filename": "a.bin", "content": [200] * MIB}
    email = email_of("shop", html="x" * (4 * MIB), attachments=[file])
    id = api.post("/emails", json=email).raise_for_status().json()["id"]
    (attachment,) = api.get(f"/emails/{id}").json()["attachments"]
    assert attachment["size"] == MIB


def test_other_names_of_the_time_are_never_ignored(api: httpx.Client) -> None:
    """C-54."""
    for name in ("scheduled_at", "scheduledAt", "send_at", "sendAt"):
        answer = api.post("/emails", json=email_of("shop", **{name: ahead(hours=1)})).raise_for_status()
        assert answer.json()["status"] == "enqueued"
        assert api.post("/emails", json=email_of("shop", **{name: "soon"})).status_code == 400
