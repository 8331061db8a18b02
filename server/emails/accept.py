"""Accepting email: a list at a time, durable before it is acknowledged (DESIGN: the life of one send).

Everything that needs no store was checked before (`draft`). Here the items of all concurrent callers
share one transaction: the facts are read, the `Judge` decides, and the rows of every accepted item are
written, each table once.
"""

from collections.abc import Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from server import failpoints
from server.clock import Clock
from server.db.prepared import Rows
from server.db.schema import (
    attachment_parts,
    attachments,
    email_contents,
    email_tags,
    emails,
    outq,
    recipients,
)
from server.db.writer import Writer
from server.emails import idempotency
from server.emails.batch import Answer, Batch
from server.emails.draft import Draft
from server.emails.judge import Judge, facts_about
from server.events import log
from server.faults import Fault
from server.quotas.rules import Periods
from server.quotas.store import write_usage
from server.work.crowd import Crowd

_EMAILS = Rows(emails)
_CONTENTS = Rows(email_contents)
_RECIPIENTS = Rows(recipients)
_TAGS = Rows(email_tags)
_ATTACHMENTS = Rows(attachments)
_PARTS = Rows(attachment_parts)
_QUEUE = Rows(outq)


class Acceptor:
    """Accepts batches through the writer, and tells `on_accepted` after each commit.

    The `crowd` learns how many emails each transaction takes together; `slow_start` is the table of daily
    caps by account age in days (C-47).
    """

    def __init__(
        self,
        writer: Writer,
        clock: Clock,
        crowd: Crowd,
        on_accepted: Callable[[], None],
        slow_start: Sequence[int] = (),
    ) -> None:
        self._slow_start = slow_start
        self._writer = writer
        self._clock = clock
        self._crowd = crowd
        self._on_accepted = on_accepted

    async def accept(self, batch: Batch) -> Answer | Fault:
        """The batch's answer, after a durable commit.

        In a strict batch with any fault among the results nothing was accepted. A fault instead of an
        answer concerns the batch as a whole. Raises `Unavailable`.
        """
        outcome: Answer | Fault = (await self._writer.submit(self._act, [batch]))[0]
        failpoints.hit("accept.after_commit")
        self._on_accepted()
        return outcome

    async def _act(self, connection: AsyncConnection, batches: list[Batch]) -> list[Answer | Fault]:
        self._crowd.seen(sum(len(batch.items) for batch in batches))
        now_ms = self._clock.now_ms()
        periods = Periods.of(now_ms)
        judge = Judge(
            await facts_about(connection, batches, periods, now_ms, self._slow_start), periods, now_ms
        )
        answers = [judge.judge(batch) for batch in batches]
        await idempotency.remember(connection, judge.accepted.remembered, now_ms)
        await write_usage(connection, judge.charged(), periods)
        await _write(connection, judge.accepted.drafts)
        failpoints.hit("accept.before_commit")
        return answers


async def _write(connection: AsyncConnection, drafts: Sequence[Draft]) -> None:
    if not drafts:
        return
    await _EMAILS.insert(connection, [draft.email for draft in drafts])
    await _CONTENTS.insert(connection, [draft.content for draft in drafts])
    await _RECIPIENTS.insert(connection, [row for draft in drafts for row in draft.recipients])
    await _TAGS.insert(connection, [row for draft in drafts for row in draft.tags])
    await _ATTACHMENTS.insert(connection, [row for draft in drafts for row in draft.attachments])
    await _PARTS.insert(connection, [row for draft in drafts for row in draft.parts])
    await _QUEUE.insert(connection, [row for draft in drafts for row in draft.queued()])
    await log.append(connection, [entry for draft in drafts for entry in draft.entries()])
