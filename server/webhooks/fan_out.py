"""Reads the log and makes the calls of it: each event once for each webhook that asked for its type."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import structlog
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.clock import Clock
from server.db.engine import Database
from server.db.keys import keys_parameter, one_of
from server.db.prepared import Prepared
from server.db.schema import emails
from server.db.writer import Writer
from server.events import log
from server.events.bell import Bell
from server.events.log import Place
from server.webhooks import intake, store
from server.webhooks.intake import Advance, NewCall
from server.webhooks.payload import render
from server.work.crowd import Crowd
from server.work.loop import Loop

PAGE = 200
# How soon events of other processes are seen; those of this process ring the bell.
_POLL_S = 0.25
# What is committed together is worth reading together: after the bell, so long for the next commits to land.
_GATHER_S = 0.01
# While callers crowd to hand mail in, the process is theirs: webhooks may be told a little later.
_CROWDED_PAUSE_S = 0.1
# Entries that concern no webhook move the reader in memory only, until so many of them were read: a busy
# organisation without webhooks should not cost a write for each of its emails.
_UNSAVED = 5_000
_log = structlog.get_logger()

_EMAILS = Prepared(
    lambda dialect: select(
        emails.c.org_id,
        emails.c.id,
        emails.c.sender,
        emails.c.to,
        emails.c.subject,
        emails.c.tags,
        emails.c.message_id,
        emails.c.created_at,
    ).where(one_of(dialect, (emails.c.org_id, emails.c.id)))
)


class FanOut:
    """The reader of the log that fills the queue of webhook calls.

    Its place in the log is stored in the same transaction as the calls, and only if it is still where this
    process read from: any number of processes may run one, no event is skipped and none is taken twice.
    """

    def __init__(
        self,
        database: Database,
        writer: Writer,
        clock: Clock,
        bell: Bell,
        on_calls: Callable[[], None] = lambda: None,
        crowd: Crowd | None = None,
    ) -> None:
        self._crowd = crowd or Crowd()
        self._database = database
        self._writer = writer
        self._clock = clock
        self._bell = bell
        self._on_calls = on_calls
        # The stored place, and how far this process has read: between them stands nothing that is wanted.
        self._stored: Place | None = None
        self._reached = log.BEGINNING
        self._unsaved = 0
        self._loop = Loop("webhooks.fan_out", self._repeat, pause_s=_POLL_S)

    async def start(self) -> None:
        """Begins to read."""
        self._loop.start()

    async def stop(self) -> None:
        """Ends with the page in hand; a later start goes on behind it."""
        await self._loop.stop()

    def wake(self) -> None:
        """There are new events: do not wait for the next poll."""
        self._bell.ring()

    async def _repeat(self) -> bool:
        if not await self.step():
            await self._bell.wait(_POLL_S)
            if not self._loop.stopping:
                await asyncio.sleep(_CROWDED_PAUSE_S if self._crowd.is_there else _GATHER_S)
        return True

    async def step(self) -> bool:
        """Reads one page and makes its calls; whether there may be more to read at once."""
        if self._stored is None and not await self._load():
            return True
        assert self._stored is not None
        entries, calls = await self._database.look(self._page)
        if not entries:
            return False
        reached = Place(entries[-1].tx, entries[-1].seq)
        self._unsaved += len(entries)
        if not calls and self._unsaved < _UNSAVED:
            self._reached = reached
            return len(entries) == PAGE
        step = Advance(self._stored, reached, calls, self._clock.now_ms())
        if not (await self._writer.submit(intake.advance, [step]))[0]:
            # Another process was faster: go on from where it is.
            self._stored = None
            return False
        self._stored = self._reached = reached
        self._unsaved = 0
        if calls:
            self._on_calls()
        return len(entries) == PAGE

    async def _page(self, connection: AsyncConnection) -> tuple[log.Entries, list[NewCall]]:
        entries = await log.read(connection, self._reached, PAGE)
        return entries, await self._calls_of(connection, entries) if entries else []

    async def _load(self) -> bool:
        """Learns the stored place; False if it had to be made first."""
        async with self._database.read() as connection:
            place = await intake.READER.place(connection)
        if place is None:
            await self._writer.submit(intake.READER.register, [None])
            return False
        self._stored, self._reached, self._unsaved = place, max(place, self._reached), 0
        return True

    async def _calls_of(self, connection: AsyncConnection, entries: Sequence[Row[Any]]) -> list[NewCall]:
        webhooks = await store.of_organisations(connection, {entry.org_id for entry in entries})
        if not webhooks:
            return []
        listeners = defaultdict(list)
        for webhook in webhooks:
            for event_type in json.loads(webhook.events):
                listeners[webhook.org_id, event_type].append(webhook)
        told = [
            (entry, hearing)
            for entry in entries
            if (
                hearing := [
                    webhook.id
                    for webhook in listeners.get((entry.org_id, entry.type), ())
                    if (entry.tx, entry.seq) > (webhook.since_tx, webhook.since_seq)
                ]
            )
        ]
        about = await _emails(connection, {(entry.org_id, entry.email_id) for entry, _ in told})
        calls = []
        for entry, hearing in told:
            email = about.get((entry.org_id, entry.email_id))
            if email is None:
                _log.warning("an event's email is gone, so no webhook is told", event_id=entry.id)
                continue
            try:
                body = render(entry, email)
            except (TypeError, ValueError):
                # One that cannot be told must not keep all others from being told.
                _log.exception("an event cannot be rendered, so no webhook is told", event_id=entry.id)
                continue
            calls += [
                NewCall(entry.org_id, webhook_id, entry.id, entry.type, body, entry.created_at)
                for webhook_id in hearing
            ]
        return calls


async def _emails(
    connection: AsyncConnection, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Row[*tuple[Any, ...]]]:
    rows = await _EMAILS.rows(connection, keys_parameter(keys))
    return {(row.org_id, row.id): row for row in rows}
