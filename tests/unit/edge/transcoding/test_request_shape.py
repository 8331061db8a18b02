"""One row accepts the forms of a body and describes them."""

from typing import Any

import pytest
from zidimail.v1 import domain_service_pb2, email_service_pb2

from edge.transcoding.binding import compile_request
from edge.transcoding.names import short_names
from edge.transcoding.openapi import RequestSchemas
from edge.transcoding.request_shape import RequestShape, RequestShapes, or_else, or_named
from edge.transcoding.routes import BadRoute, routes_of
from edge.transcoding.status import Failure

DOMAIN = domain_service_pb2.CreateDomainRequest.DESCRIPTOR
[CREATE] = [
    route
    for route in routes_of([domain_service_pb2.DESCRIPTOR.services_by_name["DomainService"]])
    if route.method.input_type is DOMAIN
]
BATCH = email_service_pb2.BatchSendEmailsRequest.DESCRIPTOR


def shapes(**rows: RequestShape) -> RequestShapes:
    return RequestShapes({f"zidimail.v1.{name}": shape for name, shape in rows.items()})


def accepted(shape: RequestShape, body: Any) -> Any:
    read = shapes(CreateDomainRequest=shape).reader(DOMAIN)
    assert read is not None
    return read(body)


def bound(shape: RequestShape, body: Any) -> Any:
    rows = shapes(CreateDomainRequest=shape)
    bind = compile_request(CREATE, short_names, other_names=rows.other_names)
    return bind(accepted(shape, body), b"", ())


def described(shape: RequestShape) -> Any:
    return RequestSchemas(short_names, shapes(CreateDomainRequest=shape), {}).message(DOMAIN)


def test_a_message_without_a_shape_is_read_as_it_stands() -> None:
    assert shapes().reader(BATCH) is None


@pytest.mark.parametrize(
    ("body", "domain"),
    [
        ({"name": "a.test"}, "a.test"),
        ({"name": "a.test", "domain": None}, "a.test"),
        ({"name": "a.test", "domain": "b.test"}, "b.test"),
    ],
)
def test_field_has_an_alias_and_its_own_name_takes_precedence(body: Any, domain: Any) -> None:
    assert bound(RequestShape(same_as={"name": "domain"}), body).domain == domain


def test_alias_is_described_and_one_of_both_names_is_required() -> None:
    schema = described(RequestShape(same_as={"name": "domain"}))
    assert "domain" not in schema["required"]
    assert [either["required"] for either in schema["anyOf"]] == [["domain"], ["name"]]


@pytest.mark.parametrize(
    "shape", [RequestShape(aliases={"host": "domain"}), RequestShape(same_as={"host": "domain"})]
)
def test_a_wrong_value_is_reported_under_the_name_that_was_written(shape: RequestShape) -> None:
    """C-54."""
    with pytest.raises(Failure) as refused:
        bound(shape, {"host": {"a": 1}})
    assert [violation.field for violation in refused.value.violations] == ["host"]


def test_an_alias_stands_for_the_field_in_all_its_forms_and_is_not_described() -> None:
    shape = RequestShape(aliases={"host": "domain"}, forms={"domain": or_else(".".join, {"type": "array"})})
    assert bound(shape, {"host": ["a", "test"]}).domain == "a.test"
    assert "host" not in described(shape)["properties"]


def test_alternative_form_is_converted_and_described() -> None:
    shape = RequestShape(
        forms={"domain": or_else(".".join, {"type": "array"})},
        described={"domain": {"maxLength": 253}},
    )
    assert accepted(shape, {"domain": ["a", "test"]}) == {"domain": "a.test"}
    own, other = described(shape)["properties"]["domain"]["anyOf"]
    assert (own["maxLength"], other) == (253, {"type": "array"})


def test_enum_values_have_aliases() -> None:
    shape = RequestShape(forms={"tls": or_named({"strict": "enforced"})})
    assert accepted(shape, {"tls": "strict"}) == {"tls": "enforced"}
    assert accepted(shape, {"tls": 1}) == {"tls": 1}
    assert {"strict", "enforced"} <= set(described(shape)["properties"]["tls"]["enum"])


def test_a_bare_array_stands_for_a_list_and_nested_messages_have_their_shapes() -> None:
    rows = shapes(
        BatchSendEmailsRequest=RequestShape(array_of="emails"),
        SendEmailRequest=RequestShape(forms={"reply_to": or_else(lambda text: [text], {"type": "string"})}),
    )
    read = rows.reader(BATCH)
    assert read is not None
    assert read([{"replyTo": "a@x.test"}, 1]) == {"emails": [{"replyTo": ["a@x.test"]}, 1]}
    bare, whole = RequestSchemas(short_names, rows, {}).message(BATCH)["anyOf"]
    assert (bare["type"], whole["required"]) == ("array", ["emails"])


@pytest.mark.parametrize("body", [None, 1, "a", ["a"], {"domain": None}])
def test_other_json_is_passed_to_the_binder(body: Any) -> None:
    assert accepted(RequestShape(same_as={"name": "domain"}), body) == body


def test_a_shape_that_names_an_unknown_field_is_refused_at_start() -> None:
    with pytest.raises(BadRoute, match="nothing"):
        shapes(CreateDomainRequest=RequestShape(same_as={"name": "nothing"})).reader(DOMAIN)
