"""Conditions on lists of compound keys that both engines answer by index, key by key.

A list travels as one JSON parameter, so that a statement is one text however many keys it names; and SQLite,
which reads a whole table for `(a, b) IN (VALUES ...)`, looks up each key of a subquery.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import orjson
from sqlalchemy import ColumnElement, column, text, tuple_

from server.db.tx import Engine, Tx

KeyType: TypeAlias = Literal["text", "integer"]


def in_keys(
    tx: Tx, columns: Sequence[ColumnElement[Any]], keys: Iterable[Sequence[str]]
) -> ColumnElement[bool]:
    """The condition that `columns` hold one of `keys`, for a statement of SQLAlchemy Core."""
    names: dict[str, KeyType] = {f"k{number}": "text" for number in range(len(columns))}
    members = text(keys_sql(tx.engine, names)[1:-1]).bindparams(keys=keys_parameter(keys))
    return tuple_(*columns).in_(members.columns(*map(column, names)))


def keys_sql(engine: Engine, columns: Mapping[str, KeyType]) -> str:
    """The subquery, in parentheses, that turns the parameter `:keys` into rows with these columns."""
    if engine == "sqlite":
        # json_extract keeps the type of a JSON value.
        members = ", ".join(f"json_extract(value, '$[{n}]') AS {name}" for n, name in enumerate(columns))
        return f"(SELECT {members} FROM json_each(:keys))"
    members = ", ".join(
        f"CAST(value ->> {n} AS {kind}) AS {name}" for n, (name, kind) in enumerate(columns.items())
    )
    return f"(SELECT {members} FROM json_array_elements(CAST(:keys AS json)))"


def keys_parameter(keys: Iterable[Sequence[object]]) -> str:
    """The value of the parameter `:keys`."""
    return orjson.dumps([tuple(key) for key in keys]).decode()
