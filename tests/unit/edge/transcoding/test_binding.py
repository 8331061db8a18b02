"""Binders take exactly what json_format takes, and answer everything else with violations."""

import math
from typing import Any
from urllib.parse import quote, urlencode

import orjson
import pytest
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given, settings
from hypothesis import strategies as st
from zidimail.v1 import email_service_pb2 as pb

from edge.transcoding.binding import BindRequest, compile_request
from edge.transcoding.request_shape import QueryShape
from edge.transcoding.routes import Route
from edge.transcoding.status import Failure
from edge.transcoding.values import VIOLATIONS_SHOWN
from tests.unit.edge.transcoding.contract import (
    DIALECT,
    METHODS,
    ROUTES,
    TEXTS,
    canonical,
    valid_json,
    whole_request,
)

HIDDEN = DIALECT.requests.hidden
WHOLE = {of.full_name: compile_request(whole_request(of), DIALECT.names, hidden=HIDDEN) for of in METHODS}
QUERIES = [route for route in ROUTES if route.verb == "GET" and not route.parameters]
SEND = WHOLE["zidimail.v1.EmailService.SendEmail"]
BATCH = WHOLE["zidimail.v1.EmailService.BatchSendEmails"]
WEBHOOK = WHOLE["zidimail.v1.WebhookService.CreateWebhook"]
API_KEY = WHOLE["zidimail.v1.ApiKeyService.CreateApiKey"]
EVENTS = WHOLE["zidimail.v1.EventService.ListEvents"]

NAMES = sorted({field.name for method in METHODS for field in method.input_type.fields} | {"name", "value"})
ANY_TEXT = st.text(max_size=8)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | ANY_TEXT, inner, max_size=4)
    ),
    max_leaves=12,
)


def failure_of(bind: BindRequest, body: Any, query: bytes = b"") -> Failure | None:
    try:
        bind(body, query, ())
    except Failure as failure:
        return failure
    return None


def refused(bind: BindRequest, body: Any, query: bytes = b"") -> list[tuple[str, str]]:
    failure = failure_of(bind, body, query)
    assert failure is not None
    assert failure.reason == "VALIDATION_FAILED"
    return [(violation.field, violation.message) for violation in failure.violations]


@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_valid_json_is_bound_as_json_format_parses_it(data: st.DataObject) -> None:
    method = data.draw(st.sampled_from(METHODS))
    json = data.draw(valid_json(method.input_type))
    expected = json_format.ParseDict(canonical(method.input_type, json), GetMessageClass(method.input_type)())
    assert WHOLE[method.full_name](json, b"", ()) == expected


@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_a_query_is_bound_as_the_same_values_in_json(data: st.DataObject) -> None:
    route = data.draw(st.sampled_from(QUERIES))
    drawn = data.draw(valid_json(route.method.input_type))
    json = {name: value for name, value in drawn.items() if value is not None}
    texts = {name: str(value).lower() if type(value) is bool else value for name, value in json.items()}
    query = urlencode(texts, doseq=True, quote_via=quote).encode()
    bound = compile_request(route, DIALECT.names)(None, query, ())
    assert bound == WHOLE[route.method.full_name](json, b"", ())


@settings(max_examples=500, deadline=None)
@given(method=st.sampled_from(METHODS), json=ANY_JSON)
def test_arbitrary_json_is_bound_or_refused_and_nothing_else(method: Any, json: Any) -> None:
    failure = failure_of(WHOLE[method.full_name], json)
    if failure is not None:
        assert failure.reason == "VALIDATION_FAILED"
        assert 1 <= len(failure.violations) <= VIOLATIONS_SHOWN


@settings(max_examples=300, deadline=None)
@given(route=st.sampled_from(QUERIES), name=st.sampled_from(NAMES), value=st.binary(max_size=20))
def test_arbitrary_queries_are_bound_or_refused(route: Route, name: str, value: bytes) -> None:
    query = name.encode() + b"=" + value
    failure = failure_of(compile_request(route, DIALECT.names), None, query)
    assert failure is None or failure.reason == "VALIDATION_FAILED"


def test_every_violation_names_the_path_as_the_caller_wrote_it() -> None:
    body = {
        "emails": [
            {"to": ["a", 1], "headers": {"X-A": 1}, "tags": [{"name": True}, "x"], "subject": {}},
            None,
        ]
    }
    assert refused(BATCH, body) == [
        ("emails[0].to[1]", "must be a string, not a number"),
        ("emails[0].headers.X-A", "must be a string, not a number"),
        ("emails[0].tags[0].name", "must be a string, not a boolean"),
        ("emails[0].tags[1]", "must be an object, not a string"),
        ("emails[0].subject", "must be a string, not an object"),
        ("emails[1]", "must be an object, not null"),
    ]


@pytest.mark.parametrize("value", ["a@b.c", {"0": "a@b.c"}, 7, True])
def test_other_json_is_not_converted_to_a_list(value: object) -> None:
    ((field, message),) = refused(SEND, {"to": value})
    assert field == "to"
    assert message.startswith("must be an array, not ")


def test_unknown_fields_are_ignored_and_null_is_absent() -> None:
    bound = SEND(
        {"topic_id": {"deep": [1]}, "reply-to": "x", "html": None, "to": None, "subject": "s"}, b"", ()
    )
    assert bound == pb.SendEmailRequest(subject="s")
    assert not bound.HasField("html")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (True, "must be a whole number, not a boolean"),
        ("5", "must be a whole number, not a string"),
        (5.5, "must be a whole number"),
        (math.nan, "must be a whole number"),
        (math.inf, "must be a whole number"),
        (1 << 31, "must be between -2147483648 and 2147483647"),
        (-(1 << 31) - 1, "must be between -2147483648 and 2147483647"),
        (orjson.loads(b"1" * 40), "must be between -2147483648 and 2147483647"),
        ([5], "must be a whole number, not an array"),
    ],
)
def test_number_must_be_whole_and_in_range(value: object, message: str) -> None:
    assert refused(EVENTS, {"limit": value}) == [("limit", message)]


def test_a_whole_number_may_be_written_with_a_fraction_of_zero() -> None:
    assert EVENTS({"limit": 5.0}, b"", ()).limit == 5


@pytest.mark.parametrize("value", ["email.exploded", "", "EMAIL.SENT", "EVENT_TYPE_UNSPECIFIED", "1"])
def test_an_enum_is_one_of_its_names(value: str) -> None:
    ((field, message),) = refused(WEBHOOK, {"events": [value]})
    assert field == "events[0]"
    assert message.startswith("must be one of email.sent, email.delivered, ")


@pytest.mark.parametrize("value", ["email.sent", "EVENT_TYPE_EMAIL_SENT"])
def test_an_enum_is_taken_by_its_short_name_and_by_its_own(value: str) -> None:
    assert list(WEBHOOK({"events": [value]}, b"", ()).events) == [1]


def test_an_enum_is_not_taken_by_number() -> None:
    assert refused(API_KEY, {"permission": 1}) == [("permission", "must be a string, not a number")]


@pytest.mark.parametrize(
    ("value", "message"),
    [("a\0b", "must not contain NUL"), ("\ud800", "must be valid Unicode text")],
)
def test_text_that_cannot_be_stored_is_refused_wherever_it_stands(value: str, message: str) -> None:
    body = {"subject": value, "to": [value], "headers": {"X": value, value: "x"}, "tags": [{"name": value}]}
    violations = refused(SEND, body)
    assert len(violations) == 5
    assert {text for _, text in violations} == {message}


def test_at_most_fifty_violations_are_listed() -> None:
    assert len(refused(SEND, {"to": [1] * 1000})) == 50


@pytest.mark.parametrize("value", ["abc", "", "1.5", "0x1", "1e3", "٣", " 1", "-99999999999"])
def test_a_query_that_is_no_number_is_refused_by_name(value: str) -> None:
    route = next(route for route in QUERIES if route.method.name == "ListEmails")
    violations = refused(compile_request(route, DIALECT.names), None, urlencode({"limit": value}).encode())
    assert [field for field, _ in violations] == ["limit"]


@pytest.mark.parametrize("value", ["2147483647", "2147483648", "99999999999", "9" * 30])
def test_number_beyond_its_type_is_clamped(value: str) -> None:
    """C-20: sizes are clamped, however large."""
    route = next(route for route in QUERIES if route.method.name == "ListEmails")
    bound = compile_request(route, DIALECT.names)(None, f"limit={value}".encode(), ())
    assert bound.limit == 2147483647


@pytest.mark.parametrize(
    ("query", "limit"),
    [
        (b"page_size=7", 7),
        (b"page_size=7&limit=8", 8),
        (b"limit=8&page_size=7", 8),
        (b"page_size=6&page_size=7", 7),
        (b"limit=8&page_size=x", 8),
    ],
)
def test_page_size_has_two_names(query: bytes, limit: int) -> None:
    """C-19."""
    route = next(route for route in QUERIES if route.method.name == "ListEmails")
    assert compile_request(route, DIALECT.names, DIALECT.queries)(None, query, ()).limit == limit


@pytest.mark.parametrize("query", [b"", b"page=2", b"search=limit"])
def test_a_query_without_a_page_size_has_the_default_of_the_dialect(query: bytes) -> None:
    """Z-27, S-14."""
    route = next(route for route in QUERIES if route.method.name == "ListEmails")
    shape = QueryShape(defaults={"limit": 20})
    assert compile_request(route, DIALECT.names, shape)(None, query, ()).limit == 20


def test_a_wrong_value_is_reported_under_the_name_that_was_used() -> None:
    """C-19, C-20."""
    route = next(route for route in QUERIES if route.method.name == "ListEmails")
    bind = compile_request(route, DIALECT.names, DIALECT.queries)
    assert refused(bind, None, b"page_size=x") == [("page_size", "must be a whole number")]


def test_a_page_size_is_ignored_where_there_are_no_pages() -> None:
    """C-50."""
    route = next(route for route in QUERIES if route.method.name == "GetEmailStats")
    bind = compile_request(route, DIALECT.names, DIALECT.queries)
    assert not bind(None, b"page_size=x", ()).HasField("days")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-11-22", "2026-11-22T00:00:00Z"),
        ("2026-11-22T10:00:00", "2026-11-22T10:00:00Z"),
        ("2026-11-22T10:00:00%2B02:00", "2026-11-22T08:00:00Z"),
        ("2026-11-22T10:00:00+02:00", "2026-11-22T08:00:00Z"),
        ("2026-11-22T10:00:00.5+02:00", "2026-11-22T08:00:00.500Z"),
        ("2026-11-22 10:00:00", "2026-11-22T10:00:00Z"),
        ("2026-11-22T10:00:00-02:00", "2026-11-22T12:00:00Z"),
    ],
)
def test_a_time_in_a_query_may_be_a_date_and_its_plus_sign_may_stand_unescaped(text: str, shown: str) -> None:
    """F-6."""
    route = next(route for route in QUERIES if route.method.name == "ListEmails")
    bound = compile_request(route, DIALECT.names)(None, f"since={text}".encode(), ())
    assert bound.since.ToJsonString() == shown


@pytest.mark.parametrize("text", ["", "2026-11", "2026-13-01", "12:00 02:00", "today"])
def test_invalid_time_in_a_query_is_refused(text: str) -> None:
    route = next(route for route in QUERIES if route.method.name == "ListEmails")
    violations = refused(compile_request(route, DIALECT.names), None, urlencode({"since": text}).encode())
    assert [field for field, _ in violations] == ["since"]


@pytest.mark.parametrize("text", [":" * 400_000, "2026-11-22T10:" + "0:" * 200_000, "a: " * 100_000])
def test_hostile_time_is_parsed_in_linear_time(text: str) -> None:
    """Binding comes before the credential is looked at: what took time squared would stop the edge."""
    route = next(route for route in QUERIES if route.method.name == "ListEmails")
    violations = refused(compile_request(route, DIALECT.names), None, urlencode({"since": text}).encode())
    assert [field for field, _ in violations] == ["since"]


def test_last_of_duplicate_query_values_counts_and_a_list_takes_all() -> None:
    route = next(route for route in QUERIES if route.method.name == "ListEvents")
    bound = compile_request(route, DIALECT.names)(
        None, b"limit=1&limit=2&types=email.sent&types=email.bounced", ()
    )
    assert bound.limit == 2
    assert list(bound.types) == [1, 3]


def test_a_query_of_endless_parameters_is_refused() -> None:
    route = next(route for route in QUERIES if route.method.name == "ListEvents")
    assert refused(compile_request(route, DIALECT.names), None, b"types=email.sent&" * 200)


def test_path_parameters_take_precedence() -> None:
    route = next(route for route in ROUTES if route.method.name == "VerifyDomain")
    assert compile_request(route, DIALECT.names)({"id": "body"}, b"id=query", ("path",)).id == "path"


@given(value=TEXTS)
@settings(max_examples=50, deadline=None)
def test_a_bound_request_survives_the_wire(value: str) -> None:
    bound = SEND({"subject": value, "to": [value]}, b"", ())
    assert pb.SendEmailRequest.FromString(bound.SerializeToString()) == bound
