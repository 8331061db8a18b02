"""JSON Schemas and OpenAPI operations from the descriptors (OpenAPI 3.1).

Binders and renderers are described with the shapes that they are compiled from.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Generic, TypeVar

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from edge.transcoding.names import EnumNames
from edge.transcoding.query import is_in_query
from edge.transcoding.request_shape import PLAIN_QUERY, QueryShape, RequestShape, RequestShapes
from edge.transcoding.response_shape import ResponseShape, ResponseShapes
from edge.transcoding.routes import Route
from edge.transcoding.schema import TEXT, TIME, Schema, not_empty, nullable, object_of

_INTEGER_RANGES: Mapping[int, tuple[int, int]] = {
    FieldDescriptor.CPPTYPE_INT32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, (1 << 32) - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, (1 << 64) - 1),
}

Shape = TypeVar("Shape", RequestShape, ResponseShape)


class _Schemas(ABC, Generic[Shape]):
    """Schemas of fields. `comments` are those of the protos, by full name."""

    def __init__(self, names: EnumNames, comments: Mapping[str, str]) -> None:
        self._names = names
        self._comments = comments

    @abstractmethod
    def message(self, descriptor: Descriptor, shape: Shape | None = None) -> Schema:
        """The schema of a message in its own shape, or in another."""

    def field(self, field: FieldDescriptor, shape: Shape | None = None) -> Schema:
        """The schema of a field, with its comment."""
        message = field.message_type
        if message is not None and message.GetOptions().map_entry:
            values = self.value(message.fields_by_name["value"])
            schema: Schema = {"type": "object", "additionalProperties": values}
        elif field.is_repeated:
            schema = {"type": "array", "items": self.value(field, shape)}
        else:
            schema = self.value(field, shape)
        return self.described(schema, field.full_name)

    def value(self, field: FieldDescriptor, shape: Shape | None = None) -> Schema:
        """The schema of one value of a field."""
        message = field.message_type
        if message is not None:
            is_time = message.full_name == "google.protobuf.Timestamp"
            return dict(TIME) if is_time else self.message(message, shape)
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
        return dict(TEXT)

    def described(self, schema: Schema, name: str) -> Schema:
        comment = self._comments.get(name, "")
        return {**schema, "description": comment} if comment else schema


class RequestSchemas(_Schemas[RequestShape]):
    """Schemas of bodies and parameters, as one dialect accepts them."""

    def __init__(self, names: EnumNames, shapes: RequestShapes, comments: Mapping[str, str]) -> None:
        super().__init__(names, comments)
        self._shapes = shapes

    def body(self, route: Route, shape: RequestShape | None = None) -> Schema:
        """The schema of a route's body: the request without what stands in the path. `shape` is the body's,
        if not that of its message."""
        descriptor = route.method.input_type
        if route.is_of_bytes:
            return self.described({}, descriptor.fields_by_name[route.body].full_name)
        if route.body != "*":
            return self.field(descriptor.fields_by_name[route.body], shape)
        return self.message(descriptor, shape, without=route.parameters)

    def upload(self, route: Route, file: str, media_types: Sequence[str]) -> Schema:
        """The body of an upload: the file itself, or a form whose field `file` it is."""
        descriptor = route.method.input_type
        field = descriptor.fields_by_name[route.body]
        others = [each for each in descriptor.fields if each is not field]
        form = object_of(
            {file: self.described({"type": "string"}, field.full_name)}
            | {each.name: self.field(each) for each in others},
            optional={each.name for each in others},
        )
        plain: Schema = {media_type: {"schema": {}} for media_type in media_types}
        return {**plain, "multipart/form-data": {"schema": form}}

    def needs_body(self, route: Route) -> bool:
        """True if a route's body has required fields."""
        fields = route.method.input_type.fields
        return any(_is_required(field) for field in fields if field.name not in route.parameters)

    def parameters(self, route: Route, query: QueryShape = PLAIN_QUERY) -> list[Schema]:
        """A route's path and query parameters."""
        descriptor = route.method.input_type
        found = [self._parameter(descriptor.fields_by_name[name], "path") for name in route.parameters]
        hidden = self._shapes.of(descriptor).hidden
        if route.body != "*":
            found += [
                self._parameter(field, "query")
                for field in descriptor.fields
                if field.name not in {*route.parameters, route.body, *hidden, *query.fixed}
                and is_in_query(field)
            ]
        for parameter in found:
            if (meanings := query.words.get(parameter["name"])) is not None:
                items = {"type": "string", "enum": list(meanings)}
                parameter["schema"] = {"type": "array", "items": items}
        return found

    def message(
        self, descriptor: Descriptor, shape: RequestShape | None = None, *, without: Collection[str] = ()
    ) -> Schema:
        """The schema of a message, `without` some of its fields."""
        shape = shape or self._shapes.of(descriptor)
        absent = {*without, *shape.hidden}
        fields = [field for field in descriptor.fields if field.name not in absent]
        own: Schema = {
            "type": "object",
            "properties": {
                field.name: self._property(field, shape.items.get(field.name)) for field in fields
            },
            "required": [field.name for field in fields if _is_required(field)],
        }
        return shape.schema(self.described(own, descriptor.full_name))

    def _property(self, field: FieldDescriptor, shape: RequestShape | None) -> Schema:
        schema = self.field(field, shape)
        # Null means absent, and a required text or list is not an empty one.
        return not_empty(schema) if _is_required(field) else nullable(schema)

    def _parameter(self, field: FieldDescriptor, place: str) -> Schema:
        schema = self.field(field)
        description = schema.pop("description", "")
        # A larger number counts as the largest.
        schema.pop("maximum", None)
        parameter = {"name": field.name, "in": place, "required": place == "path", "schema": schema}
        return {**parameter, "description": description} if description else parameter


class ResponseSchemas(_Schemas[ResponseShape]):
    """Schemas of answers, as one dialect renders them."""

    def __init__(self, names: EnumNames, shapes: ResponseShapes, comments: Mapping[str, str]) -> None:
        super().__init__(names, comments)
        self._shapes = shapes

    def answer(self, route: Route, shape: ResponseShape | None = None) -> Schema:
        """The schema of a route's answer; `shape` is the answer's, if not that of its message."""
        descriptor = route.method.output_type
        if not route.response_body:
            return self.message(descriptor, shape)
        inner = descriptor.fields_by_name[route.response_body].message_type
        assert inner is not None
        return self.message(inner, shape)

    def message(self, descriptor: Descriptor, shape: ResponseShape | None = None) -> Schema:
        form = self._shapes.forms.get(descriptor.full_name)
        if form is not None:
            return dict(form.schema)
        shape = shape or self._shapes.of(descriptor)
        own = {field.name: self._property(field, shape.items.get(field.name)) for field in descriptor.fields}
        return self.described(shape.schema(own), descriptor.full_name)

    def _property(self, field: FieldDescriptor, shape: ResponseShape | None) -> Schema:
        schema = self.field(field, shape)
        is_one_enum = field.enum_type is not None and not field.is_repeated
        return nullable(schema) if field.has_presence or is_one_enum else schema


def _is_required(field: FieldDescriptor) -> bool:
    behaviors = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    return field_behavior_pb2.REQUIRED in behaviors


def content_of(schema: str, media_type: str = "application/json") -> Schema:
    """A body of a schema among the document's components."""
    return {media_type: {"schema": reference("schemas", schema)}}


def reference(kind: str, name: str) -> Schema:
    """A reference to one of the document's components."""
    return {"$ref": f"#/components/{kind}/{name}"}


def links(
    route: Route, routes: Sequence[Route], name_of: Callable[[Route], str], id_at: str | None = None
) -> Schema:
    """The operations on the objects that a route creates or lists: those whose path goes on with the id.

    `id_at` points to the id in the route's answer, if it is not where most have it.
    """
    listed = id_at or {"GET": "/data/0/id", "POST": "/id"}.get(route.verb)
    found = {}
    for other in routes:
        parameters = other.parameters
        if listed is None or not parameters or parameters[:-1] != route.parameters:
            continue
        if other.path.startswith(f"{route.path}/{{{parameters[-1]}}}"):
            known = {name: f"$request.path.{name}" for name in route.parameters}
            name = name_of(other)
            found[name] = {
                "operationId": name,
                "parameters": {**known, parameters[-1]: f"$response.body#{listed}"},
            }
    return found


def split_comment(comment: str) -> tuple[str, str]:
    """The first sentence of a method's comment, and the rest without the reasons that only gRPC shows."""
    text, _, _ = comment.partition("\n\nErrors:")
    summary, _, description = text.partition(". ")
    return summary.rstrip("."), description
