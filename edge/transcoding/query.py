"""Binding the texts of a query or a path: to numbers, times and texts, by the type of their field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias
from urllib.parse import parse_qsl

from google.protobuf.descriptor import FieldDescriptor

from edge.transcoding.status import Failure, Violation
from edge.transcoding.values import MAX_SHOWN, Bind, Path, refuse

QUERY_FIELDS = 100
"""More parameters than any route has fields, and few enough to be parsed for nothing."""

BindTexts: TypeAlias = Callable[[Sequence[str], Path, list[Violation]], object]

_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# A plus sign that was not percent-encoded reads as a blank.
_OFFSET_WITHOUT_PLUS = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:[\d:.]+) (\d\d(?::?\d\d)?)", re.ASCII)


def is_in_query(field: FieldDescriptor) -> bool:
    """True if a field can be written in a query: single values and times can, messages cannot."""
    return field.message_type is None or field.message_type.full_name == "google.protobuf.Timestamp"


def parameter(field: FieldDescriptor, bind: Bind) -> BindTexts:
    """Binds the strings that a query or path has for one field, whose values `bind` takes; of several for one
    value the last counts."""
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


def words(meanings: Mapping[str, Sequence[int]]) -> BindTexts:
    """Binds words that each stand for one or more values of an enum to the list of all these values."""

    def bind(texts: Sequence[str], path: Path, wrong: list[Violation]) -> object:
        for text in texts:
            if text not in meanings:
                shown = text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
                return refuse(path, wrong, f"must be one of {', '.join(meanings)}, not {shown!r}")
        return sorted({number for text in texts for number in meanings[text]})

    return bind


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


def query_fields(
    binds: Mapping[str, BindTexts],
    other_names: Mapping[str, str],
    query: bytes,
    filters: tuple[str, str],
    wrong: list[Violation],
) -> dict[str, object]:
    """The fields of a query. `filters` is what has no other parameters, and the list of those it has; without
    the list others are ignored."""
    noun, allowed = filters
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
        elif allowed:
            refuse((None, name[:MAX_SHOWN]), wrong, f"is no parameter of this {noun}, which has {allowed}")
    fields: dict[str, object] = {}
    for name, found in texts.items():
        own = name if name in binds else other_names[name]
        if own == name or own not in texts:
            fields[own] = binds[own](found, (None, name), wrong)
    return fields
