"""Accepting email: a list at a time, durable before it is acknowledged (DESIGN: the life of one send).

All that needs no store was checked before (`draft`). Here the items of all concurrent callers share one
transaction: the facts are read, `admission` decides, and the rows of every accepted item are written, each
table once.
"""

from collections.abc import Sequence

from server import failpoints
from server.clock import Clock
from server.db.statements import BulkInsert
from server.db.tables.emails import attachment_parts, attachments, email_contents, email_tags
from server.db.tx import Tx
from server.db.writer import Writer
from server.emails import idempotency, jobs, staging, transitions
from server.emails.admission import Admission
from server.emails.answers import Answers
from server.emails.batch import Answer, Batch
from server.emails.draft import Draft
from server.emails.facts import read_facts
from server.emails.judging import without_culprits
from server.faults import Fault
from server.queue import store as queue
from server.quotas.store import write_usage
from server.work.backpressure import AcceptLoad
from server.work.notifier import Notifier

_CONTENTS = BulkInsert(email_contents)
_TAGS = BulkInsert(email_tags)
_ATTACHMENTS = BulkInsert(attachments)
_PARTS = BulkInsert(attachment_parts)


class Acceptor:
    """Accepts batches through the writer; after each commit `mail_queued` and `events_appended` are notified.

    The number of emails in each transaction is recorded in `load`. `slow_start` is the table of daily caps by
    account age in days (C-47), `support_url` where a customer appeals (C-69).
    """

    def __init__(
        self,
        writer: Writer,
        clock: Clock,
        load: AcceptLoad,
        mail_queued: Notifier,
        events_appended: Notifier,
        slow_start: Sequence[int] = (),
        support_url: str = "",
    ) -> None:
        self._support_url = support_url
        self._slow_start = slow_start
        self._writer = writer
        self._clock = clock
        self._load = load
        self._mail_queued = mail_queued
        self._events_appended = events_appended

    async def accept(self, batch: Batch) -> Answer | Fault:
        """The batch's answer, after a durable commit.

        In a strict batch with any fault among the results nothing was accepted. A fault instead of an
        answer concerns the batch as a whole. An item that cannot be stored fails alone, unless the batch is
        strict. Raises `Unavailable`.
        """
        try:
            [outcome] = await self._writer.submit(self.act, [batch])
        except Fault:
            raise
        except Exception:
            if batch.strict:
                raise
            batch = await without_culprits(self._writer, self.act, batch)
            [outcome] = await self._writer.submit(self.act, [batch])
        failpoints.hit("accept.after_commit")
        self.notify()
        return outcome

    def notify(self) -> None:
        """Says that emails were accepted and committed."""
        self._mail_queued.notify()
        self._events_appended.notify()

    def act(self, tx: Tx, batches: list[Batch]) -> list[Answer | Fault]:
        """Accepts batches as a part of a transaction; `notify` is for after its commit."""
        self._load.record(sum(len(batch.items) for batch in batches))
        now_ms = self._clock.now_ms()
        facts = read_facts(
            tx,
            "accept",
            [item for batch in batches for item in batch.items if isinstance(item, Draft)],
            {batch.org_id for batch in batches},
            now_ms,
            batch_keys=[key for batch in batches if (key := batch.key) is not None],
            slow_start=self._slow_start,
            support_url=self._support_url,
        )
        admission = Admission(facts)
        answers = Answers(admission)
        outcomes = [answers.answer(batch) for batch in batches]
        idempotency.remember(tx, admission.new_answers, now_ms)
        write_usage(tx, admission.usage(), facts.periods)
        _write(tx, answers.accepted)
        jobs.insert(tx, answers.jobs)
        for batch, outcome in zip(batches, outcomes, strict=True):
            if batch.within is not None:
                batch.within(tx, outcome)
        failpoints.hit("accept.before_commit")
        return outcomes


def _write(tx: Tx, drafts: Sequence[Draft]) -> None:
    if not drafts:
        return
    transitions.begin(tx, [draft.new_email() for draft in drafts])
    staging.accept(tx, drafts)
    unstaged = [draft for draft in drafts if not draft.is_staged]
    _CONTENTS.rows(tx, [draft.content for draft in unstaged])
    _TAGS.rows(tx, [row for draft in drafts for row in draft.tags])
    _ATTACHMENTS.rows(tx, [row for draft in drafts for row in draft.attachments])
    _PARTS.rows(tx, [row for draft in unstaged for row in draft.parts])
    queue.enqueue(tx, [row for draft in drafts for row in draft.queued()])
