"""The OpenAPI document of a dialect: its routes, with the shapes that it takes and gives."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

import orjson
from zidimail.v1 import access_pb2

from edge.dialects.dialect import Dialect
from edge.dialects.sends import IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_LIMITS
from edge.transcoding.comments import comments_of
from edge.transcoding.openapi import (
    RequestSchemas,
    ResponseSchemas,
    content_of,
    links,
    reference,
    split_comment,
)
from edge.transcoding.routes import Route
from edge.transcoding.schema import TEXT, Schema

VERSION = "1"
_SCHEMES = {
    access_pb2.CREDENTIAL_API_KEY: "api_key",
    access_pb2.CREDENTIAL_SESSION: "session",
    access_pb2.CREDENTIAL_OPERATOR: "operator",
}

_COUNT: Schema = {"type": "integer", "minimum": 0}

_REQUEST_HEADERS: Mapping[bytes, Schema] = {
    IDEMPOTENCY_KEY: {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Makes the request safe to repeat for 24 hours.",
        "schema": TEXT | IDEMPOTENCY_KEY_LIMITS | {"pattern": "^[!-~]([ -~]*[!-~])?$"},
    },
    b"x-batch-validation": {
        "name": "X-Batch-Validation",
        "in": "header",
        "required": False,
        "description": "`strict` (one wrong email fails the batch) or "
        "`permissive` (the right ones are sent).",
        "schema": {"type": "string", "enum": ["strict", "permissive"]},
    },
}

_CURSOR = ("zidimail.v1.EventService.ListEvents", "after")
"""The log is walked by cursors, other lists by ids."""

_HEADERS: Schema = {
    "X-Request-Id": {"schema": TEXT},
    "RateLimit-Limit": {"schema": _COUNT, "description": "The limit that is nearest to being reached."},
    "RateLimit-Remaining": {"schema": _COUNT, "description": "What is left of it."},
    "RateLimit-Reset": {"schema": _COUNT, "description": "Seconds until it is full again."},
}
"""Of every answer; those of a limit where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """The parts of the document that a dialect says itself."""

    title: str
    key: str
    """The form of its API keys."""

    error: Schema
    """The schema of errors."""

    statuses: Collection[int]
    """The statuses of errors."""

    bounds: Mapping[str, Schema] = field(default_factory=dict)
    """Limits of query parameters that their types cannot say."""

    operations: Mapping[Route, str] = field(default_factory=dict)
    """The names of the routes' operations, if not those of their methods."""

    ids: Mapping[Route, str] = field(default_factory=dict)
    """The places of ids in the routes' answers, as JSON pointers, where they are not `id`."""


class Described(Dialect, Protocol):
    """A dialect with a document."""

    @property
    def documented(self) -> Sequence[Route]:
        """The routes that the document shows."""


def document(dialect: Described, about: Description, url: str) -> bytes:
    """The whole document as JSON; `url` is where the API is reached."""
    comments = comments_of("zidimail.v1")
    routes = dialect.documented
    requests = RequestSchemas(dialect.request_names, dialect.requests, comments)
    responses = ResponseSchemas(dialect.names, dialect.responses, comments)
    schemas: dict[str, Schema] = {"Error": about.error}
    paths: dict[str, Schema] = {}
    for route in routes:
        rules = dialect.rules(route)
        schemas[_answer_name(route, dialect, about)] = responses.answer(route, rules.response)
        if route.body and rules.upload is None:
            schemas[_body_name(route, dialect, about)] = requests.body(route, rules.request)
        operation = _operation(route, dialect, about, requests, comments[route.method.full_name])
        paths.setdefault(route.path, {})[route.verb.lower()] = operation
    services = sorted({route.method.containing_service.full_name for route in routes})
    return orjson.dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": about.title, "version": VERSION},
            "servers": [{"url": url}],
            "tags": [_tag(name, comments[name]) for name in services],
            "paths": paths,
            "components": {
                "schemas": schemas,
                "responses": {str(status): _error_response(status) for status in sorted(about.statuses)},
                "securitySchemes": _security_schemes(dialect, about),
            },
        }
    )


def _tag(service: str, comment: str) -> Schema:
    # The first paragraph says what the service is for; the others are about gRPC.
    return {"name": service.rpartition(".")[2], "description": comment.partition("\n\n")[0]}


def _operation_name(route: Route, about: Description) -> str:
    return about.operations.get(route, route.method.name)


def _answer_name(route: Route, dialect: Described, about: Description) -> str:
    if dialect.rules(route).response is None:
        return route.method.output_type.name
    return f"{_operation_name(route, about)}Response"


def _body_name(route: Route, dialect: Described, about: Description) -> str:
    if dialect.rules(route).request is None:
        return route.method.input_type.name
    return f"{_operation_name(route, about)}Request"


def _operation(
    route: Route, dialect: Described, about: Description, requests: RequestSchemas, comment: str
) -> Schema:
    method = route.method
    rules = dialect.rules(route)
    query = rules.query or dialect.queries
    summary, description = split_comment(comment)
    headers = dict(_HEADERS)
    parameters = requests.parameters(route, query)
    for parameter in parameters:
        if parameter["in"] == "query" and (method.full_name, parameter["name"]) != _CURSOR:
            parameter["schema"] |= about.bounds.get(parameter["name"], {})
    parameters += [row for header, row in _REQUEST_HEADERS.items() if header in rules.request_headers]
    if IDEMPOTENCY_KEY in rules.request_headers:
        headers["Idempotent-Replayed"] = {"schema": {"const": "true"}}
    operation: Schema = {
        "operationId": _operation_name(route, about),
        "tags": [method.containing_service.name],
        "summary": summary,
        "description": description,
        "security": _security(route),
        "parameters": parameters,
        "responses": {
            str(rules.status): {
                "description": "Done.",
                "headers": headers,
                "content": content_of(_answer_name(route, dialect, about)),
                "links": links(
                    route,
                    dialect.documented,
                    lambda other: _operation_name(other, about),
                    about.ids.get(route),
                ),
            },
            **{str(status): reference("responses", str(status)) for status in sorted(about.statuses)},
        },
    }
    if route.body:
        media_type = rules.media_types[0] if route.is_of_bytes else "application/json"
        content = (
            requests.upload(route, rules.upload.file, rules.upload.media_types)
            if rules.upload is not None
            else content_of(_body_name(route, dialect, about), media_type)
        )
        example = (rules.request or dialect.requests.of(method.input_type)).example
        if example is not None:
            content[media_type]["example"] = example
        operation["requestBody"] = {"required": requests.needs_body(route), "content": content}
    return operation


def _bearer(description: str) -> Schema:
    return {"type": "http", "scheme": "bearer", "description": description}


def _security(route: Route) -> list[dict[str, list[str]]]:
    """The kinds of credential that open a route; none for one that is open to everyone."""
    access: access_pb2.Access = route.method.GetOptions().Extensions[access_pb2.access]  # type: ignore[index]
    return [{_SCHEMES[kind]: []} for kind in access.credentials if kind != access_pb2.CREDENTIAL_NONE]


def _security_schemes(dialect: Described, about: Description) -> dict[str, Schema]:
    """The kinds of credential that open any route of a dialect."""
    schemes = {
        "api_key": _bearer(f"An API key, `{about.key}`."),
        "session": _bearer("A session, made by signing in."),
        "operator": _bearer("An operator's token, `zo_<id>_<secret>`, or the session of an operator."),
    }
    used = {name for route in dialect.documented for kind in _security(route) for name in kind}
    return {name: scheme for name, scheme in schemes.items() if name in used}


def _error_response(status: int) -> Schema:
    headers = dict(_HEADERS)
    if status in (429, 503):
        headers["Retry-After"] = {"schema": _COUNT, "description": "Seconds."}
    return {
        "description": HTTPStatus(status).phrase,
        "headers": headers,
        "content": content_of("Error"),
    }
