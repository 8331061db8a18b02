"""`/v1/openapi.json`: the routes of the dialect, with the shapes that it takes and gives."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson

from edge.dialects.zidimail.dialect import CREATED, IDEMPOTENT, ZidiMail
from edge.dialects.zidimail.errors import ROWS
from edge.dialects.zidimail.schemas import REQUESTS, RESPONSES, TEXT, same
from edge.dialects.zidimail.shapes import EMAILS
from edge.transcoding.comments import comments_of
from edge.transcoding.openapi import Schema, Schemas
from edge.transcoding.routes import Route

VERSION = "1"

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
    "schema": {"type": "string", "minLength": 1, "maxLength": 256},
}

_COUNTED_FROM_ONE = ("limit", "page")

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
    for route in dialect.routes:
        paths.setdefault(route.path, {})[route.verb.lower()] = _operation(route, schemas, components)
    return orjson.dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": "ZidiMail", "version": VERSION},
            "servers": [{"url": url}],
            "security": [{"bearer": []}],
            "tags": [
                {"name": name.rpartition(".")[2], "description": schemas.comment(name)}
                for name in sorted({route.method.containing_service.full_name for route in dialect.routes})
            ],
            "paths": paths,
            "components": {
                "schemas": components,
                "responses": {str(status): _error_response(status) for status in _STATUSES},
                "securitySchemes": {
                    "bearer": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "An API key, `zm_live_...`, or a session token.",
                    }
                },
            },
        }
    )


def _operation(route: Route, schemas: Schemas, components: dict[str, Schema]) -> dict[str, Any]:
    method = route.method
    name = method.full_name
    summary, description = _told(schemas.comment(name))
    headers: dict[str, Any] = {"X-Request-Id": {"schema": TEXT}}
    parameters = schemas.parameters(route)
    for parameter in parameters:
        if parameter["name"] in _COUNTED_FROM_ONE:
            parameter["schema"]["minimum"] = 1
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
            "content": {"application/json": {"schema": _reference("schemas", method.input_type.name)}},
        }
    return operation


def _told(comment: str) -> tuple[str, str]:
    """The first sentence of a method's comment, and the rest without the reasons that only gRPC shows."""
    text, _, _ = comment.partition("\n\nErrors:")
    summary, _, description = text.partition(". ")
    return summary.rstrip("."), description


def _reference(kind: str, name: str) -> Schema:
    return {"$ref": f"#/components/{kind}/{name}"}


def _error_response(status: int) -> dict[str, Any]:
    headers: dict[str, Any] = {"X-Request-Id": {"schema": TEXT}}
    if status in (429, 503):
        headers["Retry-After"] = {"schema": {"type": "integer"}, "description": "Seconds."}
    return {
        "description": HTTPStatus(status).phrase,
        "headers": headers,
        "content": {"application/json": {"schema": _reference("schemas", "Error")}},
    }
