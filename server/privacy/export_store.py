"""Exports in the store: their progress, and their parts."""

from typing import Any, NamedTuple

import orjson
from sqlalchemy import delete, insert, select, update

from server import limits
from server.db.keys import in_keys
from server.db.listing import Page, PageRequest, newest_first
from server.db.statements import Change, Statement
from server.db.tables.privacy import export_parts, exports
from server.db.tx import Tx
from server.privacy.sections import SECTIONS
from server.work.jobs import Moved

KEPT_MS = 7 * 86_400_000
# Exports that a process goes on with in turn, and rows that one sweep deletes.
_MAX_DUE, _MAX_SWEPT = 16, 100


class ExportRow(NamedTuple):
    """An export; times are milliseconds since 1970 UTC, `cursor` is a JSON list or empty."""

    org_id: str
    id: str
    user_id: str
    section: str
    cursor: str
    part_count: int
    row_count: int
    version: int
    created_at: int
    stepped_at: int
    completed_at: int | None
    expires_at: int


class Part(NamedTuple):
    """A part: compressed lines of JSON of one section."""

    no: int
    section: str
    content: bytes


class _Key(NamedTuple):
    org_id: str
    export_id: str
    no: int


class _ExportKey(NamedTuple):
    org_id: str
    id: str


_SHOWN = tuple(exports.c[name] for name in ExportRow._fields)
_DUE = Statement(
    ExportRow,
    f"""
    SELECT {", ".join(ExportRow._fields)} FROM exports
    WHERE completed_at IS NULL AND expires_at > :now ORDER BY stepped_at LIMIT {_MAX_DUE}
    """,
)
_ADVANCE = Change("""
    UPDATE exports SET section = :section, cursor = :cursor, part_count = part_count + :parts,
        row_count = row_count + :rows, version = version + 1, stepped_at = :now, completed_at = :completed_at
    WHERE org_id = :org_id AND id = :id AND version = :version
""")
_PART = Statement(
    Part,
    """
    SELECT no, section, content FROM export_parts
    WHERE org_id = :org_id AND export_id = :export_id AND no = :no
    """,
)


def begin(tx: Tx, row: ExportRow) -> ExportRow:
    """Stores a new export; one of the organisation that is in progress is returned instead."""
    # Two requests take turns.
    limits.lock(tx, row.org_id)
    running = (exports.c.org_id == row.org_id, exports.c.completed_at.is_(None))
    query = select(*_SHOWN).where(*running, exports.c.expires_at > row.created_at)
    same = tx.first(ExportRow, query)
    if same is not None:
        return same
    tx.change(insert(exports).values(row._asdict()))
    return row


def get(tx: Tx, org_id: str, id: str, now_ms: int) -> ExportRow | None:
    """One export that has not expired."""
    this = (exports.c.org_id == org_id, exports.c.id == id)
    return tx.first(ExportRow, select(*_SHOWN).where(*this, exports.c.expires_at > now_ms))


def page(tx: Tx, org_id: str, request: PageRequest, now_ms: int) -> Page[ExportRow]:
    """A page of exports that have not expired, newest first."""
    query = select(*_SHOWN).where(exports.c.org_id == org_id, exports.c.expires_at > now_ms)
    return newest_first(tx, ExportRow, query, exports.c.id, request)


def due(tx: Tx, now_ms: int) -> list[ExportRow]:
    """Some of the exports in progress, those first that have waited longest."""
    return _DUE.all(tx, now=now_ms)


def advance(tx: Tx, row: ExportRow, content: bytes, number: int, after: list[Any], now_ms: int) -> None:
    """Adds a part with a number of rows; an empty `after` ends the section. Raises `Moved`."""
    names = [section.name for section in SECTIONS]
    at = names.index(row.section)
    if not after:
        at += 1
    is_over = at == len(names)
    values = {
        "org_id": row.org_id,
        "id": row.id,
        "version": row.version,
        "section": "" if is_over else names[at],
        "cursor": orjson.dumps(after).decode() if after else "",
        "parts": 1 if number else 0,
        "rows": number,
        "now": now_ms,
        "completed_at": now_ms if is_over else None,
    }
    if _ADVANCE.run(tx, [values]) != 1:
        raise Moved
    if number:
        part = {"org_id": row.org_id, "export_id": row.id, "no": row.part_count}
        tx.change(insert(export_parts).values(**part, section=row.section, content=content))


def part(tx: Tx, org_id: str, export_id: str, no: int) -> Part | None:
    """One part."""
    return _PART.first(tx, org_id=org_id, export_id=export_id, no=no)


def expire_all(tx: Tx, org_id: str, now_ms: int) -> None:
    """Ends all exports of an organisation: they hold what was erased since."""
    tx.change(
        update(exports)
        .where(exports.c.org_id == org_id, exports.c.expires_at > now_ms)
        .values(expires_at=now_ms, version=exports.c.version + 1)
    )


def sweep(tx: Tx, now_ms: int) -> bool:
    """Deletes some parts of exports that have expired, and those without parts; True if more may be left."""
    old = select(exports.c.org_id, exports.c.id).where(exports.c.expires_at <= now_ms).limit(_MAX_DUE)
    expired = tx.all(_ExportKey, old)
    if not expired:
        return False
    key = (export_parts.c.org_id, export_parts.c.export_id)
    parts = tx.all(
        _Key,
        select(*key, export_parts.c.no).where(in_keys(tx, key, expired)).limit(_MAX_SWEPT),
    )
    for each in parts:
        this = (key[0] == each.org_id, key[1] == each.export_id, export_parts.c.no == each.no)
        tx.change(delete(export_parts).where(*this))
    if len(parts) < _MAX_SWEPT:
        tx.change(delete(exports).where(in_keys(tx, (exports.c.org_id, exports.c.id), expired)))
    return True
