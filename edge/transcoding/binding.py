"""Binding: from JSON, a query and a path to a request message.

Everything that can be known from the descriptor is resolved once, into one closure a field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence, Sized
from typing import TypeAlias
from urllib.parse import parse_qsl

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from edge.transcoding.names import EnumNames, camel_case
from edge.transcoding.request_shape import PLAIN_QUERY, QueryShape
from edge.transcoding.routes import BadRoute, Route
from edge.transcoding.status import Failure, Violation, invalid
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

QUERY_FIELDS = 100
"""More parameters than any route has fields, and few enough to be parsed for nothing."""

MAX_ENTRIES = 1_000
"""Entries of a list or map: more than any rule of the server allows, so that near misses get its own text."""

Hidden: TypeAlias = Mapping[str, Collection[str]]
"""Fields that JSON does not have, by the full name of their message."""

_NONE_HIDDEN: Hidden = {}

OtherNames: TypeAlias = Callable[[Descriptor], Mapping[str, str]]
"""The other names of a message's fields, with the fields. A field's own name counts before them, and a wrong
value is reported under the name that the caller wrote (C-54)."""

BindTexts: TypeAlias = Callable[[Sequence[str], Path, list[Violation]], object]

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
) -> BindRequest:
    """The binder of a route: body first, then the query, the path last.

    Raises BadRoute.
    """
    descriptor = route.method.input_type
    make = GetMessageClass(descriptor)
    bind_body = _fields(descriptor, names, hidden, other_names)
    body_field = "" if route.body == "*" else route.body
    taken = {*route.parameters, body_field, *hidden.get(descriptor.full_name, ())}
    query_binds = {} if route.body == "*" else _query_binds(descriptor, taken, names)
    spellings = {**other_names(descriptor), **query_shape.other_names}
    query_names = {other: own for other, own in spellings.items() if own in query_binds}
    defaults = {name: value for name, value in query_shape.defaults.items() if name in query_binds}
    counts = [name for name in query_shape.counts if name in query_binds]
    parameters = route.parameters
    path_binds = [(name, _parameter(descriptor.fields_by_name[name], names)) for name in parameters]

    def bind(body: object, query: bytes, values: Sequence[str]) -> Message:
        wrong: list[Violation] = []
        fields: dict[str, object] = {}
        if body is not None:
            bound = bind_body({body_field: body} if body_field else body, None, wrong)
            if isinstance(bound, dict):
                fields = bound
        if query_binds:
            fields |= defaults
            if query:
                fields |= _query(query_binds, query_names, query, wrong)
                for name in counts:
                    if fields.get(name) == 0:
                        refuse((None, name), wrong, "must be 1 or more")
        for (name, bind_value), value in zip(path_binds, values, strict=True):
            fields[name] = bind_value([value], (None, name), wrong)
        if wrong:
            raise invalid(wrong)
        return make(**fields)

    return bind


def _fields(descriptor: Descriptor, names: EnumNames, hidden: Hidden, other_names: OtherNames) -> Bind:
    without = hidden.get(descriptor.full_name, ())
    binds = {
        field.name: _field(field, names, hidden, other_names)
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


def _field(field: FieldDescriptor, names: EnumNames, hidden: Hidden, other_names: OtherNames) -> Bind:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        entry = field.message_type.fields_by_name
        if entry["key"].type != FieldDescriptor.TYPE_STRING or entry["value"].message_type:
            raise BadRoute(f"{field.full_name}: only maps of strings to scalars can be bound")
        return _map(_scalar(entry["value"], names))
    bind = _scalar(field, names, hidden, other_names)
    return _list(bind) if field.is_repeated else bind


def _scalar(
    field: FieldDescriptor,
    names: EnumNames,
    hidden: Hidden = _NONE_HIDDEN,
    other_names: OtherNames = camel_case,
) -> Bind:
    if field.enum_type is not None:
        return bind_enum(field.enum_type, names)
    if field.message_type is not None:
        if field.message_type.full_name == "google.protobuf.Timestamp":
            return bind_timestamp
        if field.message_type.full_name.startswith("google."):
            raise BadRoute(f"{field.full_name}: {field.message_type.full_name} cannot be bound")
        return _fields(field.message_type, names, hidden, other_names)
    return SCALARS[field.type]


def _list(bind_item: Bind) -> Bind:
    def bind(value: object, path: Path, wrong: list[Violation]) -> object:
        if type(value) is not list:
            return mismatch("an array", value, path, wrong)
        if len(value) > MAX_ENTRIES:
            return _too_many(value, path, wrong)
        return [bind_item(item, (path, at), wrong) for at, item in enumerate(value)]

    return bind


def _too_many(value: Sized, path: Path, wrong: list[Violation]) -> object:
    return refuse(path, wrong, f"holds {len(value)} entries, and never more than {MAX_ENTRIES} are allowed")


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


_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# A plus sign that was not percent-encoded reads as a blank.
_OFFSET_WITHOUT_PLUS = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:[\d:.]+) (\d\d(?::?\d\d)?)", re.ASCII)


def _query_binds(descriptor: Descriptor, taken: set[str], names: EnumNames) -> dict[str, BindTexts]:
    return {
        field.name: _parameter(field, names)
        for field in descriptor.fields
        if field.name not in taken and is_in_query(field)
    }


def is_in_query(field: FieldDescriptor) -> bool:
    """True if a field can be written in a query: single values and times can, messages cannot."""
    return field.message_type is None or field.message_type.full_name == "google.protobuf.Timestamp"


def _parameter(field: FieldDescriptor, names: EnumNames) -> BindTexts:
    """Binds the strings that a query or path has for one field; of several for one value the last counts."""
    bind = _scalar(field, names)
    wanted, read = _READERS.get(field.cpp_type, ("a string", str))

    def bind_string(text: str, path: Path, wrong: list[Violation]) -> object:
        try:
            value = read(text)
        except ValueError:
            return refuse(path, wrong, f"must be {wanted}")
        return bind(value, path, wrong)

    if field.is_repeated:
        return lambda texts, path, wrong: [
            bind_string(text, (path, at), wrong) for at, text in enumerate(texts)
        ]
    return lambda texts, path, wrong: bind_string(texts[-1], path, wrong)


def _whole_up_to(most: int) -> Callable[[str], int]:
    """Reads a whole number; beyond `most`, the largest of its type, there is no more to have (C-20)."""

    def read(text: str) -> int:
        if not _WHOLE.fullmatch(text):
            raise ValueError
        return min(int(text), most)

    return read


def _read_boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError
    return text == "true"


def _read_time(text: str) -> str:
    """A date alone means its first moment, UTC."""
    if _DATE.fullmatch(text):
        return f"{text}T00:00:00Z"
    plain = _OFFSET_WITHOUT_PLUS.fullmatch(text)
    return f"{plain[1]}+{plain[2]}" if plain else text


_READERS: Mapping[int, tuple[str, Callable[[str], object]]] = {
    FieldDescriptor.CPPTYPE_INT32: ("a whole number", _whole_up_to((1 << 31) - 1)),
    FieldDescriptor.CPPTYPE_INT64: ("a whole number", _whole_up_to((1 << 63) - 1)),
    FieldDescriptor.CPPTYPE_UINT32: ("a whole number", _whole_up_to((1 << 32) - 1)),
    FieldDescriptor.CPPTYPE_UINT64: ("a whole number", _whole_up_to((1 << 64) - 1)),
    FieldDescriptor.CPPTYPE_BOOL: ("true or false", _read_boolean),
    FieldDescriptor.CPPTYPE_FLOAT: ("a number", float),
    FieldDescriptor.CPPTYPE_DOUBLE: ("a number", float),
    FieldDescriptor.CPPTYPE_MESSAGE: ("a time", _read_time),
}


def _query(
    binds: Mapping[str, BindTexts], other_names: Mapping[str, str], query: bytes, wrong: list[Violation]
) -> dict[str, object]:
    try:
        pairs = parse_qsl(
            query.decode("latin-1"),
            keep_blank_values=True,
            errors="surrogateescape",
            max_num_fields=QUERY_FIELDS,
        )
    except ValueError:
        raise Failure(
            "VALIDATION_FAILED",
            {"field": ""},
            violations=[Violation("", f"must have at most {QUERY_FIELDS} query parameters")],
        ) from None
    texts: dict[str, list[str]] = {}
    for name, text in pairs:
        if name in binds or name in other_names:
            texts.setdefault(name, []).append(text)
    fields: dict[str, object] = {}
    for name, found in texts.items():
        own = name if name in binds else other_names[name]
        if own == name or own not in texts:
            fields[own] = binds[own](found, (None, name), wrong)
    return fields
