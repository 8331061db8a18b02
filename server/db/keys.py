"""Conditions on lists of compound keys that both engines answer by index, key by key."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import ColumnElement, TextClause, column, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection


def among(
    connection: AsyncConnection, columns: Sequence[ColumnElement[Any]], keys: Iterable[Sequence[str]]
) -> ColumnElement[bool]:
    """That `columns` hold one of `keys`.

    The list travels as one parameter, so that a statement is one text however many keys it names; and
    SQLite, which reads a whole table for `(a, b) IN (VALUES ...)`, looks each key of a subquery up.
    """
    return one_of(connection.dialect.name, tuple(columns), **keys_parameter(keys))


def one_of(dialect: str, columns: Sequence[ColumnElement[Any]], **keys: str) -> ColumnElement[bool]:
    """That `columns` hold one of the keys in the parameter `keys`, which may be given at execution.

    A statement of the hot path is built with it once for each dialect.
    """
    members = _listed(dialect, len(columns))
    chosen = members.bindparams(**keys) if keys else members
    return tuple_(*columns).in_(chosen.columns(*(column(f"k{n}") for n in range(len(columns)))))


def keys_parameter(keys: Iterable[Sequence[str]]) -> dict[str, str]:
    """The parameter of a condition made by `one_of`."""
    return {"keys": orjson.dumps([tuple(key) for key in keys]).decode()}


@cache
def _listed(dialect: str, width: int) -> TextClause:
    if dialect == "sqlite":
        members = ", ".join(f"json_extract(value, '$[{n}]') AS k{n}" for n in range(width))
        return text(f"SELECT {members} FROM json_each(:keys)")
    members = ", ".join(f"value ->> {n} AS k{n}" for n in range(width))
    return text(f"SELECT {members} FROM json_array_elements(CAST(:keys AS json))")
