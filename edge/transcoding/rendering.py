"""How a response message becomes JSON values.

Compiled from the descriptor, like the binders. Every field is always there, so that a caller can rely
on its keys: an unset message or optional value is null, an empty list `[]`, an empty string `""`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, TypeAlias

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from edge.transcoding.names import EnumNames
from edge.transcoding.routes import Route

Render: TypeAlias = Callable[[Any], Any]
"""Turns a message, or one of its values, into JSON values."""

_EPOCH = datetime(1970, 1, 1)


def timestamp(value: Any) -> str:
    """ISO 8601 in UTC with milliseconds: `2026-05-13T12:00:00.000Z`."""
    moment = _EPOCH + timedelta(seconds=value.seconds, microseconds=value.nanos // 1000)
    return moment.isoformat(timespec="milliseconds") + "Z"


class Renderers:
    """The renderers of one dialect. `special` renders messages by full name that have a form of their own."""

    def __init__(self, names: EnumNames, special: Mapping[str, Render] | None = None) -> None:
        self._names = names
        self._special = {"google.protobuf.Timestamp": timestamp, **(special or {})}
        self._messages: dict[str, Render] = {}

    def response(self, route: Route) -> Render:
        """The renderer of a route's answer, which may be one field of the response."""
        render = self.message(route.method.output_type)
        if not route.response_body:
            return render
        return self._field(route.method.output_type.fields_by_name[route.response_body])

    def message(self, descriptor: Descriptor) -> Render:
        """The renderer of a message: a dict with its fields in the proto's order."""
        special = self._special.get(descriptor.full_name)
        if special is not None:
            return special
        known = self._messages.get(descriptor.full_name)
        if known is not None:
            return known
        fields: list[tuple[str, Render]] = []

        def render(message: Any) -> dict[str, Any]:
            return {name: read(message) for name, read in fields}

        # Before the fields are looked at, for messages that hold messages of their own kind.
        self._messages[descriptor.full_name] = render
        fields.extend((field.name, self._field(field)) for field in descriptor.fields)
        return render

    def _field(self, field: FieldDescriptor) -> Render:
        name = field.name
        read = attrgetter(name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            return self._map(name, field.message_type)
        value = self._value(field)
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

    def _value(self, field: FieldDescriptor) -> Render | None:
        """How one value of a field is rendered; None if it is JSON as it stands."""
        if field.message_type is not None:
            return self.message(field.message_type)
        if field.enum_type is not None:
            return dict(self._names(field.enum_type)).get
        if field.type == FieldDescriptor.TYPE_BYTES:
            return lambda value: base64.b64encode(value).decode()
        return None
