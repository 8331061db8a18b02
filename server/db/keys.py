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
    names = orjson.dumps([tuple(key) for key in keys]).decode()
    listed = _listed(connection.dialect.name, len(columns)).bindparams(keys=names)
    return tuple_(*columns).in_(listed.columns(*(column(f"k{n}") for n in range(len(columns)))))


@cache
def _listed(dialect: str, width: int) -> TextClause:
    if dialect == "sqlite":
        members = ", ".join(f"json_extract(value, '$[{n}]') AS k{n}" for n in range(width))
        return text(f"SELECT {members} FROM json_each(:keys)")
    members = ", ".join(f"value ->> {n} AS k{n}" for n in range(width))
    return text(f"SELECT {members} FROM json_array_elements(CAST(:keys AS json))")
