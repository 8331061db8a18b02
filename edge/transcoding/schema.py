"""JSON Schemas as OpenAPI 3.1 writes them, and small changes of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeAlias

from edge.transcoding.json_value import Json

Schema: TypeAlias = dict[str, Json]

TEXT: Schema = {"type": "string"}
TIME: Schema = {"type": "string", "format": "date-time"}


def object_of(properties: Mapping[str, Schema], *, optional: Collection[str] = ()) -> Schema:
    """The schema of an object; of its properties all but the `optional` ones are required."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": dict(properties), "required": required}


def nullable(schema: Schema) -> Schema:
    """The schema of the same value or null."""
    kind = schema.get("type")
    if isinstance(kind, list) and "null" in kind:
        return schema
    if not isinstance(kind, str):
        return {"anyOf": [schema, {"type": "null"}]}
    values = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [kind, "null"], **values}


def not_null(schema: Schema) -> Schema:
    """The schema of the same value without null, where `nullable` has added it to one type."""
    if not isinstance(schema.get("type"), list):
        return schema
    kinds = [kind for kind in schema["type"] if kind != "null"]
    values = {"enum": [value for value in schema["enum"] if value is not None]} if "enum" in schema else {}
    return {**schema, "type": kinds[0], **values}


def not_empty(schema: Schema) -> Schema:
    """The schema of the same text or list with at least one character or item."""
    least = {"string": "minLength", "array": "minItems"}.get(schema.get("type", ""))
    return schema if least is None or "enum" in schema else {**schema, least: 1}
