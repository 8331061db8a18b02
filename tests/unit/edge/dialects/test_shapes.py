"""The tables of `/v1` fit the contract and each other."""

from typing import Any

import jsonschema
import orjson
import pytest
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.dialects.zidimail.shapes import REQUESTS, RESPONSES
from edge.transcoding.openapi import RequestSchemas, ResponseSchemas
from edge.transcoding.rendering import Renderers
from edge.transcoding.routes import Route
from tests.unit.edge.transcoding.contract import DIALECT, ROUTES, canonical, valid_json

RENDERERS = Renderers(DIALECT.names, DIALECT.responses)
RESPONSE_SCHEMAS = ResponseSchemas(DIALECT.names, DIALECT.responses, {})
REQUEST_SCHEMAS = RequestSchemas(DIALECT.names, DIALECT.requests, {})

SECRETS = {"CreateApiKey": {"key", "token"}, "CreateWebhook": {"secret", "signing_secret"}}
SECRETS["RotateWebhookSecret"] = SECRETS["CreateWebhook"]
SECRETS["BeginTotp"] = {"secret"}
SECRETS["FinishOidcLogin"] = {"token"}
SECRETS["Login"] = SECRETS["SwitchOrganisation"] = SECRETS["CreateImpersonation"] = {"token"}


def filled(route: Route, json: dict[str, Any]) -> Any:
    """A response with what the server always sets."""
    response = GetMessageClass(route.method.output_type)()
    json_format.ParseDict(canonical(route.method.output_type, json), response)
    if route.response_body:
        getattr(response, route.response_body).SetInParent()
    if route.method.name == "GetWebhookEvent":
        response.event.payload = '{"type": "email.sent"}'
    return response


@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_every_response_shape_matches_its_schema(data: st.DataObject) -> None:
    route = data.draw(st.sampled_from(ROUTES))
    response = filled(route, data.draw(valid_json(route.method.output_type)))
    answer = orjson.loads(orjson.dumps(RENDERERS.response(route)(response)))
    schema = RESPONSE_SCHEMAS.answer(route)
    jsonschema.Draft202012Validator(schema).validate(answer)
    assert answer.keys() <= schema["properties"].keys()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.method.name)
def test_secrets_are_shown_by_create_and_rotate_only(route: Route) -> None:
    """Z-2, Z-38, Z-39."""
    properties = RESPONSE_SCHEMAS.answer(route)["properties"]
    items = properties.get("data", {}).get("items", {}).get("properties", {})
    shown = {*properties, *items} & {"key", "token", "secret", "signing_secret", "password"}
    assert shown == SECRETS.get(route.method.name, set())


@pytest.mark.parametrize("route", [route for route in ROUTES if route.body], ids=lambda it: it.method.name)
def test_every_example_matches_its_schema(route: Route) -> None:
    example = DIALECT.requests.of(route.method.input_type).example
    if example is not None:
        jsonschema.Draft202012Validator(REQUEST_SCHEMAS.body(route)).validate(example)


def test_every_shape_is_of_a_served_message() -> None:
    files = {method.containing_service.file for route in ROUTES for method in [route.method]}
    names = {name for file in files for name in _messages(file)}
    assert not {*REQUESTS, *RESPONSES} - names


def _messages(file: Any) -> set[str]:
    return {*file.message_types_by_name, *(name for other in file.dependencies for name in _messages(other))}
