"""Rendering: from a response message to JSON values.

Compiled from the descriptor and the message's shape, like the binders. Unless the shape says otherwise, every
field is always there, so that a caller can rely on its keys: an unset message or optional value is null, an
empty list `[]`, an empty string `""`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, TypeAlias

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.timestamp_pb2 import Timestamp

from edge.transcoding.json_value import Json
from edge.transcoding.names import EnumNames
from edge.transcoding.response_shape import ResponseShape, ResponseShapes
from edge.transcoding.routes import Route

# Any, because a renderer reads the fields that its descriptor names, of messages without a type in common.
Rendered: TypeAlias = Any

Render: TypeAlias = Callable[[Rendered], Json]
"""Turns a message, or one of its values, into JSON values."""

_EPOCH = datetime(1970, 1, 1)


def timestamp(value: Timestamp) -> str:
    """ISO 8601 in UTC with milliseconds: `2026-05-13T12:00:00.000Z`."""
    moment = _EPOCH + timedelta(seconds=value.seconds, microseconds=value.nanos // 1000)
    return moment.isoformat(timespec="milliseconds") + "Z"


class Renderers:
    """The renderers of one dialect."""

    def __init__(self, names: EnumNames, shapes: ResponseShapes) -> None:
        self._names = names
        self._shapes = shapes
        self._messages: dict[tuple[str, ResponseShape], Render] = {}

    def response(self, route: Route, shape: ResponseShape | None = None) -> Render:
        """The renderer of a route's answer, which may be one field of the response. `shape` is the answer's,
        if not that of its message. Raises BadRoute."""
        if not route.response_body:
            return self.message(route.method.output_type, shape)
        return self._field(route.method.output_type.fields_by_name[route.response_body], shape)

    def message(self, descriptor: Descriptor, shape: ResponseShape | None = None) -> Render:
        """The renderer of a message: a dict with its fields in the proto's order, changed by its shape.

        Raises BadRoute if the shape does not fit.
        """
        if descriptor.full_name == "google.protobuf.Timestamp":
            return timestamp
        form = self._shapes.forms.get(descriptor.full_name)
        if form is not None:
            return form.render
        shape = shape or self._shapes.of(descriptor)
        known = self._messages.get((descriptor.full_name, shape))
        if known is not None:
            return known
        shape.check(descriptor)
        fields: list[tuple[str, Render]] = []
        if shape.is_plain:

            def render(message: Rendered) -> dict[str, Json]:
                return {name: read(message) for name, read in fields}

        else:

            def render(message: Rendered) -> dict[str, Json]:
                return shape.json({name: read(message) for name, read in fields})

        # Before the fields are looked at, for messages that hold messages of their own kind.
        self._messages[descriptor.full_name, shape] = render
        fields.extend(
            (field.name, self._field(field, shape.items.get(field.name)))
            for field in descriptor.fields
            if shape.reads(field.name)
        )
        return render

    def _field(self, field: FieldDescriptor, shape: ResponseShape | None = None) -> Render:
        name = field.name
        read = attrgetter(name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            return self._map(name, field.message_type)
        value = self._value(field, shape)
        if field.is_repeated:
            if value is None:
                return lambda message: list(read(message))
            return lambda message: [value(item) for item in read(message)]
        if field.has_presence:
            if value is None:
                return lambda message: read(message) if message.HasField(name) else None
            return lambda message: value(read(message)) if message.HasField(name) else None
        return read if value is None else lambda message: value(read(message))

    def _map(self, name: str, entry: Descriptor) -> Render:
        read = attrgetter(name)
        value = self._value(entry.fields_by_name["value"])
        if value is None:
            return lambda message: dict(read(message))
        return lambda message: {key: value(item) for key, item in read(message).items()}

    def _value(self, field: FieldDescriptor, shape: ResponseShape | None = None) -> Render | None:
        """The renderer of one value of a field; None if it is JSON as it stands."""
        if field.message_type is not None:
            return self.message(field.message_type, shape)
        if field.enum_type is not None:
            return dict(self._names(field.enum_type)).get
        if field.type == FieldDescriptor.TYPE_BYTES:
            return lambda value: base64.b64encode(value).decode()
        return None
