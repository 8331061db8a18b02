"""JSON objects that differ from their response messages: one row gives both the values and their schema."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import KW_ONLY, dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from edge.transcoding.json_value import Json
from edge.transcoding.routes import BadRoute
from edge.transcoding.schema import Schema, not_null, object_of

SECRET_WORDS = frozenset({"secret", "key", "token", "password", "jwt"})
"""A text whose name ends in one of these is taken for a secret."""


class Source(NamedTuple):
    """The origin of a further field: both functions take those of the message's own fields, by name."""

    fields: Collection[str]
    """The own fields that it needs."""

    value: Callable[[Mapping[str, Json]], Json]
    """The value in one answer, from the own values."""

    schema: Callable[[Mapping[str, Schema]], Schema]
    """The schema of its values, from the own schemas."""


def same_as(field: str) -> Source:
    """The value of another field."""
    return Source((field,), itemgetter(field), itemgetter(field))


def always(constant: str | int | bool) -> Source:
    """The same value in every answer."""
    return Source((), lambda own: constant, lambda own: {"const": constant})


def computed(
    field: str, function: Callable[[Json], Json], schema: Schema | Callable[[Schema], Schema]
) -> Source:
    """The result of a function of another field. `schema` is the result's, or makes it from the field's."""
    of_results = schema if callable(schema) else lambda _: schema
    return Source((field,), lambda own: function(own[field]), lambda own: of_results(own[field]))


def object_with(parts: Mapping[str, Source]) -> Source:
    """An object with fields of these origins."""
    return Source(
        {name for source in parts.values() for name in source.fields},
        lambda own: {name: source.value(own) for name, source in parts.items()},
        lambda own: object_of({name: source.schema(own) for name, source in parts.items()}),
    )


def extended(field: str, added: Mapping[str, Source]) -> Source:
    """The object of another field with further fields, made of that object's own; null where it is null."""
    shape = ResponseShape(added=added)

    def value(own: Mapping[str, Json]) -> Json:
        return None if own[field] is None else shape.json(own[field])

    def schema(own: Mapping[str, Schema]) -> Schema:
        return {**own[field], **shape.schema(own[field]["properties"]), "type": own[field]["type"]}

    return Source((field,), value, schema)


@dataclass(frozen=True, slots=True, eq=False)
class ResponseShape:
    """The differences between a message and its JSON object. An empty shape has none."""

    object: str = ""
    """The value of the field `object`, which comes first; empty: there is none."""

    added: Mapping[str, Source] = field(default_factory=dict)
    """Further fields. One with the name of an own field takes its place."""

    _: KW_ONLY

    hidden: Collection[str] = ()
    """Own and further fields that are left out."""

    optional: Collection[str] = ()
    """Fields that are left out where they would be null."""

    items: Mapping[str, ResponseShape] = field(default_factory=dict)
    """The shape of the messages in a field, where it is not the one of their own row."""

    merged: Collection[str] = ()
    """Own messages whose fields stand beside the others instead."""

    reveals: Collection[str] = ()
    """Own fields with names of secrets that are shown all the same."""

    def check(self, descriptor: Descriptor) -> None:
        """Raises BadRoute when the shape names a field that is not there, or would show a secret that it
        does not name."""
        named = {*self.hidden, *self.optional} - self.added.keys()
        named |= {*self.items, *self.reveals, *self.merged, *self._used()}
        if unknown := named - {*descriptor.fields_by_name}:
            raise BadRoute(f"{descriptor.full_name} has no field {sorted(unknown)}, which its shape names")
        for found in descriptor.fields:
            if is_secret(found) and found.name not in {*self.reveals, *self.hidden}:
                raise BadRoute(f"{found.full_name} has the name of a secret, and no shape reveals it")

    def reads(self, name: str) -> bool:
        """True if the value of an own field is needed."""
        return name not in self.hidden or name in self._used()

    @property
    def is_plain(self) -> bool:
        """True if the JSON object has no field but own ones, each always there."""
        return not (self.object or self.added or self.optional or self.merged)

    def json(self, own: dict[str, Json]) -> dict[str, Json]:
        """The JSON object, from the values of the own fields that are needed."""
        json: dict[str, Json] = {"object": self.object} if self.object else {}
        json |= own
        for name, source in self.added.items():
            if name not in self.hidden:
                json[name] = source.value(own)
        for name in self.merged:
            json |= json.pop(name)
        for name in self.hidden:
            json.pop(name, None)
        for name in self.optional:
            if json[name] is None:
                del json[name]
        return json

    def schema(self, own: Mapping[str, Schema]) -> Schema:
        """The schema of the JSON object, from the schemas of all own fields."""
        properties: dict[str, Schema] = {"object": {"const": self.object}} if self.object else {}
        properties |= own
        for name, source in self.added.items():
            properties[name] = source.schema(own)
        optional = {*self.optional}
        for name in self.merged:
            inner = properties.pop(name)
            properties |= inner["properties"]
            optional |= inner["properties"].keys() - {*inner["required"]}
        for name in self.hidden:
            del properties[name]
        for name in self.optional:
            properties[name] = not_null(properties[name])
        return object_of(properties, optional=optional)

    def _used(self) -> set[str]:
        """The own fields that further fields are made of."""
        shown = [source for name, source in self.added.items() if name not in self.hidden]
        return {name for source in shown for name in source.fields}


PLAIN = ResponseShape()


class Form(NamedTuple):
    """A message that is no JSON object: its renderer, and the schema of what that gives."""

    render: Callable[[Any], Json]
    schema: Schema


class ResponseShapes:
    """The shapes of a dialect's messages. A message has its row's shape wherever it stands, unless the row of
    the message around it has another; one without a row is served as the descriptor says."""

    def __init__(
        self,
        rows: Mapping[str, ResponseShape] | None = None,
        *,
        lists: ResponseShape = PLAIN,
        forms: Mapping[str, Form] | None = None,
    ) -> None:
        """`rows` and `forms` go by full name; `lists` is for messages with a list `data` and no row."""
        self._rows = rows or {}
        self._lists = lists
        self.forms = forms or {}

    def of(self, descriptor: Descriptor) -> ResponseShape:
        """The shape of a message."""
        row = self._rows.get(descriptor.full_name)
        if row is not None:
            return row
        data = descriptor.fields_by_name.get("data")
        return self._lists if data is not None and data.is_repeated else PLAIN


def is_secret(found: FieldDescriptor) -> bool:
    """True for a text with the name of a secret; the key of a map is none."""
    return (
        found.cpp_type == FieldDescriptor.CPPTYPE_STRING
        and found.name.rpartition("_")[2] in SECRET_WORDS
        and not (found.containing_type and found.containing_type.GetOptions().map_entry)
    )
