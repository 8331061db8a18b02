"""Ids are named by one rule.

A path variable is named after the collection before it: `{email_id}` behind `emails`. It may be called `{id}`
if it names the resource that the call itself is about: it is the only variable, and nothing comes behind it
but a verb. What comes behind it is a verb if the route is a POST, and no route reads it by GET or has a
variable behind it; else it is a collection, or a part of the resource. What may be more than an id says so:
`{id_or_email}`.
"""

from collections.abc import Iterable, Sequence

import pytest
from google.protobuf.descriptor import MethodDescriptor

from edge.transcoding.routes import Route
from edge.transcoding.template import Literal, Parameter, Segment, parse
from tests.unit.protos.contract import METHODS, ROUTES

SHAPE = "{}"


def shape(segments: Iterable[Segment]) -> tuple[str, ...]:
    """A path without the names of its variables."""
    return tuple(segment.text if isinstance(segment, Literal) else SHAPE for segment in segments)


def collections(routes: Iterable[Route]) -> set[tuple[str, ...]]:
    """The paths of what is read by GET or has a variable behind it."""
    found = set()
    for route in routes:
        path = shape(route.segments)
        found |= {path[:at] for at, text in enumerate(path) if text == SHAPE}
        if route.verb == "GET":
            found.add(path)
    return found


def parent_name(collection: Segment) -> str:
    """The name of a variable behind a collection whose name is a plural: `email_id` behind `emails`."""
    assert isinstance(collection, Literal), "two variables in succession"
    return collection.text.removesuffix("s").replace("-", "_") + "_id"


def misnamed_variables(routes: Sequence[Route]) -> list[str]:
    """A sentence for each variable with another name than the rule gives it."""
    known = collections(routes)
    found = []
    for route in routes:
        path = shape(route.segments)
        for at, segment in enumerate(route.segments):
            if isinstance(segment, Literal) or segment.field.startswith("id_or_"):
                continue
            name = parent_name(route.segments[at - 1])
            follows = path[at + 1 :]
            ends = {path[:end] for end in range(at + 2, len(path) + 1)}
            is_own = path.count(SHAPE) == 1 and not ends & known and (not follows or route.verb == "POST")
            if segment.field not in ({name, "id"} if is_own else {name}):
                found.append(f"{route.verb} {route.path}: name {{{segment.field}}} {name}")
    return found


def stray_ids(methods: Iterable[MethodDescriptor], routes: Iterable[Route]) -> list[str]:
    """The methods whose request has a field `id` that is no variable of the method's routes."""
    bound = {route.method.full_name for route in routes if "id" in route.parameters}
    return [
        f"{method.full_name}: say in the name of {method.input_type.name}.id which id it is"
        for method in methods
        if "id" in method.input_type.fields_by_name and method.full_name not in bound
    ]


def at(verb: str, path: str) -> Route:
    return Route(verb, path, parse(path), METHODS[0])


def test_every_variable_of_a_path_is_named_by_the_rule() -> None:
    assert any(isinstance(segment, Parameter) for route in ROUTES for segment in route.segments)
    assert not misnamed_variables(ROUTES)


def test_no_request_has_an_id_that_its_path_does_not_show() -> None:
    assert not stray_ids(METHODS, ROUTES)


@pytest.mark.parametrize(
    ("verb", "path", "name"),
    [
        ("GET", "/v1/emails/{id}/attachments", "email_id"),
        ("GET", "/v1/emails/{email_id}/attachments/{id}", "attachment_id"),
        ("POST", "/v1/webhooks/{id}/events/{event_id}/replay", "webhook_id"),
        ("POST", "/v1/webhooks/{webhook_id}/events/{id}/replay", "event_id"),
        ("POST", "/v1/emails/{id}/attachments", "email_id"),
        ("GET", "/v1/domains/{id}/zone", "domain_id"),
        ("PATCH", "/v1/api-keys/{id}/settings", "api_key_id"),
        ("DELETE", "/v1/api-keys/{key}", "api_key_id"),
    ],
)
def test_a_parent_that_is_only_called_id_is_named(verb: str, path: str, name: str) -> None:
    (line,) = misnamed_variables([at("GET", "/v1/emails/{email_id}/attachments"), at(verb, path)])
    assert line.startswith(f"{verb} {path}: ")
    assert line.endswith(f" {name}")


@pytest.mark.parametrize("verb", ["cancel", "verify", "test", "signing-secret/rotate", "dkim/rotate"])
def test_the_resource_that_a_verb_is_about_may_be_called_id(verb: str) -> None:
    assert not misnamed_variables([at("GET", "/v1/things/{id}"), at("POST", f"/v1/things/{{id}}/{verb}")])


def test_an_id_that_is_no_part_of_the_path_is_found() -> None:
    (get,) = [method for method in METHODS if method.name == "GetEmail"]
    assert stray_ids([get], []) == [
        "zidimail.v1.EmailService.GetEmail: say in the name of GetEmailRequest.id which id it is"
    ]
