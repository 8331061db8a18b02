"""Fan-out and dispatch over one store, stepped by a test or running by themselves."""

import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import func, select, update

from server.clock import Clock
from server.db.database import Database
from server.db.tables.webhooks import webhook_attempts, webhook_calls, webhooks
from server.db.writer import Writer
from server.ids import new_id
from server.net.dns import Resolver
from server.sealing import Seal
from server.settings import Settings
from server.webhooks import history, store
from server.webhooks.dispatch import Dispatcher
from server.webhooks.fan_out import FanOut
from server.webhooks.formats.format import Format
from server.webhooks.formats.table import FORMATS
from server.webhooks.receivers import Receivers
from server.webhooks.rules import OVERLAP_MS
from server.webhooks.signing import new_secret
from server.webhooks.store import NewWebhook
from server.work.backpressure import Backpressure
from server.work.notifier import Notifier
from tests.harness.happenings import happen
from tests.harness.waiting import until


class Attempt(NamedTuple):
    """The record of an attempt."""

    id: str
    event_id: str
    attempt: int
    status_code: int | None
    error: str
    detail: str
    response: bytes
    attempted_at: int
    next_at: int | None


class _CallsRow(NamedTuple):
    status: str
    calls: int


SEAL = Seal("the secret of this installation")


class Site:
    """One organisation, and everything between its log and its receivers."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        clock: Clock,
        *,
        private: bool = True,
        dns: str | None = None,
        total_s: float = 15.0,
        lease_s: float = 60.0,
        tls: ssl.SSLContext | None = None,
        formats: Mapping[str, Format] = FORMATS,
    ) -> None:
        self.database = database
        self.writer = writer
        self.clock = clock
        self.org_id = new_id()
        settings = Settings(
            Path(), "unused", "unused", dns=dns, allow_private_networks=private, lease_s=lease_s, drain_s=5.0
        )
        self._resolver = Resolver(settings, clock, hosts_file=Path("/dev/null"))
        calls_due = Notifier()
        self.receivers = Receivers(database)
        self.dispatcher = Dispatcher(
            database,
            writer,
            settings,
            clock,
            SEAL,
            self._resolver,
            calls_due,
            self.receivers,
            formats=formats,
            tls=tls,
            total_s=total_s,
        )
        self.fan_out = FanOut(database, writer, clock, Notifier(), calls_due, Backpressure(), formats=formats)

    async def start(self) -> None:
        """Lets both run by themselves."""
        await self.fan_out.start()
        await self.dispatcher.start()

    async def stop(self) -> None:
        """Ends both, as a server does."""
        await self.fan_out.stop()
        await self.dispatcher.stop()
        await self._resolver.close()

    async def register(self, url: str, *events: str) -> tuple[str, str]:
        """A new webhook's id and secret."""
        id, secret = new_id(), new_secret()
        sealed = SEAL.seal(secret.encode(), store.seal_context(id))
        new = NewWebhook(self.org_id, id, url, events or ("email.sent",), sealed, self.clock.now_ms())
        await self.writer.submit(store.add, [new])
        return id, secret

    async def set_format(self, webhook_id: str, name: str) -> None:
        """Gives a webhook another format."""
        mine = (webhooks.c.org_id == self.org_id, webhooks.c.id == webhook_id)
        change = update(webhooks).where(*mine).values(format=name)
        await self.writer.run(lambda tx: tx.change(change))
        await self.receivers.changed()

    async def happen(self, *types: str) -> str:
        """Something happens to a new email; returns its id."""
        types = types or ("email.sent",)
        return await happen(self.writer, self.org_id, *types, created_at=self.clock.now_ms())

    async def turn(self) -> None:
        """Reads the log to its end and begins every call that is due and may begin."""
        while await self.fan_out.step():
            pass
        while await self.dispatcher.step():
            pass

    async def attempts(self, webhook_id: str) -> Sequence[Attempt]:
        """The recorded attempts of a webhook, oldest first."""
        query = (
            select(*(webhook_attempts.c[name] for name in Attempt._fields))
            .where(webhook_attempts.c.org_id == self.org_id, webhook_attempts.c.webhook_id == webhook_id)
            .order_by(webhook_attempts.c.id)
        )
        return await self.database.read(lambda tx: tx.all(Attempt, query))

    async def attempted(self, webhook_id: str, count: int) -> Attempt:
        """Waits until `count` attempts are recorded; returns the last."""

        async def recorded() -> Sequence[Attempt]:
            rows = await self.attempts(webhook_id)
            return rows if len(rows) >= count else ()

        rows = await until(recorded, message=f"{count} attempts were never recorded")
        assert len(rows) == count
        return rows[-1]

    async def waiting(self, webhook_id: str) -> int:
        """The number of calls of a webhook in the queue."""
        query = (
            select(func.count())
            .select_from(webhook_calls)
            .where(
                webhook_calls.c.org_id == self.org_id,
                webhook_calls.c.webhook_id == webhook_id,
                webhook_calls.c.due_at.is_not(None),
            )
        )
        return await self.database.read(lambda tx: tx.scalar(int, query)) or 0

    async def status(self, webhook_id: str) -> str:
        """The status of a webhook: `enabled` or `disabled`."""
        query = select(webhooks.c.status).where(webhooks.c.org_id == self.org_id, webhooks.c.id == webhook_id)
        return str(await self.database.read(lambda tx: tx.scalar(str, query)))

    async def disabled_reason(self, webhook_id: str) -> str:
        """Why a webhook is disabled."""
        return (await self.database.read(store.get, self.org_id, webhook_id)).disabled_reason

    async def kept(self, webhook_id: str) -> dict[str, int]:
        """The number of calls of a webhook, by status."""
        query = (
            select(webhook_calls.c.status, func.count().label("calls"))
            .where(webhook_calls.c.org_id == self.org_id, webhook_calls.c.webhook_id == webhook_id)
            .group_by(webhook_calls.c.status)
        )
        return dict(await self.database.read(lambda tx: tx.all(_CallsRow, query)))

    async def rotate(self, webhook_id: str) -> str:
        """Gives a webhook a new secret and returns it."""
        secret, until_ms = new_secret(), self.clock.now_ms() + OVERLAP_MS
        sealed = SEAL.seal(secret.encode(), store.seal_context(webhook_id))
        await self.writer.run(store.rotate, self.org_id, webhook_id, sealed, until_ms)
        return secret

    async def replay(self, webhook_id: str, event_id: str) -> None:
        """Lets a call be made again."""
        key, now = (self.org_id, webhook_id), self.clock.now_ms()
        await self.writer.run(history.replay, key, event_id, now)
