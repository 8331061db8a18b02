"""Binding: from JSON, a query and a path to a request message.

Everything that can be known from the descriptor is resolved once, into one closure a field.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence, Sized
from typing import TypeAlias

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from zidimail.v1 import limits_pb2

from edge.transcoding.names import EnumNames, camel_case
from edge.transcoding.query import BindTexts, is_in_query, parameter, query_fields, words
from edge.transcoding.request_shape import PLAIN_QUERY, QueryShape
from edge.transcoding.routes import BadRoute, Route
from edge.transcoding.status import Violation, invalid
from edge.transcoding.values import (
    SCALARS,
    Bind,
    Path,
    bind_enum,
    bind_text,
    bind_timestamp,
    mismatch,
    refuse,
)

MAX_ENTRIES = 1_000
"""Entries of a list or map whose field has no option `max_entries`: more than any rule of the server allows,
so that near misses get its own text."""

Hidden: TypeAlias = Mapping[str, Collection[str]]
"""Fields that JSON does not have, by the full name of their message."""

_NONE_HIDDEN: Hidden = {}

OtherNames: TypeAlias = Callable[[Descriptor], Mapping[str, str]]
"""The other names of a message's fields, with the fields. A field's own name counts before them, and a wrong
value is reported under the name that the caller wrote (C-54)."""

Kinds: TypeAlias = Callable[[Descriptor], Mapping[str, str]]
"""The kinds of values of fields that take more than their own, as texts name them."""

BindRequest: TypeAlias = Callable[[object, bytes, Sequence[str]], Message]
"""Binds a JSON object (None if the route has no body), a raw query string and the path's values.

Raises Failure (VALIDATION_FAILED) with every violation, 50 at most.
"""


def compile_request(
    route: Route,
    names: EnumNames,
    query_shape: QueryShape = PLAIN_QUERY,
    hidden: Hidden = _NONE_HIDDEN,
    other_names: OtherNames = camel_case,
    kinds: Kinds = lambda descriptor: {},
) -> BindRequest:
    """The binder of a route: body first, then the query, the path last.

    Raises BadRoute.
    """
    descriptor = route.method.input_type
    make = GetMessageClass(descriptor)
    bind_body = _fields(descriptor, names, hidden, other_names, kinds)
    body_field = "" if route.body == "*" else route.body
    fixed = query_shape.fixed
    if unknown := {*fixed, *query_shape.words} - {*descriptor.fields_by_name}:
        raise BadRoute(f"{descriptor.full_name} has no field {sorted(unknown)}, which its query names")
    taken = {*route.parameters, body_field, *hidden.get(descriptor.full_name, ()), *fixed}
    # Some programs and proxies drop the body of a DELETE (RFC 9110 section 9.3.5): its query may have all.
    is_in_body = route.body == "*" and route.verb != "DELETE"
    query_binds = {} if is_in_body else _query_binds(descriptor, taken, names)
    query_binds |= {name: words(meanings) for name, meanings in query_shape.words.items()}
    spellings = {**other_names(descriptor), **query_shape.other_names}
    query_names = {other: own for other, own in spellings.items() if own in query_binds}
    # An unknown filter would be ignored, and the list show everything (C-57); or the message of a misspelt
    # envelope go to those whom its header names.
    is_strict = "limit" in query_binds or route.is_of_bytes
    filters = ", ".join(sorted(query_binds)) if is_strict else ""
    noun = "list" if "limit" in query_binds else "route"
    defaults = {name: value for name, value in query_shape.defaults.items() if name in query_binds}
    defaults |= fixed
    counts = [name for name in query_shape.counts if name in query_binds]
    parameters = route.parameters
    path_binds = [
        (name, parameter(descriptor.fields_by_name[name], _scalar(descriptor.fields_by_name[name], names)))
        for name in parameters
    ]

    def bind(body: object, query: bytes, values: Sequence[str]) -> Message:
        wrong: list[Violation] = []
        fields: dict[str, object] = {}
        if body is not None:
            bound = bind_body({body_field: body} if body_field else body, None, wrong)
            if isinstance(bound, dict):
                fields = bound
        fields |= defaults
        if query_binds and query:
            fields |= query_fields(query_binds, query_names, query, (noun, filters), wrong)
            for name in counts:
                if fields.get(name) == 0:
                    refuse((None, name), wrong, "must be 1 or more")
        for (name, bind_value), value in zip(path_binds, values, strict=True):
            fields[name] = bind_value([value], (None, name), wrong)
        if wrong:
            raise invalid(wrong)
        return make(**fields)

    return bind


def _fields(
    descriptor: Descriptor, names: EnumNames, hidden: Hidden, other_names: OtherNames, kinds: Kinds
) -> Bind:
    without = hidden.get(descriptor.full_name, ())
    wanted = kinds(descriptor)
    binds = {
        field.name: _field(field, names, hidden, other_names, kinds, wanted.get(field.name, "an array"))
        for field in descriptor.fields
        if field.name not in without
    }
    others = [(other, own) for other, own in other_names(descriptor).items() if own in binds]
    unions = [
        (union.name, {field.name for field in union.fields})
        for union in descriptor.oneofs
        if len(union.fields) > 1
    ]

    def bind(value: object, path: Path, wrong: list[Violation]) -> object:
        if type(value) is not dict:
            return mismatch("an object", value, path, wrong)
        fields: dict[str, object] = {}
        for name, item in value.items():
            # Unknown fields are ignored (C-50), null means absent.
            bind_item = binds.get(name)
            if bind_item is not None and item is not None:
                fields[name] = bind_item(item, (path, name), wrong)
        for other, own in others:
            if other in value and own not in fields and (item := value[other]) is not None:
                fields[own] = binds[own](item, (path, other), wrong)
        for _, members in unions:
            if len(both := members & fields.keys()) > 1:
                refuse(path, wrong, f"has {' and '.join(sorted(both))}: only one of them is allowed")
        return fields

    return bind


def _field(
    field: FieldDescriptor,
    names: EnumNames,
    hidden: Hidden,
    other_names: OtherNames,
    kinds: Kinds,
    wanted: str,
) -> Bind:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        entry = field.message_type.fields_by_name
        if entry["key"].type != FieldDescriptor.TYPE_STRING or entry["value"].message_type:
            raise BadRoute(f"{field.full_name}: only maps of strings to scalars can be bound")
        return _map(_scalar(entry["value"], names))
    bind = _scalar(field, names, hidden, other_names, kinds)
    if not field.is_repeated:
        return bind
    most: int = field.GetOptions().Extensions[limits_pb2.max_entries]  # type: ignore[index]
    return _list(bind, wanted, most or MAX_ENTRIES)


def _scalar(
    field: FieldDescriptor,
    names: EnumNames,
    hidden: Hidden = _NONE_HIDDEN,
    other_names: OtherNames = camel_case,
    kinds: Kinds = lambda descriptor: {},
) -> Bind:
    if field.enum_type is not None:
        return bind_enum(field.enum_type, names)
    if field.message_type is not None:
        if field.message_type.full_name == "google.protobuf.Timestamp":
            return bind_timestamp
        if field.message_type.full_name.startswith("google."):
            raise BadRoute(f"{field.full_name}: {field.message_type.full_name} cannot be bound")
        return _fields(field.message_type, names, hidden, other_names, kinds)
    return SCALARS[field.type]


def _list(bind_item: Bind, wanted: str, most: int) -> Bind:
    def bind(value: object, path: Path, wrong: list[Violation]) -> object:
        if type(value) is not list:
            return mismatch(wanted, value, path, wrong)
        if len(value) > most:
            return _too_many(value, path, wrong, most)
        return [bind_item(item, (path, at), wrong) for at, item in enumerate(value)]

    return bind


def _too_many(value: Sized, path: Path, wrong: list[Violation], most: int = MAX_ENTRIES) -> object:
    return refuse(path, wrong, f"holds {len(value)} entries, and never more than {most} are allowed")


def _map(bind_item: Bind) -> Bind:
    def bind(value: object, path: Path, wrong: list[Violation]) -> object:
        if type(value) is not dict:
            return mismatch("an object", value, path, wrong)
        if len(value) > MAX_ENTRIES:
            return _too_many(value, path, wrong)
        for key in value:
            bind_text(key, (path, key), wrong)
        return {key: bind_item(item, (path, key), wrong) for key, item in value.items() if item is not None}

    return bind


def _query_binds(descriptor: Descriptor, taken: set[str], names: EnumNames) -> dict[str, BindTexts]:
    return {
        field.name: parameter(field, _scalar(field, names))
        for field in descriptor.fields
        if field.name not in taken and is_in_query(field)
    }
