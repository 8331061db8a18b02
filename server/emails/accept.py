"""Accepting email: a list at a time, durable before it is acknowledged (DESIGN: the life of one send).

Everything that needs no store was checked before (`draft`). Here the items of all concurrent callers
share one transaction: what an idempotency key remembers, whether the sender's domain is verified, then
the rows of every accepted item, each table written once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from zidimail.v1 import email_service_pb2 as pb

from server import failpoints
from server.clock import Clock
from server.db.schema import email_contents, emails, outq, recipients
from server.db.writer import Writer
from server.domains.store import verified_domains
from server.emails import idempotency
from server.emails.draft import Draft, Row
from server.emails.idempotency import Key, Remembered
from server.events import log
from server.faults import DomainNotVerified, Fault, IdempotencyKeyReused
from server.wire.status import status_of
from server.work.crowd import Crowd

_INSERT_EMAILS = insert(emails)
_INSERT_CONTENTS = insert(email_contents)
_INSERT_RECIPIENTS = insert(recipients)
_INSERT_QUEUE = insert(outq)

Result = pb.SendEmailResponse | Fault
# A result for each item, or the whole answer as it was given before under the same idempotency key.
Answer = Sequence[Result] | pb.BatchSendEmailsResponse


@dataclass(slots=True)
class Batch:
    """What one caller wants accepted: items that passed the checks, or the fault of each that did not."""

    org_id: str
    items: Sequence[Draft | Fault]
    strict: bool
    idempotency_key: str | None = None
    request_hash: bytes = b""


@dataclass(slots=True)
class _Accepted:
    """What the transaction will write."""

    drafts: list[Draft] = field(default_factory=list)
    remembered: dict[Key, Remembered] = field(default_factory=dict)

    def extend(self, other: "_Accepted") -> None:
        self.drafts += other.drafts
        self.remembered |= other.remembered


def batch_response(results: Sequence[Result]) -> pb.BatchSendEmailsResponse:
    """The results of a batch as they are sent."""
    return pb.BatchSendEmailsResponse(
        results=[
            pb.BatchSendResult(error=status_of(result))
            if isinstance(result, Fault)
            else pb.BatchSendResult(sent=result)
            for result in results
        ]
    )


class Acceptor:
    """Accepts batches through the writer, and tells `on_accepted` after each commit.

    The `crowd` learns how many emails each transaction takes together.
    """

    def __init__(self, writer: Writer, clock: Clock, crowd: Crowd, on_accepted: Callable[[], None]) -> None:
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
        now_ms = self._clock.now_ms()
        remembered = await idempotency.recall(connection, _keys_of(batches), now_ms)
        senders = {
            (item.org_id, item.domain) for batch in batches for item in batch.items if isinstance(item, Draft)
        }
        domain_ids = await verified_domains(connection, senders)
        accepted = _Accepted()
        self._crowd.seen(sum(len(batch.items) for batch in batches))
        answers = []
        for batch in batches:
            answer, additions = _judge(batch, remembered, domain_ids)
            remembered |= additions.remembered
            accepted.extend(additions)
            answers.append(answer)
        await _write(connection, accepted, now_ms)
        failpoints.hit("accept.before_commit")
        return answers


def _keys_of(batches: Sequence[Batch]) -> list[Key]:
    keys = [Key(b.org_id, "batch", b.idempotency_key) for b in batches if b.idempotency_key is not None]
    keys += [
        Key(item.org_id, "send", item.idempotency_key)
        for batch in batches
        for item in batch.items
        if isinstance(item, Draft) and item.idempotency_key is not None
    ]
    return keys


def _judge(
    batch: Batch, remembered: Mapping[Key, Remembered], domain_ids: Mapping[tuple[str, str], str]
) -> tuple[Answer | Fault, _Accepted]:
    """A batch's answer, and what is to be written for it."""
    key = None if batch.idempotency_key is None else Key(batch.org_id, "batch", batch.idempotency_key)
    if key is not None and key in remembered:
        return _replayed(batch, key, remembered[key]), _Accepted()
    additions = _Accepted()
    results = [
        item if isinstance(item, Fault) else _judge_item(item, remembered, domain_ids, additions)
        for item in batch.items
    ]
    if batch.strict and any(isinstance(result, Fault) for result in results):
        return results, _Accepted()
    if key is not None:
        additions.remembered[key] = Remembered(
            batch.request_hash, batch_response(results).SerializeToString()
        )
    return results, additions


def _judge_item(
    item: Draft,
    remembered: Mapping[Key, Remembered],
    domain_ids: Mapping[tuple[str, str], str],
    additions: _Accepted,
) -> Result:
    key = None if item.idempotency_key is None else Key(item.org_id, "send", item.idempotency_key)
    if key is not None:
        earlier = additions.remembered.get(key) or remembered.get(key)
        if earlier is not None:
            if earlier.request_hash != item.request_hash:
                return IdempotencyKeyReused(key.key)
            response = pb.SendEmailResponse.FromString(earlier.response)
            response.replayed = True
            return response
    domain_id = domain_ids.get((item.org_id, item.domain))
    if domain_id is None:
        return DomainNotVerified(item.domain)
    item.email["domain_id"] = domain_id
    response = pb.SendEmailResponse(id=item.email["id"])
    additions.drafts.append(item)
    if key is not None:
        additions.remembered[key] = Remembered(item.request_hash, response.SerializeToString())
    return response


def _replayed(batch: Batch, key: Key, earlier: Remembered) -> Answer | Fault:
    if earlier.request_hash != batch.request_hash:
        return IdempotencyKeyReused(key.key)
    response = pb.BatchSendEmailsResponse.FromString(earlier.response)
    response.replayed = True
    return response


async def _write(connection: AsyncConnection, accepted: _Accepted, now_ms: int) -> None:
    await idempotency.remember(connection, accepted.remembered, now_ms)
    drafts = accepted.drafts
    if not drafts:
        return
    rows: list[Row] = [draft.email for draft in drafts]
    await connection.execute(_INSERT_EMAILS, rows)
    await connection.execute(_INSERT_CONTENTS, [draft.content for draft in drafts])
    await connection.execute(_INSERT_RECIPIENTS, [row for draft in drafts for row in draft.recipients])
    await connection.execute(_INSERT_QUEUE, [row for draft in drafts for row in draft.queue])
    await log.append(
        connection,
        [
            log.Entry(
                org_id=row["org_id"], email_id=row["id"], type="email.sent", created_at=row["created_at"]
            )
            for row in rows
        ],
    )
