"""Alternative forms of emails from Resend's clients keep all of their values."""

from typing import Any

import pytest
from zidimail.v1 import email_service_pb2 as pb

from edge.dialects.aliases import mailboxes
from edge.transcoding.binding import compile_request
from edge.transcoding.routes import Route
from edge.transcoding.status import Failure
from tests.unit.edge.transcoding.contract import DIALECT, ROUTES

SEND = next(route for route in ROUTES if route.method.name == "SendEmail")
UPDATE = next(route for route in ROUTES if route.method.name == "UpdateEmail")
BATCH = next(route for route in ROUTES if route.method.name == "BatchSendEmails")
read = DIALECT.requests.reader(pb.SendEmailRequest.DESCRIPTOR)
assert read is not None


def bound(route: Route, body: Any) -> Any:
    """The request message of a JSON body."""
    requests = DIALECT.requests
    bind = compile_request(route, DIALECT.names, DIALECT.queries, requests.hidden, requests.other_names)
    reader = requests.body_reader(route)
    assert reader is not None
    return bind(reader(body), b"", ["id"] * len(route.parameters))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("a@example.org", ["a@example.org"]),
        ("a@example.org, Bob <b@example.org>", ["a@example.org", "Bob <b@example.org>"]),
        ("a@example.org,b@example.org,", ["a@example.org", "b@example.org"]),
        ("Doe, Jane <j@example.org>", ["Doe, Jane <j@example.org>"]),
        ('"Doe, Jane" <j@example.org>', ['"Doe, Jane" <j@example.org>']),
        (
            '"j@home, \\" or, not" <j@example.org>, b@example.org',
            ['"j@home, \\" or, not" <j@example.org>', "b@example.org"],
        ),
        ('a@example.org, "b@', ["a@example.org", '"b@']),
        (",", []),
    ],
)
def test_one_text_may_hold_several_addresses_separated_by_commas(text: str, found: list[str]) -> None:
    assert mailboxes(text) == found


def test_a_million_commas_are_read_in_linear_time() -> None:
    assert mailboxes('"' + "," * 1_000_000) == ['"' + "," * 1_000_000]


AT = "2030-01-01T00:00:00Z"
SCHEDULES = ["scheduledAt", "send_at", "sendAt"]


@pytest.mark.parametrize(
    ("written", "addresses"),
    [
        ({"replyTo": "a@example.org"}, ["a@example.org"]),
        ({"replyTo": "a@example.org, b@example.org"}, ["a@example.org", "b@example.org"]),
        ({"replyTo": ["a@example.org"]}, ["a@example.org"]),
        ({"replyTo": "a@example.org", "reply_to": "b@example.org"}, ["b@example.org"]),
        ({"replyTo": "a@example.org", "reply_to": None}, ["a@example.org"]),
        ({"replyTo": None}, []),
    ],
)
def test_an_alias_is_read_like_the_name_which_counts_before_it(
    written: dict[str, Any], addresses: list[str]
) -> None:
    """C-54."""
    assert bound(SEND, written).reply_to == addresses


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_time_has_aliases_in_sends_updates_and_items_of_a_batch(name: str) -> None:
    """C-54."""
    seconds = bound(SEND, {"scheduled_at": AT}).scheduled_at.seconds
    assert bound(SEND, {name: AT}).scheduled_at.seconds == seconds
    assert bound(UPDATE, {name: AT}).scheduled_at.seconds == seconds
    assert bound(BATCH, [{name: AT}]).emails[0].scheduled_at.seconds == seconds


@pytest.mark.parametrize(
    ("route", "body", "field"),
    [
        *[(SEND, {name: 1796000000000}, name) for name in SCHEDULES],
        *[(UPDATE, {name: 1796000000000}, name) for name in SCHEDULES],
        (SEND, {"replyTo": {"name": "A", "address": "a@example.org"}}, "replyTo"),
        (SEND, {"idempotencyKey": 7}, "idempotencyKey"),
        (SEND, {"attachments": [{"contentType": 1}]}, "attachments[0].contentType"),
        (SEND, {"attachments": [{"inline_content_id": []}]}, "attachments[0].inline_content_id"),
        (BATCH, [{}, {"replyTo": 1}], "emails[1].replyTo"),
        (BATCH, {"emails": [{"send_at": True}]}, "emails[0].send_at"),
    ],
)
def test_a_wrong_type_under_an_alias_is_refused_by_the_alias(route: Route, body: Any, field: str) -> None:
    """C-54."""
    with pytest.raises(Failure) as refused:
        bound(route, body)
    assert [violation.field for violation in refused.value.violations] == [field]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.method.name)
def test_every_field_of_every_body_has_its_canonical_name(route: Route) -> None:
    """C-54."""
    if route.body != "*":
        return
    bind = compile_request(
        route, DIALECT.names, DIALECT.queries, DIALECT.requests.hidden, DIALECT.requests.other_names
    )
    hidden = DIALECT.requests.hidden.get(route.method.input_type.full_name, ())
    for field in route.method.input_type.fields:
        if field.json_name != field.name and field.name not in hidden:
            with pytest.raises(Failure) as refused:
                bind({field.json_name: object()}, b"", ["id"] * len(route.parameters))
            assert refused.value.violations[0].field == field.json_name


def test_attachments_have_aliases() -> None:
    """C-54."""
    [file] = bound(SEND, {"attachments": [{"contentType": "text/x-own", "contentId": "logo"}]}).attachments
    assert (file.content_type, file.content_id) == ("text/x-own", "logo")
    [file] = bound(SEND, {"attachments": [{"inline_content_id": "logo"}]}).attachments
    assert file.content_id == "logo"


def test_null_means_absent_for_values_of_headers_and_tags() -> None:
    """C-62."""
    email = bound(SEND, {"headers": {"X-A": None, "X-B": "b"}, "tags": {"a": None, "b": "c"}})
    assert email.headers == {"X-B": "b"}
    assert [(tag.name, tag.value) for tag in email.tags] == [("b", "c")]


@pytest.mark.parametrize("name", ["Idempotency-Key", "x-idempotency-key"])
def test_an_idempotency_key_among_the_own_headers_is_the_requests(name: str) -> None:
    """F-1, C-54."""
    email = bound(SEND, {"headers": {name: "k"}})
    assert (email.idempotency_key, email.headers) == ("k", {})


@pytest.mark.parametrize(
    ("header", "left"),
    [
        ("Ann <a@example.org>", {}),
        ("=?utf-8?Q?=C3=84nn?= <A@example.org>", {}),
        ("b@example.org", {"Reply-To": "b@example.org"}),
        ("a@example.org, b@example.org", {"Reply-To": "a@example.org, b@example.org"}),
    ],
)
def test_a_header_that_repeats_reply_to_is_removed_and_another_one_stays(
    header: str, left: dict[str, str]
) -> None:
    email = {"reply_to": "Änn <a@example.org>", "headers": {"Reply-To": header}}
    assert read(email)["headers"] == left
