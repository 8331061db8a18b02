"""`/v1/openapi.json`: the routes of the dialect, with the shapes that it takes and gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from zidimail.v1 import access_pb2

from edge.dialects.zidimail.dialect import CREATED, IDEMPOTENT, ZidiMail
from edge.dialects.zidimail.errors import ROWS
from edge.dialects.zidimail.schemas import EXAMPLES, IDEMPOTENCY_KEY, REQUESTS, RESPONSES, TEXT, same
from edge.dialects.zidimail.shapes import EMAILS, EVENTS
from edge.transcoding.comments import comments_of
from edge.transcoding.openapi import Schema, Schemas
from edge.transcoding.routes import Route

VERSION = "1"

_SCHEMES = {access_pb2.CREDENTIAL_API_KEY: "api_key", access_pb2.CREDENTIAL_SESSION: "session"}

_COUNT: Schema = {"type": "integer", "minimum": 0}

_STRATEGY_HEADER = {
    "name": "X-Batch-Validation",
    "in": "header",
    "required": False,
    "description": "`strict` (one wrong email fails the batch) or `permissive` (the right ones are sent).",
    "schema": {"type": "string", "enum": ["strict", "permissive"]},
}

_IDEMPOTENCY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes the request safe to repeat for 24 hours.",
    "schema": TEXT | IDEMPOTENCY_KEY | {"pattern": "^[!-~]([ -~]*[!-~])?$"},
}

_BOUNDS: Mapping[str, Schema] = {
    "limit": {"minimum": 1},
    "page": {"minimum": 1, "maximum": 1_000_000},
    "days": {"minimum": 1},
    "after": {"pattern": "^[0-9a-f]{24}$"},
    "before": {"pattern": "^[0-9a-f]{24}$"},
}
"""What query parameters are, beyond their types."""

_CURSOR = (EVENTS + "ListEvents", "after")
"""The log is walked by cursors, other lists by ids."""

_HEADERS: Mapping[str, Any] = {
    "X-Request-Id": {"schema": TEXT},
    "RateLimit-Limit": {"schema": _COUNT, "description": "The limit that is nearest to being reached."},
    "RateLimit-Remaining": {"schema": _COUNT, "description": "What is left of it."},
    "RateLimit-Reset": {"schema": _COUNT, "description": "Seconds until it is full again."},
}
"""Of every answer; those of a limit where there is one."""

_ERROR: Schema = {
    "type": "object",
    "properties": {
        "error": {"type": "string", "description": "What went wrong, in one sentence."},
        "message": {"type": "string", "description": "The particulars, or what to do."},
        "action": {"type": "string", "description": "What to do, where more than repeating helps."},
        "name": {"type": "string", "enum": sorted({row.name for row in ROWS.values()})},
        "statusCode": {"type": "integer", "description": "The status of the answer."},
        "errors": {
            "type": "array",
            "description": "Each wrong field.",
            "items": {
                "type": "object",
                "properties": {"field": TEXT, "message": TEXT},
                "required": ["field", "message"],
            },
        },
        "resetsAt": {"type": "string", "format": "date-time", "description": "When a limit is lifted."},
    },
    "required": ["error", "message", "name", "statusCode"],
}

_STATUSES = sorted({row.status for row in ROWS.values()} | {429})


def document(dialect: ZidiMail, url: str) -> bytes:
    """The whole document as JSON; `url` is where the API is reached."""
    schemas = Schemas(dialect.names, {"google.rpc.Status": TEXT}, comments_of("zidimail.v1"))
    paths: dict[str, dict[str, Any]] = {}
    components: dict[str, Schema] = {"Error": _ERROR}
    for route in dialect.documented:
        operation = _operation(route, schemas, components)
        _answer_of(operation)["links"] = _links(route, dialect.documented)
        paths.setdefault(route.path, {})[route.verb.lower()] = operation
    return orjson.dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": "ZidiMail", "version": VERSION},
            "servers": [{"url": url}],
            "tags": [
                {"name": name.rpartition(".")[2], "description": schemas.comment(name)}
                for name in sorted(
                    {route.method.containing_service.full_name for route in dialect.documented}
                )
            ],
            "paths": paths,
            "components": {
                "schemas": components,
                "responses": {str(status): _error_response(status) for status in _STATUSES},
                "securitySchemes": {
                    _SCHEMES[access_pb2.CREDENTIAL_API_KEY]: _bearer("An API key, `zm_live_...`."),
                    _SCHEMES[access_pb2.CREDENTIAL_SESSION]: _bearer("A session, made by signing in."),
                },
            },
        }
    )


def _operation(route: Route, schemas: Schemas, components: dict[str, Schema]) -> dict[str, Any]:
    method = route.method
    name = method.full_name
    summary, description = _told(schemas.comment(name))
    headers = dict(_HEADERS)
    parameters = schemas.parameters(route)
    for parameter in parameters:
        if parameter["in"] == "query" and (name, parameter["name"]) != _CURSOR:
            parameter["schema"] |= _BOUNDS.get(parameter["name"], {})
    if name in IDEMPOTENT:
        parameters.append(_IDEMPOTENCY_HEADER)
        headers["Idempotent-Replayed"] = {"schema": {"const": "true"}}
    if name == EMAILS + "BatchSendEmails":
        parameters.append(_STRATEGY_HEADER)
    answer = RESPONSES[name](schemas.response(route))
    components[method.output_type.name] = answer
    operation: dict[str, Any] = {
        "operationId": method.name,
        "tags": [method.containing_service.name],
        "summary": summary,
        "description": description,
        "security": _security(route),
        "parameters": parameters,
        "responses": {
            "201" if name in CREATED else "200": {
                "description": "Done.",
                "headers": headers,
                "content": {"application/json": {"schema": _reference("schemas", method.output_type.name)}},
            },
            **{str(status): _reference("responses", str(status)) for status in _STATUSES},
        },
    }
    if route.body:
        asked = schemas.request(route)
        needed = bool(asked["required"])
        components[method.input_type.name] = REQUESTS.get(name, same)(asked)
        operation["requestBody"] = {
            "required": needed,
            "content": {"application/json": _with_example(name, method.input_type.name)},
        }
    return operation


def _with_example(method: str, schema: str) -> Schema:
    content: Schema = {"schema": _reference("schemas", schema)}
    if method in EXAMPLES:
        content["example"] = EXAMPLES[method]
    return content


def _bearer(description: str) -> Schema:
    return {"type": "http", "scheme": "bearer", "description": description}


def _security(route: Route) -> list[dict[str, list[str]]]:
    """Which kinds of credential open a route."""
    access: access_pb2.Access = route.method.GetOptions().Extensions[access_pb2.access]  # type: ignore[index]
    return [{_SCHEMES[kind]: []} for kind in access.credentials]


def _answer_of(operation: dict[str, Any]) -> dict[str, Any]:
    """The answer of success."""
    return next(answer for status, answer in operation["responses"].items() if status.startswith("2"))


def _links(route: Route, routes: Sequence[Route]) -> dict[str, Any]:
    """The operations on what a route has made or listed: those whose path goes on with its id."""
    listed = {"GET": "#/data/0/id", "POST": "#/id"}.get(route.verb)
    links = {}
    for other in routes:
        parameters = other.parameters
        if listed is None or not parameters or parameters[:-1] != route.parameters:
            continue
        if other.path.startswith(f"{route.path}/{{{parameters[-1]}}}"):
            known = {name: f"$request.path.{name}" for name in route.parameters}
            links[other.method.name] = {
                "operationId": other.method.name,
                "parameters": {**known, parameters[-1]: f"$response.body{listed}"},
            }
    return links


def _told(comment: str) -> tuple[str, str]:
    """The first sentence of a method's comment, and the rest without the reasons that only gRPC shows."""
    text, _, _ = comment.partition("\n\nErrors:")
    summary, _, description = text.partition(". ")
    return summary.rstrip("."), description


def _reference(kind: str, name: str) -> Schema:
    return {"$ref": f"#/components/{kind}/{name}"}


def _error_response(status: int) -> dict[str, Any]:
    headers = dict(_HEADERS)
    if status in (429, 503):
        headers["Retry-After"] = {"schema": _COUNT, "description": "Seconds."}
    return {
        "description": HTTPStatus(status).phrase,
        "headers": headers,
        "content": {"application/json": {"schema": _reference("schemas", "Error")}},
    }
