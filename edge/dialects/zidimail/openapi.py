"""`/v1/openapi.json`: the routes of the dialect, with the shapes that it takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from zidimail.v1 import access_pb2

from edge.dialects.sends import IDEMPOTENCY_KEY
from edge.dialects.zidimail.dialect import ZidiMail
from edge.dialects.zidimail.errors import ROWS
from edge.dialects.zidimail.shapes import IDEMPOTENCY_KEY_LIMITS, QUERIES
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
from edge.transcoding.schema import TEXT, TIME, Schema, object_of

VERSION = "1"

_SCHEMES = {access_pb2.CREDENTIAL_API_KEY: "api_key", access_pb2.CREDENTIAL_SESSION: "session"}

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

_BOUNDS: Mapping[str, Schema] = {
    **{name: {"minimum": 1} for name in QUERIES.counts},
    "page": {"minimum": 1, "maximum": 1_000_000},
    "offset": {"minimum": 0},
    "after": {"pattern": "^([0-9a-f]{24})?$"},
    "before": {"pattern": "^([0-9a-f]{24})?$"},
}
"""Limits of query parameters that their types cannot say."""

_CURSOR = ("zidimail.v1.EventService.ListEvents", "after")
"""The log is walked by cursors, other lists by ids."""

_HEADERS: Schema = {
    "X-Request-Id": {"schema": TEXT},
    "RateLimit-Limit": {"schema": _COUNT, "description": "The limit that is nearest to being reached."},
    "RateLimit-Remaining": {"schema": _COUNT, "description": "What is left of it."},
    "RateLimit-Reset": {"schema": _COUNT, "description": "Seconds until it is full again."},
}
"""Of every answer; those of a limit where there is one."""

_ERROR = object_of(
    {
        "error": {**TEXT, "description": "What went wrong, in one sentence."},
        "message": {**TEXT, "description": "The particulars, or what to do."},
        "action": {**TEXT, "description": "What to do, where more than repeating helps."},
        "name": {**TEXT, "enum": sorted({row.name for row in ROWS.values()})},
        "statusCode": {"type": "integer", "description": "The status of the answer."},
        "errors": {
            "type": "array",
            "description": "Each wrong field.",
            "items": object_of({"field": TEXT, "message": TEXT}),
        },
        "resetsAt": {**TIME, "description": "When a limit is lifted."},
    },
    optional=("action", "errors", "resetsAt"),
)

_STATUSES = sorted({row.status for row in ROWS.values()} | {429})


def document(dialect: ZidiMail, url: str) -> bytes:
    """The whole document as JSON; `url` is where the API is reached."""
    comments = comments_of("zidimail.v1")
    routes = dialect.documented
    requests = RequestSchemas(dialect.request_names, dialect.requests, comments)
    responses = ResponseSchemas(dialect.names, dialect.responses, comments)
    schemas: dict[str, Schema] = {"Error": _ERROR}
    paths: dict[str, Schema] = {}
    for route in routes:
        method = route.method
        schemas[method.output_type.name] = responses.answer(route)
        if route.body:
            schemas[method.input_type.name] = requests.body(route)
        operation = _operation(route, dialect, requests, comments[method.full_name])
        paths.setdefault(route.path, {})[route.verb.lower()] = operation
    services = sorted({route.method.containing_service.full_name for route in routes})
    return orjson.dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": "ZidiMail", "version": VERSION},
            "servers": [{"url": url}],
            "tags": [_tag(name, comments[name]) for name in services],
            "paths": paths,
            "components": {
                "schemas": schemas,
                "responses": {str(status): _error_response(status) for status in _STATUSES},
                "securitySchemes": {
                    _SCHEMES[access_pb2.CREDENTIAL_API_KEY]: _bearer("An API key, `zm_live_...`."),
                    _SCHEMES[access_pb2.CREDENTIAL_SESSION]: _bearer("A session, made by signing in."),
                },
            },
        }
    )


def _tag(service: str, comment: str) -> Schema:
    # The first paragraph says what the service is for; the others are about gRPC.
    return {"name": service.rpartition(".")[2], "description": comment.partition("\n\n")[0]}


def _operation(route: Route, dialect: ZidiMail, requests: RequestSchemas, comment: str) -> Schema:
    method = route.method
    rules = dialect.rules(route)
    summary, description = split_comment(comment)
    headers = dict(_HEADERS)
    parameters = requests.parameters(route)
    for parameter in parameters:
        if parameter["in"] == "query" and (method.full_name, parameter["name"]) != _CURSOR:
            parameter["schema"] |= _BOUNDS.get(parameter["name"], {})
    parameters += [row for header, row in _REQUEST_HEADERS.items() if header in rules.request_headers]
    if IDEMPOTENCY_KEY in rules.request_headers:
        headers["Idempotent-Replayed"] = {"schema": {"const": "true"}}
    operation: Schema = {
        "operationId": method.name,
        "tags": [method.containing_service.name],
        "summary": summary,
        "description": description,
        "security": _security(route),
        "parameters": parameters,
        "responses": {
            str(rules.status): {
                "description": "Done.",
                "headers": headers,
                "content": content_of(method.output_type.name),
                "links": links(route, dialect.documented),
            },
            **{str(status): reference("responses", str(status)) for status in _STATUSES},
        },
    }
    if route.body:
        content = content_of(method.input_type.name)
        example = dialect.requests.of(method.input_type).example
        if example is not None:
            content["application/json"]["example"] = example
        operation["requestBody"] = {"required": requests.needs_body(route), "content": content}
    return operation


def _bearer(description: str) -> Schema:
    return {"type": "http", "scheme": "bearer", "description": description}


def _security(route: Route) -> list[dict[str, list[str]]]:
    """The kinds of credential that open a route."""
    access: access_pb2.Access = route.method.GetOptions().Extensions[access_pb2.access]  # type: ignore[index]
    return [{_SCHEMES[kind]: []} for kind in access.credentials]


def _error_response(status: int) -> Schema:
    headers = dict(_HEADERS)
    if status in (429, 503):
        headers["Retry-After"] = {"schema": _COUNT, "description": "Seconds."}
    return {
        "description": HTTPStatus(status).phrase,
        "headers": headers,
        "content": content_of("Error"),
    }
