"""Typed rows: a named tuple class says which columns a statement returns, and of which types."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Any, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

R = TypeVar("R", bound=NamedTuple)

# One row as a driver returns it.
DriverRow = Sequence[object]


@cache
def row_maker(row: type[R], *, is_sqlite: bool) -> Callable[[DriverRow], R]:
    """A function that makes a `row` of a driver's row; SQLite's 0 and 1 become booleans."""
    make: Callable[[DriverRow], R] = row._make
    flags = [position for position, types in enumerate(_types(row)) if bool in types]
    if not is_sqlite or not flags:
        return make

    def make_with_booleans(values: DriverRow) -> R:
        converted = list(values)
        for position in flags:
            if converted[position] is not None:
                converted[position] = bool(converted[position])
        return make(converted)

    return make_with_booleans


def check_columns(row: type[NamedTuple], columns: Iterable[str]) -> None:
    """Raises TypeError unless the columns are the fields of `row`, in this order."""
    found = tuple(columns)
    if found != row._fields:
        raise TypeError(f"{row.__name__} has the fields {row._fields}, the statement the columns {found}")


def check_types(row: NamedTuple) -> None:
    """Raises TypeError unless each value is of its field's type.

    Run on the first row of each statement, so that the annotations cannot lie for long.
    """
    for name, value, types in zip(row._fields, row, _types(type(row)), strict=True):
        if not isinstance(value, types):
            raise TypeError(
                f"{type(row).__name__}.{name} is a {type(value).__name__} in the database, "
                f"not a {' | '.join(allowed.__name__ for allowed in types)}"
            )


@cache
def _types(row: type[NamedTuple]) -> tuple[tuple[type, ...], ...]:
    """The types that each field may have."""
    return tuple(_alternatives(hint) for hint in get_type_hints(row).values())


def _alternatives(hint: Any) -> tuple[type, ...]:  # a type expression: nothing narrower fits all forms
    # `Literal[...] | None` is a Union of typing.
    if isinstance(hint, UnionType) or get_origin(hint) is Union:
        return tuple(alternative for part in get_args(hint) for alternative in _alternatives(part))
    if hint is None:
        return (NoneType,)
    origin = get_origin(hint)
    if origin is not None:  # Literal["a", "b"]: the types of its values
        return tuple({type(value) for value in get_args(hint)})
    assert isinstance(hint, type)
    return (hint,)
