"""Converters from one JSON value to what a protobuf constructor takes.

A value is checked before protobuf sees it: a constructor would take `"ab"` for `["a", "b"]` and `True`
for 1.
"""

from __future__ import annotations

import binascii
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from edge.transcoding.names import EnumNames
from edge.transcoding.status import Violation

VIOLATIONS_SHOWN = 50
"""An answer must not be larger than the request that was wrong in every item."""

Path: TypeAlias = "tuple[Path, str | int] | None"
"""The path of a value: its parent's path and its own name or index; None is the whole request."""

Bind: TypeAlias = Callable[[object, Path, list[Violation]], object]
"""Turns one JSON value into what a protobuf constructor takes, or reports violations."""

MAX_SHOWN = 60
"""Characters of a wrong value that an error repeats."""


def render_path(path: Path) -> str:
    """A path as it is shown: `tags[0].name`."""
    text = ""
    while path is not None:
        path, step = path
        text = f"[{step}]{text}" if isinstance(step, int) else f".{step}{text}"
    return text.removeprefix(".")


def refuse(path: Path, wrong: list[Violation], message: str) -> object:
    """Reports a violation, unless there are enough. Returns None, which a binder may return."""
    if len(wrong) < VIOLATIONS_SHOWN:
        wrong.append(Violation(render_path(path), message))
    return None


def mismatch(wanted: str, value: object, path: Path, wrong: list[Violation]) -> object:
    return refuse(path, wrong, f"must be {wanted}, not {kind_of(value)}")


def kind_of(value: object) -> str:
    """The kind of a JSON value, as texts name it."""
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
        case bytes():
            return "a file"
    return "an object"


def bind_text(value: object, path: Path, wrong: list[Violation]) -> object:
    if type(value) is not str:
        return mismatch("a string", value, path, wrong)
    if "\0" in value:
        return refuse(path, wrong, "must not contain NUL")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return refuse(path, wrong, "must be valid Unicode text")
    return value


def _boolean(value: object, path: Path, wrong: list[Violation]) -> object:
    return value if type(value) is bool else mismatch("true or false", value, path, wrong)


def _integer(low: int, high: int) -> Bind:
    def bind(value: object, path: Path, wrong: list[Violation]) -> object:
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int:
            if type(value) is float:
                return refuse(path, wrong, "must be a whole number")
            return mismatch("a whole number", value, path, wrong)
        if not low <= value <= high:
            return refuse(path, wrong, f"must be between {low} and {high}")
        return value

    return bind


def _number(largest: float) -> Bind:
    def bind(value: object, path: Path, wrong: list[Violation]) -> object:
        if type(value) is not float and type(value) is not int:
            return mismatch("a number", value, path, wrong)
        if not (abs(value) <= largest and math.isfinite(value)):
            return refuse(path, wrong, "is too large")
        return float(value)

    return bind


# Base64 of the other alphabet, and in several lines, in the form that is decoded.
URL_SAFE = bytes.maketrans(b"-_", b"+/")
LINE_ENDS = b" \t\r\n"


def _bytes(value: object, path: Path, wrong: list[Violation]) -> object:
    """Bytes that were decoded while they arrived; base64 of either alphabet, padded or not, in one line or
    several; or the bytes one by one."""
    if type(value) is list:
        if set(map(type, value)) <= {int}:
            try:
                return bytes(value)
            except ValueError:
                pass
        return refuse(path, wrong, "must hold numbers from 0 to 255")
    if type(value) is bytes:
        return value
    if type(value) is not str:
        return mismatch("a base64 string", value, path, wrong)
    try:
        # As most write it: large files are not copied to be looked at.
        return binascii.a2b_base64(value, strict_mode=True)
    except ValueError:
        pass
    try:
        bare = value.encode().translate(URL_SAFE, LINE_ENDS).rstrip(b"=")
        return binascii.a2b_base64(bare + b"=" * (-len(bare) % 4), strict_mode=True)
    except ValueError:
        return refuse(path, wrong, "must be base64")


def _shown(value: str) -> str:
    """A text in an error: quoted, and its beginning only if it is long."""
    return repr(value if len(value) <= MAX_SHOWN else value[:MAX_SHOWN] + "…")


def bind_enum(descriptor: EnumDescriptor, names: EnumNames) -> Bind:
    numbers = {name: number for number, name in names(descriptor).items()}
    allowed = ", ".join(numbers)
    # The proto's own names are the canonical JSON form; whoever generated a client may send them.
    numbers |= {value.name: value.number for value in descriptor.values if value.number}

    def bind(value: object, path: Path, wrong: list[Violation]) -> object:
        if type(value) is not str:
            return mismatch("a string", value, path, wrong)
        number = numbers.get(value)
        if number is None:
            return refuse(path, wrong, f"must be one of {allowed}, not {_shown(value)}")
        return number

    return bind


# RFC 3339, and what languages write beside it: no seconds, no colon or no minutes in the offset.
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(\.\d{1,9})?)?(?:[Zz]|[+-]\d\d(?::?\d\d)?)?", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_time(text: str) -> bool:
    """True for a text in the form of a time, with a digit for each digit."""
    return _TIME.fullmatch(text) is not None


def bind_timestamp(value: object, path: Path, wrong: list[Violation]) -> object:
    """ISO 8601 with date and time; without an offset it is UTC (C-25)."""
    if type(value) is not str:
        return mismatch("a string", value, path, wrong)
    form = _TIME.fullmatch(value)
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

SCALARS: Mapping[int, Bind] = {
    FieldDescriptor.TYPE_STRING: bind_text,
    FieldDescriptor.TYPE_BYTES: _bytes,
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
