"""JSON bodies that differ from their request messages: one row reads them and describes them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from google.protobuf.descriptor import Descriptor

from edge.transcoding.json_value import Json
from edge.transcoding.names import camel_case
from edge.transcoding.routes import BadRoute, Route
from edge.transcoding.schema import Schema, nullable
from edge.transcoding.status import Violation, invalid

Read: TypeAlias = Callable[[Json], Json]
"""Brings JSON, as callers may write it, into the form that the binder takes.

Takes any JSON, changes it in place and returns it; what is wrong is left for the binder to refuse. Raises
Failure only for what the binder could not see.
"""


class OtherForm(NamedTuple):
    """A further form of a field's value."""

    read: Read
    """Returns the value in its own form, if it has this one; else the value."""

    schema: Callable[[Schema], Schema]
    """Returns the schema of both forms, from the one of its own."""

    wanted: str = ""
    """All kinds of values that are taken, for the text about another one; empty: those of its own form."""


def or_else(read: Read, *schemas: Schema, wanted: str = "") -> OtherForm:
    """Values of other types, `schemas`, which `read` converts."""

    def schema(own: Schema) -> Schema:
        bare = {key: value for key, value in own.items() if key != "description"}
        return {"anyOf": [bare, *schemas], "description": own.get("description", "")}

    return OtherForm(read, schema, wanted)


def or_named(names: Mapping[str, str]) -> OtherForm:
    """Further names of an enum's values."""
    return OtherForm(
        lambda value: names.get(value, value) if type(value) is str else value,
        lambda own: {**own, "enum": [*own["enum"], *names]},
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RequestShape:
    """The differences between a JSON object and its message. An empty shape has none."""

    array_of: str = ""
    """The list that a bare array stands for; empty: there is none."""

    same_as: Mapping[str, str] = field(default_factory=dict)
    """Other names of fields, which are described; where both are there, the field's own counts."""

    aliases: Mapping[str, str] = field(default_factory=dict)
    """Other names of fields, which are not described; otherwise as `same_as`."""

    forms: Mapping[str, OtherForm] = field(default_factory=dict)
    """Further forms of fields."""

    items: Mapping[str, RequestShape] = field(default_factory=dict)
    """The shape of the messages in a field, where it is not the one of their own row."""

    most: Mapping[str, int] = field(default_factory=dict)
    """The entries that a list may have: with more it is refused before any of them is looked at."""

    finish: Callable[[dict[str, Json]], None] | None = None
    """A function for the rest: changes the object after all else, or raises Failure."""

    described: Mapping[str, Schema] = field(default_factory=dict)
    """Limits that the descriptors cannot say, for the description alone."""

    undescribed: Collection[str] = ()
    """Fields that are accepted and not described."""

    hidden: Collection[str] = ()
    """Fields that JSON does not have: neither accepted nor described."""

    example: Json = None
    """A body to show in the description."""

    def check(self, descriptor: Descriptor) -> None:
        """Raises BadRoute when the shape names a field that is not there."""
        named = {*self.same_as.values(), *self.aliases.values(), *self.forms, *self.items}
        named |= {*self.described, *self.undescribed, *self.hidden, self.array_of} - {""}
        if unknown := named - {*descriptor.fields_by_name}:
            raise BadRoute(f"{descriptor.full_name} has no field {sorted(unknown)}, which its shape names")

    def read(self, nested: Mapping[str, Read], other_names: Mapping[str, str]) -> Read:
        """The function that reads one object; `nested` read the messages in its fields, which have
        `other_names`. The names stay as they were written: the binder knows them all."""
        array_of, finish, most = self.array_of, self.finish, self.most
        own = [(name, form.read) for name, form in self.forms.items()] + list(nested.items())
        reads = own + [
            (other, read) for other, field in other_names.items() for name, read in own if name == field
        ]

        def read(body: Json) -> Json:
            if array_of and type(body) is list:
                body = {array_of: body}
            if type(body) is not dict:
                return body
            for name, number in most.items():
                if type(given := body.get(name)) is list and len(given) > number:
                    raise invalid([Violation(name, f"must hold 1 to {number} {name}; it holds {len(given)}")])
            for name, convert in reads:
                if name in body:
                    body[name] = convert(body[name])
            if finish is not None:
                finish(body)
            return body

        return read

    def schema(self, own: Schema) -> Schema:
        """The schema of what is accepted, from the one of the message's own JSON object."""
        properties = {name: value | self.described.get(name, {}) for name, value in own["properties"].items()}
        for name, form in self.forms.items():
            properties[name] = form.schema(properties[name])
        for name in self.undescribed:
            del properties[name]
        schema = {**own, "properties": properties}
        for other, name in self.same_as.items():
            schema = _either(schema, name, other)
        if self.array_of:
            bare = {key: value for key, value in properties[self.array_of].items() if key != "description"}
            return {"anyOf": [bare, schema]}
        return schema


def _either(schema: Schema, own: str, other: str) -> Schema:
    """One value under either name; under both, its own name counts."""
    value = schema["properties"][own]
    either = {own: nullable(value), other: {"description": f"The same as `{own}`, if that is not given."}}
    needed = [other] if own in schema["required"] else []
    return {
        **schema,
        "properties": {**schema["properties"], **either},
        "anyOf": [
            {"required": [own], "properties": {own: value}},
            {"required": needed, "properties": {other: value, own: {"type": "null"}}},
        ],
        "required": [name for name in schema["required"] if name != own],
    }


PLAIN = RequestShape()


@dataclass(frozen=True, slots=True)
class QueryShape:
    """The differences between queries and the fields that they fill."""

    other_names: Mapping[str, str] = field(default_factory=dict)
    """Other names of fields; where both are there, the field's own counts."""

    defaults: Mapping[str, int] = field(default_factory=dict)
    """Values of fields that a query does not name."""

    counts: Collection[str] = ()
    """Numbers that are 1 or more where a query names them; in a message, 0 stands for none (C-63)."""

    words: Mapping[str, Mapping[str, Sequence[int]]] = field(default_factory=dict)
    """The words for a list of enum values, with the numbers that each stands for; no others are taken."""

    fixed: Mapping[str, int] = field(default_factory=dict)
    """Values of fields that a query cannot name."""


PLAIN_QUERY = QueryShape()


class RequestShapes:
    """The shapes of a dialect's request messages, by full name; nested messages have theirs too."""

    def __init__(self, rows: Mapping[str, RequestShape] | None = None) -> None:
        self._rows = rows or {}

    @property
    def hidden(self) -> dict[str, Collection[str]]:
        """Fields that JSON does not have, by the full name of their message."""
        return {name: row.hidden for name, row in self._rows.items() if row.hidden}

    def other_names(self, descriptor: Descriptor) -> Mapping[str, str]:
        """All other names of a message's fields, with the fields (C-54)."""
        shape = self.of(descriptor)
        return {**camel_case(descriptor), **shape.same_as, **shape.aliases}

    def kinds(self, descriptor: Descriptor) -> Mapping[str, str]:
        """The kinds of values that fields with further forms take, for texts."""
        return {name: form.wanted for name, form in self.of(descriptor).forms.items() if form.wanted}

    def of(self, descriptor: Descriptor) -> RequestShape:
        """The shape of a message."""
        return self._rows.get(descriptor.full_name, PLAIN)

    def body_reader(self, route: Route, shape: RequestShape | None = None) -> Read | None:
        """The function that reads a route's body; None if there is nothing to change. `shape` is the body's,
        if not that of its message. Raises BadRoute."""
        request = route.method.input_type
        inner = None if route.body in ("", "*") else request.fields_by_name[route.body].message_type
        return self.reader(inner or request, shape)

    def reader(self, descriptor: Descriptor, shape: RequestShape | None = None) -> Read | None:
        """The function that reads a message's JSON; None if there is nothing to change."""
        shape = shape or self.of(descriptor)
        shape.check(descriptor)
        nested: dict[str, Read] = {}
        for found in descriptor.fields:
            message = found.message_type
            if message is None or message.GetOptions().map_entry:
                continue
            read = self.reader(message, shape.items.get(found.name))
            if read is not None:
                nested[found.name] = _each(read) if found.is_repeated else read
        if not nested and shape is PLAIN:
            return None
        return shape.read(nested, {**self.other_names(descriptor), **shape.same_as, **shape.aliases})


def _each(read: Read) -> Read:
    def read_each(value: Json) -> Json:
        return [read(item) for item in value] if type(value) is list else value

    return read_each
