"""The decision to accept an email: every rule that needs the store, in the order of C-41.

    idempotent replay, account state, the key's domains, the sender's domain, sandbox, suppressions, quotas

The facts are read once for all callers of the transaction; the judge then goes through the items in memory,
and each item that it accepts changes the facts for the next one: keys are taken, quotas are used.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from zidimail.v1 import email_service_pb2 as pb

from server.db.tx import Tx
from server.domains.store import verified_domains
from server.emails import idempotency
from server.emails.batch import Answer, Batch, Result, batch_response
from server.emails.draft import Draft
from server.emails.faults import (
    AllRecipientsSuppressed,
    AttachmentsTooLarge,
    DomainNotAllowed,
    DomainNotVerified,
    IdempotencyKeyReused,
)
from server.emails.idempotency import Key, Remembered
from server.faults import Fault
from server.quotas.rules import AccountLimits, Periods, Used, charge, nearest_limit
from server.quotas.store import account_limits, recall_recipients
from server.suppressions.store import suppressed
from server.wire.timestamps import timestamp


@dataclass(slots=True)
class Accepted:
    """The drafts and answers that a transaction will write."""

    drafts: list[Draft] = field(default_factory=list)
    remembered: dict[Key, Remembered] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """The state of the store for a transaction's callers, senders and recipients."""

    remembered: Mapping[Key, Remembered]
    domain_ids: Mapping[tuple[str, str], str]
    accounts: Mapping[str, tuple[AccountLimits, Used]]
    suppressed: Set[tuple[str, str]]


def facts_about(
    tx: Tx,
    batches: Sequence[Batch],
    periods: Periods,
    now_ms: int,
    slow_start: Sequence[int],
) -> Facts:
    """Reads the facts for the judge, each table once, and locks the organisations' usage."""
    items = [item for batch in batches for item in batch.items if isinstance(item, Draft)]
    recipients = {(item.org_id, key) for item in items for key in item.addresses}
    accounts = account_limits(
        tx, {batch.org_id for batch in batches}, periods, now_ms, slow_start=slow_start, lock=True
    )
    capped = {
        org_id: {key for owner, key in recipients if owner == org_id}
        for org_id, (account, _) in accounts.items()
        if account.limits.unique is not None
    }
    for org_id, seen in recall_recipients(tx, capped, periods.month).items():
        accounts[org_id][1].seen = seen
    return Facts(
        # After the lock, so that of two servers the second sees what the first one has stored.
        remembered=idempotency.recall(tx, _keys_of(batches), now_ms),
        domain_ids=verified_domains(tx, {(item.org_id, item.domain) for item in items}),
        accounts=accounts,
        suppressed=suppressed(tx, recipients, now_ms),
    )


class Judge:
    """Judges batches one after the other, and collects the accepted emails in `accepted`."""

    def __init__(self, facts: Facts, periods: Periods, now_ms: int) -> None:
        self._facts = facts
        self._periods = periods
        self._now_ms = now_ms
        self._remembered = dict(facts.remembered)
        self.accepted = Accepted()
        self._used = {org_id: used for org_id, (_, used) in facts.accounts.items()}
        self._charged: set[str] = set()

    def charged(self) -> dict[str, Used]:
        """The new usage of the organisations whose emails were accepted."""
        return {org_id: self._used[org_id] for org_id in sorted(self._charged)}

    def judge(self, batch: Batch) -> Answer | Fault:
        """A batch's answer. A strict batch with any fault leaves no trace."""
        key = None if batch.idempotency_key is None else Key(batch.org_id, "batch", batch.idempotency_key)
        if key is not None and key in self._remembered:
            return self._replayed(batch, key, self._remembered[key])
        before = self._used[batch.org_id].copy() if batch.strict and len(batch.items) > 1 else None
        additions = Accepted()
        results: list[Result] = [
            item if isinstance(item, Fault) else self._judge_item(item, additions, strict=batch.strict)
            for item in batch.items
        ]
        if batch.strict and any(isinstance(result, Fault) for result in results):
            if before is not None:
                self._used[batch.org_id] = before
            return results
        if key is not None:
            answer = batch_response(results)
            for result in answer.results:
                if result.HasField("sent"):
                    result.sent.ClearField("rate_limit")
            additions.remembered[key] = Remembered(batch.request_hash, answer.SerializeToString())
        self._keep(additions)
        return results

    def _keep(self, additions: Accepted) -> None:
        self._remembered |= additions.remembered
        self.accepted.drafts += additions.drafts
        self.accepted.remembered |= additions.remembered
        self._charged.update(
            draft.org_id for draft in additions.drafts if not draft.test and draft.scheduled_at is None
        )

    def _judge_item(self, item: Draft, additions: Accepted, *, strict: bool) -> Result:
        key = None if item.idempotency_key is None else Key(item.org_id, "send", item.idempotency_key)
        if key is not None:
            earlier = additions.remembered.get(key) or self._remembered.get(key)
            if earlier is not None:
                return self._repeated(item, key, earlier)
        # All or nothing: a batch of more than fit into one second would never be sent.
        response = self._accept(item, begun=strict and bool(additions.drafts))
        if isinstance(response, Fault):
            return response
        additions.drafts.append(item)
        if key is not None:
            additions.remembered[key] = Remembered(item.request_hash, response.SerializeToString())
        self._add_rate_limit(response, item)
        return response

    def _repeated(self, item: Draft, key: Key, earlier: Remembered) -> Result:
        if earlier.request_hash != item.request_hash:
            return IdempotencyKeyReused(key.key)
        response = pb.SendEmailResponse.FromString(earlier.response)
        response.replayed = True
        self._add_rate_limit(response, item)
        return response

    def _replayed(self, batch: Batch, key: Key, earlier: Remembered) -> Answer | Fault:
        if earlier.request_hash != batch.request_hash:
            return IdempotencyKeyReused(key.key)
        response = pb.BatchSendEmailsResponse.FromString(earlier.response)
        response.replayed = True
        for result, item in zip(response.results, batch.items, strict=True):
            if result.HasField("sent") and isinstance(item, Draft):
                self._add_rate_limit(result.sent, item)
        return response

    def _add_rate_limit(self, response: pb.SendEmailResponse, item: Draft) -> None:
        """Adds the state of the quotas (F-9). It is not remembered: a later call finds them changed."""
        account, _ = self._facts.accounts[item.org_id]
        nearest = nearest_limit(self._used[item.org_id], account.limits, self._periods)
        if item.test or nearest is None:
            return
        limit, remaining, resets_at_ms = nearest
        response.rate_limit.CopyFrom(
            pb.RateLimit(limit=limit, remaining=remaining, resets_at=timestamp(resets_at_ms))
        )

    def _accept(self, item: Draft, *, begun: bool) -> Result:
        account, _ = self._facts.accounts[item.org_id]
        if item.refusal is not None:
            return item.refusal
        limits = account.limits
        if item.attachments_size > limits.attachment_bytes:
            return AttachmentsTooLarge(limits.attachment_bytes, limits.plan)
        if (fault := account.may_send()) is not None:
            return fault
        if item.allowed_domains and item.domain not in item.allowed_domains:
            return DomainNotAllowed(item.domain)
        domain_id = self._facts.domain_ids.get((item.org_id, item.domain))
        if domain_id is None:
            return DomainNotVerified(item.domain)
        if (fault := account.may_write_to(set(item.addresses))) is not None:
            return fault
        skipped = {key for key in item.addresses if (item.org_id, key) in self._facts.suppressed}
        wanted = set(item.addresses) - skipped
        if not wanted:
            return AllRecipientsSuppressed(len(skipped))
        if not item.test:
            used = self._used[item.org_id]
            if item.scheduled_at is not None:
                # It needs room today, and is counted on the day on which it is sent (C-25).
                used = used.copy()
            fault = charge(used, limits, wanted, self._periods, self._now_ms, begun=begun)
            if fault is not None:
                return fault
        item.email["domain_id"] = domain_id
        item.suppress(skipped)
        response = pb.SendEmailResponse(id=item.email["id"], warning=_warning(skipped))
        if item.scheduled_at is not None:
            response.scheduled_at.CopyFrom(timestamp(item.scheduled_at))
        return response


def _warning(skipped: Set[str]) -> str | None:
    """The warning about recipients that are skipped (Z-24); None if there are none."""
    if not skipped:
        return None
    noun = "recipient is" if len(skipped) == 1 else "recipients are"
    return f"{len(skipped)} {noun} suppressed and will be skipped: {', '.join(sorted(skipped))}"


def _keys_of(batches: Sequence[Batch]) -> list[Key]:
    keys = [Key(b.org_id, "batch", b.idempotency_key) for b in batches if b.idempotency_key is not None]
    keys += [
        Key(item.org_id, "send", item.idempotency_key)
        for batch in batches
        for item in batch.items
        if isinstance(item, Draft) and item.idempotency_key is not None
    ]
    return keys
