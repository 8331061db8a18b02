"""How JSON, a query and a path become a request message.

Everything that can be known from the descriptor is resolved once, into one closure a field. A value
is checked before protobuf sees it: a constructor would take `"ab"` for `["a", "b"]` and `True` for 1.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from edge.transcoding.names import EnumNames
from edge.transcoding.routes import BadRoute, Route
from edge.transcoding.status import Failure, Violation, invalid

VIOLATIONS_SHOWN = 50
"""An answer must not be larger than the request that was wrong in every item."""

QUERY_FIELDS = 100
"""More parameters than any route has fields, and few enough to be parsed for nothing."""

Path: TypeAlias = tuple[Any, str | int] | None
"""Where a value stands: its parent's path and its own name or index; None is the whole request."""

Bind: TypeAlias = Callable[[Any, Path, list[Violation]], Any]
"""Turns one JSON value into what a protobuf constructor takes, or reports violations."""

BindRequest: TypeAlias = Callable[[Any, bytes, Sequence[str]], Message]
"""Binds a JSON object (None if the route has no body), a raw query string and the path's values.

Raises Failure (VALIDATION_FAILED) with every violation, 50 at most.
"""


def compile_request(route: Route, names: EnumNames) -> BindRequest:
    """The binder of a route: body first, then the query, the path last. Raises BadRoute."""
    descriptor = route.method.input_type
    make = GetMessageClass(descriptor)
    bind_body = _fields(descriptor, names)
    body_field = "" if route.body == "*" else route.body
    taken = {*route.parameters, body_field}
    query_binds = {} if route.body == "*" else _query_binds(descriptor, taken, names)
    parameters = route.parameters
    path_binds = [(name, _parameter(descriptor.fields_by_name[name], names)) for name in parameters]

    def bind(body: Any, query: bytes, values: Sequence[str]) -> Message:
        wrong: list[Violation] = []
        fields: dict[str, Any] = {}
        if body is not None:
            fields = bind_body({body_field: body} if body_field else body, None, wrong)
        if query and query_binds:
            fields |= _query(query_binds, query, wrong)
        for (name, bind_value), value in zip(path_binds, values, strict=True):
            fields[name] = bind_value([value], (None, name), wrong)
        if wrong:
            raise invalid(wrong)
        return make(**fields)

    return bind


def render_path(path: Path) -> str:
    """A path as it is shown: `tags[0].name`."""
    text = ""
    while path is not None:
        path, step = path
        if isinstance(step, int):
            text = f"[{step}]{text}"
        else:
            text = f"{step}.{text}" if text and not text.startswith("[") else f"{step}{text}"
    return text


def refuse(path: Path, wrong: list[Violation], message: str) -> None:
    """Reports a violation, unless there are enough."""
    if len(wrong) < VIOLATIONS_SHOWN:
        wrong.append(Violation(render_path(path), message))


def _mismatch(wanted: str, value: object, path: Path, wrong: list[Violation]) -> None:
    refuse(path, wrong, f"must be {wanted}, not {_kind(value)}")


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
    return "an object"


def _fields(descriptor: Descriptor, names: EnumNames) -> Bind:
    binds: dict[str, Bind] = {}
    for field in descriptor.fields:
        binds[field.name] = _field(field, names)
    unions = [
        (union.name, {field.name for field in union.fields})
        for union in descriptor.oneofs
        if len(union.fields) > 1
    ]

    def bind(value: Any, path: Path, wrong: list[Violation]) -> Any:
        if type(value) is not dict:
            return _mismatch("an object", value, path, wrong)
        fields: dict[str, Any] = {}
        for name, item in value.items():
            # Unknown fields are ignored (C-50), null means absent.
            bind_item = binds.get(name)
            if bind_item is not None and item is not None:
                fields[name] = bind_item(item, (path, name), wrong)
        for _, members in unions:
            if len(both := members & fields.keys()) > 1:
                refuse(path, wrong, f"has {' and '.join(sorted(both))}: only one of them is allowed")
        return fields

    return bind


def _field(field: FieldDescriptor, names: EnumNames) -> Bind:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        entry = field.message_type.fields_by_name
        if entry["key"].type != FieldDescriptor.TYPE_STRING or entry["value"].message_type:
            raise BadRoute(f"{field.full_name}: only maps of strings to scalars can be bound")
        return _map(_scalar(entry["value"], names))
    bind = _scalar(field, names)
    return _list(bind) if field.is_repeated else bind


def _scalar(field: FieldDescriptor, names: EnumNames) -> Bind:
    if field.enum_type is not None:
        return _enum(field.enum_type, names)
    if field.message_type is not None:
        if field.message_type.full_name == "google.protobuf.Timestamp":
            return _timestamp
        if field.message_type.full_name.startswith("google."):
            raise BadRoute(f"{field.full_name}: {field.message_type.full_name} cannot be bound")
        return _fields(field.message_type, names)
    return _SCALARS[field.type]


def _list(bind_item: Bind) -> Bind:
    def bind(value: Any, path: Path, wrong: list[Violation]) -> Any:
        if type(value) is not list:
            return _mismatch("an array", value, path, wrong)
        return [bind_item(item, (path, at), wrong) for at, item in enumerate(value)]

    return bind


def _map(bind_item: Bind) -> Bind:
    def bind(value: Any, path: Path, wrong: list[Violation]) -> Any:
        if type(value) is not dict:
            return _mismatch("an object", value, path, wrong)
        for key in value:
            _text(key, (path, key), wrong)
        return {key: bind_item(item, (path, key), wrong) for key, item in value.items()}

    return bind


def _text(value: Any, path: Path, wrong: list[Violation]) -> Any:
    if type(value) is not str:
        return _mismatch("a string", value, path, wrong)
    if "\0" in value:
        return refuse(path, wrong, "must not contain NUL")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return refuse(path, wrong, "must be valid Unicode text")
    return value


def _boolean(value: Any, path: Path, wrong: list[Violation]) -> Any:
    return value if type(value) is bool else _mismatch("true or false", value, path, wrong)


def _integer(low: int, high: int) -> Bind:
    def bind(value: Any, path: Path, wrong: list[Violation]) -> Any:
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int:
            if type(value) is float:
                return refuse(path, wrong, "must be a whole number")
            return _mismatch("a whole number", value, path, wrong)
        if not low <= value <= high:
            return refuse(path, wrong, f"must be between {low} and {high}")
        return value

    return bind


def _number(largest: float) -> Bind:
    def bind(value: Any, path: Path, wrong: list[Violation]) -> Any:
        if type(value) is not float and type(value) is not int:
            return _mismatch("a number", value, path, wrong)
        if not (abs(value) <= largest and math.isfinite(value)):
            return refuse(path, wrong, "is too large")
        return float(value)

    return bind


def _base64(value: Any, path: Path, wrong: list[Violation]) -> Any:
    if type(value) is not str:
        return _mismatch("a base64 string", value, path, wrong)
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return refuse(path, wrong, "must be base64")


def _enum(descriptor: EnumDescriptor, names: EnumNames) -> Bind:
    numbers = {name: number for number, name in names(descriptor).items()}
    allowed = ", ".join(numbers)
    # The proto's own names are the canonical JSON form; whoever generated a client may send them.
    numbers |= {value.name: value.number for value in descriptor.values if value.number}

    def bind(value: Any, path: Path, wrong: list[Violation]) -> Any:
        if type(value) is not str:
            return _mismatch("a string", value, path, wrong)
        number = numbers.get(value)
        return refuse(path, wrong, f"must be one of {allowed}") if number is None else number

    return bind


_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _timestamp(value: Any, path: Path, wrong: list[Violation]) -> Any:
    """RFC 3339; without an offset it is UTC (C-25)."""
    if type(value) is not str:
        return _mismatch("a string", value, path, wrong)
    form = _RFC3339.fullmatch(value)
    try:
        if form is None:
            raise ValueError
        fraction = form[1] or ""
        moment = datetime.fromisoformat(value.upper().replace(fraction, "", 1))
        since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
        if not timedelta(days=-719162) <= since < timedelta(days=2932897):
            raise ValueError
    except ValueError:
        return refuse(path, wrong, "must be an ISO 8601 time such as 2026-05-13T12:00:00Z")
    return {"seconds": since // timedelta(seconds=1), "nanos": int(fraction[1:].ljust(9, "0"))}


_INT32 = _integer(-(1 << 31), (1 << 31) - 1)
_INT64 = _integer(-(1 << 63), (1 << 63) - 1)
_UINT32 = _integer(0, (1 << 32) - 1)
_UINT64 = _integer(0, (1 << 64) - 1)

_SCALARS: Mapping[int, Bind] = {
    FieldDescriptor.TYPE_STRING: _text,
    FieldDescriptor.TYPE_BYTES: _base64,
    FieldDescriptor.TYPE_BOOL: _boolean,
    FieldDescriptor.TYPE_DOUBLE: _number(math.inf),
    FieldDescriptor.TYPE_FLOAT: _number(3.4028234663852886e38),
    FieldDescriptor.TYPE_INT32: _INT32,
    FieldDescriptor.TYPE_SINT32: _INT32,
    FieldDescriptor.TYPE_SFIXED32: _INT32,
    FieldDescriptor.TYPE_INT64: _INT64,
    FieldDescriptor.TYPE_SINT64: _INT64,
    FieldDescriptor.TYPE_SFIXED64: _INT64,
    FieldDescriptor.TYPE_UINT32: _UINT32,
    FieldDescriptor.TYPE_FIXED32: _UINT32,
    FieldDescriptor.TYPE_UINT64: _UINT64,
    FieldDescriptor.TYPE_FIXED64: _UINT64,
}

_WHOLE = re.compile(r"[+-]?\d{1,20}", re.ASCII)


def _query_binds(descriptor: Descriptor, taken: set[str], names: EnumNames) -> dict[str, Bind]:
    return {
        field.name: _parameter(field, names)
        for field in descriptor.fields
        if field.name not in taken and field.message_type is None
    }


def _parameter(field: FieldDescriptor, names: EnumNames) -> Bind:
    """Binds the strings that a query or path has for one field; of several for one value the last counts."""
    bind = _scalar(field, names)
    wanted, read = _READERS.get(field.cpp_type, ("a string", str))

    def bind_text(text: str, path: Path, wrong: list[Violation]) -> Any:
        try:
            value = read(text)
        except ValueError:
            return refuse(path, wrong, f"must be {wanted}")
        return bind(value, path, wrong)

    if field.is_repeated:
        return lambda texts, path, wrong: [
            bind_text(text, (path, at), wrong) for at, text in enumerate(texts)
        ]
    return lambda texts, path, wrong: bind_text(texts[-1], path, wrong)


def _read_whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError
    return int(text)


def _read_boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError
    return text == "true"


_WHOLE_NUMBER = ("a whole number", _read_whole)
_READERS: Mapping[int, tuple[str, Callable[[str], Any]]] = {
    FieldDescriptor.CPPTYPE_INT32: _WHOLE_NUMBER,
    FieldDescriptor.CPPTYPE_INT64: _WHOLE_NUMBER,
    FieldDescriptor.CPPTYPE_UINT32: _WHOLE_NUMBER,
    FieldDescriptor.CPPTYPE_UINT64: _WHOLE_NUMBER,
    FieldDescriptor.CPPTYPE_BOOL: ("true or false", _read_boolean),
    FieldDescriptor.CPPTYPE_FLOAT: ("a number", float),
    FieldDescriptor.CPPTYPE_DOUBLE: ("a number", float),
}


def _query(binds: Mapping[str, Bind], query: bytes, wrong: list[Violation]) -> dict[str, Any]:
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
        if name in binds:
            texts.setdefault(name, []).append(text)
    return {name: binds[name](found, (None, name), wrong) for name, found in texts.items()}
