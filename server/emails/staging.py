"""Large contents are stored before their emails are accepted, piece by piece.

SQLite has one writer, and a transaction with a file of 40 MB keeps it from everybody else for half a second.
So the contents of a large batch come first, in transactions of a megabyte with room for others between them;
accepting the batch then adds the small rest. Until then its contents are staged: no email refers to them, and
they are deleted if none ever does.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, TypeAlias

from sqlalchemy import delete, select

from server.clock import Clock
from server.db.keys import in_keys
from server.db.statements import BulkInsert, Change
from server.db.tables.emails import attachment_parts, email_contents, staged_contents
from server.db.tx import Tx
from server.db.writer import Writer
from server.emails.batch import Batch
from server.emails.draft import Draft
from server.emails.parts import PART
from server.emails.prospects import Prospects
from server.emails.transitions import Row
from server.faults import Unavailable
from server.turns import Turns

# Contents of a batch of more bytes are staged.
STAGED_BYTES = 1 << 20
# Pieces that are written at once, whoever they are of: the writer is for others most of the time.
_AT_ONCE = 1
# Contents that were staged longer ago belong to a call that died.
LIFETIME_MS = 3_600_000
_MAX_SWEPT = 1
_RETRY_AFTER_S = 1.0

_CONTENTS = BulkInsert(email_contents)
_PARTS = BulkInsert(attachment_parts)
_STAGED = BulkInsert(staged_contents)
_PRIMARY_KEY = (staged_contents.c.org_id, staged_contents.c.email_id)
_OF_KEY = "WHERE org_id = :org_id AND email_id = :email_id"
_RENEW = Change(f"UPDATE staged_contents SET staged_at = :now {_OF_KEY}")
_ACCEPT = Change(f"DELETE FROM staged_contents {_OF_KEY}")
_Key: TypeAlias = tuple[str, str]


class _StagedKey(NamedTuple):
    org_id: str
    email_id: str


class _Piece(NamedTuple):
    """Rows of some emails of one organisation, about a megabyte; `begun` are those with their first rows."""

    begun: Sequence[Draft]
    continued: Sequence[Draft]
    parts: Sequence[Row]


class Staging:
    """Stages the contents of large batches while they are accepted."""

    def __init__(self, writer: Writer, clock: Clock, prospects: Prospects) -> None:
        self._writer = writer
        self._clock = clock
        self._prospects = prospects
        self._turns = Turns(_AT_ONCE)

    @asynccontextmanager
    async def staged(self, batch: Batch) -> AsyncIterator[None]:
        """Stages the contents of a large batch, for the block that accepts it.

        Nothing is staged for an email that would be refused now. Raises `Unavailable`.
        """
        drafts = [item for item in batch.items if isinstance(item, Draft)]
        if batch.is_refused or sum(draft.stored_bytes for draft in drafts) <= STAGED_BYTES:
            yield
            return
        outlook = await self._prospects.outlook(batch, drafts)
        if batch.strict and outlook.others:
            yield
            return
        try:
            for piece in _pieces(outlook.promising):
                async with self._turns.of(batch.org_id):
                    [is_staged] = await self._writer.submit(self._stage, [piece])
                if not is_staged:
                    raise Unavailable(_RETRY_AFTER_S)
            for draft in outlook.promising:
                draft.is_staged = True
            yield
        finally:
            # It finds nothing if they were accepted. The submission stands before the first wait, so that it
            # is made although the caller has gone.
            await self._writer.submit(_discard, [_key(draft) for draft in outlook.promising])

    def _stage(self, tx: Tx, pieces: list[_Piece]) -> list[bool]:
        return [_write(tx, piece, self._clock.now_ms()) for piece in pieces]

    async def sweep(self) -> bool:
        """Deletes contents that were staged long ago; True if more may be left."""
        return await self._writer.run(_sweep, self._clock.now_ms() - LIFETIME_MS)


def accept(tx: Tx, drafts: Iterable[Draft]) -> None:
    """Makes staged contents those of accepted emails. Raises `Unavailable` if they are gone."""
    accepted = [draft for draft in drafts if draft.is_staged]
    keys = [{"org_id": draft.org_id, "email_id": draft.email["id"]} for draft in accepted]
    if _ACCEPT.run(tx, keys) != len(keys):
        raise Unavailable(_RETRY_AFTER_S)
    # Nothing is sent of these, and their files are not needed.
    _delete_parts(tx, [_key(draft) for draft in accepted if not draft.is_wanted])


def _pieces(drafts: Sequence[Draft]) -> Iterator[_Piece]:
    begun: list[Draft] = []
    continued: list[Draft] = []
    parts: list[Row] = []
    size = 0
    for draft in drafts:
        begun.append(draft)
        size += draft.content_bytes
        for part in draft.parts:
            if size >= PART:
                yield _Piece(begun, continued, parts)
                begun, continued, parts, size = [], [draft], [], 0
            parts.append(part)
            size += len(part["content"])
    yield _Piece(begun, continued, parts)


def _write(tx: Tx, piece: _Piece, now_ms: int) -> bool:
    """Writes a piece; False if what came before is gone."""
    renewed = [
        {"org_id": draft.org_id, "email_id": draft.email["id"], "now": now_ms} for draft in piece.continued
    ]
    if _RENEW.run(tx, renewed) != len(renewed):
        return False
    begun = [
        {"org_id": draft.org_id, "email_id": draft.email["id"], "staged_at": now_ms} for draft in piece.begun
    ]
    _STAGED.rows(tx, begun)
    _CONTENTS.rows(tx, [draft.content for draft in piece.begun])
    _PARTS.rows(tx, piece.parts)
    return True


def _discard(tx: Tx, keys: Sequence[_Key]) -> list[None]:
    staged = tx.all(
        _StagedKey, select(*_PRIMARY_KEY).where(in_keys(tx, _PRIMARY_KEY, keys)).with_for_update()
    )
    if staged:
        tx.change(delete(staged_contents).where(in_keys(tx, _PRIMARY_KEY, staged)))
        _delete_parts(tx, staged)
        owner = (email_contents.c.org_id, email_contents.c.email_id)
        tx.change(delete(email_contents).where(in_keys(tx, owner, staged)))
    return [None] * len(keys)


def _delete_parts(tx: Tx, keys: Sequence[_Key]) -> None:
    if keys:
        owner = (attachment_parts.c.org_id, attachment_parts.c.email_id)
        tx.change(delete(attachment_parts).where(in_keys(tx, owner, keys)))


def _sweep(tx: Tx, before_ms: int) -> bool:
    old = tx.all(
        _StagedKey, select(*_PRIMARY_KEY).where(staged_contents.c.staged_at < before_ms).limit(_MAX_SWEPT)
    )
    if old:
        _discard(tx, old)
    return len(old) == _MAX_SWEPT


def _key(draft: Draft) -> _Key:
    return draft.org_id, draft.email["id"]
