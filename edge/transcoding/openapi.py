"""JSON Schemas and OpenAPI operations from the descriptors (OpenAPI 3.1).

What binders accept and renderers show is what is described; a dialect adds the shapes of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from edge.transcoding.binding import is_in_query
from edge.transcoding.names import EnumNames
from edge.transcoding.routes import Route

Schema: TypeAlias = dict[str, Any]

_INTEGER_RANGES: Mapping[int, tuple[int, int]] = {
    FieldDescriptor.CPPTYPE_INT32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, (1 << 32) - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, (1 << 64) - 1),
}


class Schemas:
    """Schemas of messages as one dialect writes them. `special` has those of messages with a form of
    their own, `comments` what the protos say, by full name."""

    def __init__(self, names: EnumNames, special: Mapping[str, Schema], comments: Mapping[str, str]) -> None:
        self._names = names
        self._special = {
            "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
            **special,
        }
        self._comments = comments

    def request(self, route: Route) -> Schema:
        """What a route's body may be: the request without what stands in the path."""
        descriptor = route.method.input_type
        if route.body != "*":
            return self._field(descriptor.fields_by_name[route.body], asked=True)
        schema = self._message(descriptor, asked=True)
        for name in route.parameters:
            del schema["properties"][name]
            if name in schema["required"]:
                schema["required"].remove(name)
        return schema

    def response(self, route: Route) -> Schema:
        """What a route's answer is."""
        descriptor = route.method.output_type
        if not route.response_body:
            return self._message(descriptor, asked=False)
        inner = descriptor.fields_by_name[route.response_body].message_type
        assert inner is not None
        return self._message(inner, asked=False)

    def parameters(self, route: Route) -> list[Schema]:
        """A route's path and query parameters."""
        descriptor = route.method.input_type
        found = [self._parameter(descriptor.fields_by_name[name], "path") for name in route.parameters]
        if route.body != "*":
            found += [
                self._parameter(field, "query")
                for field in descriptor.fields
                if field.name not in {*route.parameters, route.body} and is_in_query(field)
            ]
        return found

    def comment(self, name: str) -> str:
        """What the protos say about something, or nothing."""
        return self._comments.get(name, "")

    def _parameter(self, field: FieldDescriptor, place: str) -> Schema:
        schema = self._field(field, asked=True)
        description = schema.pop("description", "")
        # A larger number counts as the largest.
        schema.pop("maximum", None)
        parameter = {"name": field.name, "in": place, "required": place == "path", "schema": schema}
        return {**parameter, "description": description} if description else parameter

    def _message(self, descriptor: Descriptor, *, asked: bool) -> Schema:
        special = self._special.get(descriptor.full_name)
        if special is not None:
            return dict(special)
        schema: Schema = {
            "type": "object",
            "properties": {field.name: self._property(field, asked=asked) for field in descriptor.fields},
            "required": [field.name for field in descriptor.fields if not asked or _is_required(field)],
        }
        return self._described(schema, descriptor.full_name)

    def _property(self, field: FieldDescriptor, *, asked: bool) -> Schema:
        schema = self._field(field, asked=asked)
        if not asked:
            return schema
        # In a request null means absent, and a required text or list is not an empty one.
        return _filled(schema) if _is_required(field) else nullable(schema)

    def _field(self, field: FieldDescriptor, *, asked: bool) -> Schema:
        message = field.message_type
        if message is not None and message.GetOptions().map_entry:
            values = self._value(message.fields_by_name["value"], asked=asked)
            schema: Schema = {"type": "object", "additionalProperties": values}
        elif field.is_repeated:
            schema = {"type": "array", "items": self._value(field, asked=asked)}
        else:
            schema = self._value(field, asked=asked)
            if not asked and (field.has_presence or field.enum_type is not None):
                schema = nullable(schema)
        return self._described(schema, field.full_name)

    def _value(self, field: FieldDescriptor, *, asked: bool) -> Schema:
        if field.message_type is not None:
            return self._message(field.message_type, asked=asked)
        if field.enum_type is not None:
            return {"type": "string", "enum": list(self._names(field.enum_type).values())}
        if field.cpp_type in _INTEGER_RANGES:
            low, high = _INTEGER_RANGES[field.cpp_type]
            return {"type": "integer", "minimum": low, "maximum": high}
        if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
            return {"type": "boolean"}
        if field.cpp_type in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
            return {"type": "number"}
        if field.type == FieldDescriptor.TYPE_BYTES:
            return {"type": "string", "contentEncoding": "base64"}
        return {"type": "string"}

    def _described(self, schema: Schema, name: str) -> Schema:
        comment = self.comment(name)
        return {**schema, "description": comment} if comment else schema


def nullable(schema: Schema) -> Schema:
    """The schema of the same value or null."""
    kind = schema.get("type")
    if isinstance(kind, list) and "null" in kind:
        return schema
    if not isinstance(kind, str):
        return {"anyOf": [schema, {"type": "null"}]}
    values = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [kind, "null"], **values}


def _filled(schema: Schema) -> Schema:
    least = {"string": "minLength", "array": "minItems"}.get(schema.get("type", ""))
    return schema if least is None or "enum" in schema else {**schema, least: 1}


def _is_required(field: FieldDescriptor) -> bool:
    behaviors = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    return field_behavior_pb2.REQUIRED in behaviors
