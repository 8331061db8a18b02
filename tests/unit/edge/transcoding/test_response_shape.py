"""One row gives an answer's JSON values and their schema, and shows no secret that it does not name."""

from typing import Any

import jsonschema
import pytest
from zidimail.v1 import email_pb2, email_service_pb2, webhook_pb2, webhook_service_pb2

from edge.transcoding.names import short_names
from edge.transcoding.openapi import ResponseSchemas
from edge.transcoding.rendering import Renderers
from edge.transcoding.response_shape import (
    PLAIN,
    ResponseShape,
    ResponseShapes,
    always,
    computed,
    extended,
    object_with,
    same_as,
)
from edge.transcoding.routes import BadRoute

WHSEC = "whsec_x"
TAG = email_pb2.Tag(name="kind", value="shipping")


def rendered(message: Any, **rows: ResponseShape) -> Any:
    shapes = ResponseShapes({f"zidimail.v1.{name}": shape for name, shape in rows.items()})
    return Renderers(short_names, shapes).message(message.DESCRIPTOR)(message)


def schema(message: Any, **rows: ResponseShape) -> Any:
    shapes = ResponseShapes({f"zidimail.v1.{name}": shape for name, shape in rows.items()})
    return ResponseSchemas(short_names, shapes, {}).message(message.DESCRIPTOR)


@pytest.mark.parametrize(
    ("shape", "json", "properties"),
    [
        (PLAIN, {"name": "kind", "value": "shipping"}, ["name", "value"]),
        (
            ResponseShape(object="tag"),
            {"object": "tag", "name": "kind", "value": "shipping"},
            ["object", "name", "value"],
        ),
        (
            ResponseShape(added={"key": same_as("name"), "value": computed("value", str.upper, {})}),
            {"name": "kind", "value": "SHIPPING", "key": "kind"},
            ["name", "value", "key"],
        ),
        (ResponseShape(hidden=("value",)), {"name": "kind"}, ["name"]),
        (
            ResponseShape(added={"key": same_as("name")}, hidden=("name",)),
            {"value": "shipping", "key": "kind"},
            ["value", "key"],
        ),
        (
            ResponseShape(added={"text": same_as("value")}, hidden=("value", "text")),
            {"name": "kind"},
            ["name"],
        ),
        (
            ResponseShape(added={"is": object_with({"a": same_as("name"), "b": always(1)})}),
            {"name": "kind", "value": "shipping", "is": {"a": "kind", "b": 1}},
            ["name", "value", "is"],
        ),
    ],
)
def test_values_and_schema_have_the_same_fields(
    shape: ResponseShape, json: dict[str, Any], properties: list[str]
) -> None:
    assert list(rendered(TAG, Tag=shape).items()) == list(json.items())
    described = schema(TAG, Tag=shape)
    assert list(described["properties"]) == described["required"] == properties


def test_an_optional_field_is_left_out_where_it_is_null_and_never_described_as_null() -> None:
    shape = ResponseShape(optional=("html",))
    assert "html" not in rendered(email_pb2.Email(), Email=shape)
    assert rendered(email_pb2.Email(html="<p>"), Email=shape)["html"] == "<p>"
    described = schema(email_pb2.Email(), Email=shape)
    assert described["properties"]["html"] == {"type": "string"}
    assert "html" not in described["required"]


def test_field_may_be_repeated_with_further_fields() -> None:
    recipient = email_pb2.Recipient()
    shape = ResponseShape(added={"said": extended("last_reply", {"status": same_as("code")})})
    assert rendered(recipient, Recipient=shape)["said"] is None
    recipient.last_reply.code = 451
    assert rendered(recipient, Recipient=shape)["said"]["status"] == 451
    described = schema(recipient, Recipient=shape)["properties"]
    assert described["said"]["properties"]["status"] == described["said"]["properties"]["code"]
    assert described["said"]["type"] == ["object", "null"]


def test_a_nested_message_has_the_shape_of_its_row_unless_the_outer_row_has_another() -> None:
    email = email_pb2.Email(tags=[TAG])
    tag = ResponseShape(object="tag")
    assert rendered(email, Tag=tag)["tags"][0]["object"] == "tag"
    assert "object" not in rendered(email, Tag=tag, Email=ResponseShape(items={"tags": PLAIN}))["tags"][0]
    other = schema(email, Tag=tag, Email=ResponseShape(items={"tags": PLAIN}))["properties"]["tags"]
    assert "object" not in other["items"]["properties"]


def test_lists_have_their_shape_without_a_row() -> None:
    shapes = ResponseShapes(lists=ResponseShape(object="list"))
    response = webhook_service_pb2.ListWebhooksResponse(data=[webhook_pb2.Webhook(id="w1")])
    json = Renderers(short_names, shapes).message(response.DESCRIPTOR)(response)
    assert (json["object"], json["data"][0]["id"]) == ("list", "w1")


def test_a_secret_without_a_row_that_reveals_it_is_not_served() -> None:
    response = webhook_service_pb2.RotateWebhookSecretResponse(secret=WHSEC)
    with pytest.raises(BadRoute, match=r"RotateWebhookSecretResponse\.secret"):
        rendered(response)
    with pytest.raises(BadRoute, match=r"RotateWebhookSecretResponse\.secret"):
        rendered(response, RotateWebhookSecretResponse=ResponseShape(object="webhook"))
    revealing = ResponseShape(reveals=("secret",))
    assert rendered(response, RotateWebhookSecretResponse=revealing)["secret"] == WHSEC
    hiding = ResponseShape(hidden=("secret",))
    assert "secret" not in rendered(response, RotateWebhookSecretResponse=hiding)


@pytest.mark.parametrize(
    "shape",
    [
        ResponseShape(hidden=("nothing",)),
        ResponseShape(optional=("nothing",)),
        ResponseShape(reveals=("nothing",)),
        ResponseShape(items={"nothing": PLAIN}),
        ResponseShape(added={"key": same_as("nothing")}),
    ],
)
def test_a_shape_that_names_an_unknown_field_is_refused_at_start(shape: ResponseShape) -> None:
    with pytest.raises(BadRoute, match="nothing"):
        rendered(TAG, Tag=shape)


def test_the_fields_of_a_merged_message_stand_beside_the_others() -> None:
    answer = email_service_pb2.GetEmailResponse(email=email_pb2.Email(id="e1"), account_state=1)
    rows = {
        "GetEmailResponse": ResponseShape(
            added={"state": same_as("account_state")},
            hidden=("account_state",),
            merged=("email",),
            items={"email": ResponseShape(hidden=("events",), optional=("html",))},
        )
    }
    json, described = rendered(answer, **rows), schema(answer, **rows)
    assert (json["id"], json["state"]) == ("e1", "healthy")
    assert not {"email", "events", "html", "account_state"} & json.keys()
    assert {*described["required"]} == json.keys()
    assert {*described["properties"]} == {*json, "html"}
    jsonschema.Draft202012Validator(described).validate(json)
