"""The contract's messages, and JSON for them."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, timedelta
from typing import Any

import zidimail.v1
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import strategies as st

from edge.dialects.zidimail.dialect import ZidiMail
from edge.transcoding.routes import Route, routes_of, services_of

ROUTES = routes_of(services_of(zidimail.v1))
DIALECT = ZidiMail(ROUTES)
METHODS = [method for service in services_of(zidimail.v1) for method in service.methods]

# Texts that both JSON and protobuf can hold, without the NUL that the edge refuses.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
TIMES = st.integers(0, 253402300799999).map(lambda ms: (ms // 1000, ms % 1000))

_SCALARS = {
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_DOUBLE: st.floats(allow_nan=False, allow_infinity=False),
    FieldDescriptor.CPPTYPE_INT32: st.integers(-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.CPPTYPE_INT64: st.integers(-(1 << 63), (1 << 63) - 1),
}


def whole_request(method: Any) -> Route:
    """A route whose body is the whole request of a method."""
    return Route("POST", "/test", (), method, body="*")


def valid_json(descriptor: Descriptor) -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects for a message, as the dialect writes it; any field may be left out or null."""
    hidden = DIALECT.requests.hidden.get(descriptor.full_name, ())
    return st.fixed_dictionaries(
        {},
        optional={
            field.name: st.none() | _field(field)
            for field in descriptor.fields
            if field.name not in hidden
            and (field.message_type is None or not field.message_type.full_name.startswith("google.rpc."))
        },
    )


def _field(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    message = field.message_type
    if message is not None and message.GetOptions().map_entry:
        return st.dictionaries(TEXTS, _value(message.fields_by_name["value"]), max_size=3)
    value = _value(field)
    return st.lists(value, max_size=3) if field.is_repeated else value


def _value(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.enum_type is not None:
        return st.sampled_from(sorted(DIALECT.names(field.enum_type).values()))
    if field.message_type is not None:
        if field.message_type.full_name == "google.protobuf.Timestamp":
            return TIMES.map(_iso)
        return valid_json(field.message_type)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.binary(max_size=12).map(lambda content: b64encode(content).decode())
    return _SCALARS.get(field.cpp_type, TEXTS)


def _iso(time: tuple[int, int]) -> str:
    seconds, ms = time
    moment = datetime(1970, 1, 1) + timedelta(seconds=seconds, milliseconds=ms)
    return moment.isoformat(timespec="milliseconds") + "Z"


def canonical(descriptor: Descriptor, json: dict[str, Any]) -> dict[str, Any]:
    """The same JSON with enum values under the protos' own names, which json_format knows."""
    return {
        name: _canonical(descriptor.fields_by_name[name], value)
        for name, value in json.items()
        if value is not None
    }


def _canonical(field: FieldDescriptor, value: Any) -> Any:
    message = field.message_type
    if message is not None and message.GetOptions().map_entry:
        return value
    if isinstance(value, list):
        return [_canonical(field, item) for item in value]
    if field.enum_type is not None:
        numbers = {name: number for number, name in DIALECT.names(field.enum_type).items()}
        return field.enum_type.values_by_number[numbers[value]].name
    if message is not None and isinstance(value, dict):
        return canonical(message, value)
    return value
