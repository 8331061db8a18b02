"""Attachments that are links: fetched before the transaction, within what the plan allows (Z-21, Z-22)."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass

from server.clock import Clock
from server.db.database import Database
from server.db.tx import Tx
from server.domains.store import verified_domains
from server.emails import idempotency
from server.emails.batch import Batch
from server.emails.draft import Draft
from server.emails.faults import AttachmentsTooLarge, DomainNotAllowed, DomainNotVerified, MessageTooLarge
from server.emails.idempotency import Key
from server.emails.memory_budget import MemoryBudget
from server.faults import Fault, Unavailable, ValidationFailed, Violation
from server.message.media_types import media_type_in_response
from server.net.http import FileTooLarge, GuardedClient, NoResponse
from server.quotas.rules import AccountLimits, Limits, Periods
from server.quotas.store import account_limits

# The time for all links of one call, in seconds: a caller gives up after 30.
FETCH_S = 20.0
# The most bytes that the files of one batch have together: as many as a call may carry.
MAX_BATCH_BYTES = 64 * 2**20
# The emails of one batch whose links are fetched at once. Those of one email are fetched one by one, so that
# each is stopped at the bytes that the others have left of the plan's limit.
_AT_ONCE = 8
# The memory for fetched files, in all and for one organisation, and the time that a call waits for its part.
_BUDGET = 256 * 2**20
_BUDGET_OF_ONE = 128 * 2**20
_WAIT_S = 5.0
_RETRY_AFTER_S = 2.0


class Links:
    """Fetches the files that drafts name by URL."""

    def __init__(self, database: Database, clock: Clock, client: GuardedClient) -> None:
        self._database = database
        self._clock = clock
        self._client = client
        self._memory = MemoryBudget(_BUDGET, _BUDGET_OF_ONE, _WAIT_S)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    @asynccontextmanager
    async def fetched(self, batch: Batch) -> AsyncIterator[None]:
        """Fetches the files of a batch; its drafts hold them, or the faults of their links, while this lasts.

        Nothing is fetched for a draft whose answer is remembered, or that will be refused anyway: a repeated
        call gets its first answer also when the link is gone (F-1). Raises `Unavailable`.
        """
        linked = [item for item in batch.items if isinstance(item, Draft) and item.links]
        limits, fetchable = await self._fetchable(batch, linked)
        if not fetchable:
            yield
            return
        most = min(MAX_BATCH_BYTES, limits.attachment_bytes * len(fetchable))
        async with self._memory.taken(batch.org_id, most) as is_taken:
            if not is_taken:
                raise Unavailable(_RETRY_AFTER_S)
            try:
                await self._fetch_all(fetchable, limits)
                yield
            finally:
                for item in fetchable:
                    item.detach()

    async def _fetchable(self, batch: Batch, linked: Sequence[Draft]) -> tuple[Limits, list[Draft]]:
        """The organisation's limits, and the drafts without a fault so far; the others get a `refusal`."""
        now_ms = self._clock.now_ms()
        keys = {
            id(item): Key(item.org_id, "send", item.idempotency_key)
            for item in linked
            if item.idempotency_key is not None
        }
        whole = None if batch.idempotency_key is None else Key(batch.org_id, "batch", batch.idempotency_key)
        asked = [*keys.values(), *([whole] if whole is not None else [])]
        facts = await self._database.read(_facts, batch.org_id, asked, linked, now_ms)
        fetchable = []
        for item in linked:
            if whole in facts.known or keys.get(id(item)) in facts.known:
                # Seen only if the answer is forgotten before the email is judged.
                item.refusal = Unavailable(_RETRY_AFTER_S)
            elif item.refusal is None:
                item.refusal = _refusal(item, facts)
            if item.refusal is None:
                fetchable.append(item)
        return facts.account.limits, fetchable

    async def _fetch_all(self, drafts: Sequence[Draft], limits: Limits) -> None:
        deadline = asyncio.get_running_loop().time() + FETCH_S
        at_once = asyncio.Semaphore(_AT_ONCE)
        left = _Left(MAX_BATCH_BYTES)

        async def fetch(item: Draft) -> None:
            async with at_once:
                item.refusal = await self._fetch(item, limits, left, deadline)
                if item.refusal is not None:
                    item.detach()

        async with asyncio.TaskGroup() as group:
            for item in drafts:
                group.create_task(fetch(item))

    async def _fetch(self, item: Draft, limits: Limits, left: "_Left", deadline: float) -> Fault | None:
        for no, url in item.links.items():
            field = f"attachments[{no - 1}].path"
            allowed = limits.attachment_bytes - item.attachments_size
            try:
                async with asyncio.timeout_at(deadline):
                    file = await self._client.fetch(url, allowed, left.admit)
            except FileTooLarge:
                if left.bytes < 0:
                    return MessageTooLarge(MAX_BATCH_BYTES)
                return AttachmentsTooLarge(limits.attachment_bytes, limits.plan)
            except NoResponse as error:
                return ValidationFailed([Violation(field, f"cannot be fetched: {error}")])
            except TimeoutError:
                return ValidationFailed([Violation(field, f"cannot be fetched within {FETCH_S:g} s")])
            row = item.attachments[no - 1]
            item.attach(no, file.content)
            row["content_type"] = row["content_type"] or media_type_in_response(
                file.content_type, row["filename"]
            )
        return None


@dataclass(frozen=True, slots=True)
class _Facts:
    """The state of the store for the drafts of a batch."""

    known: Set[Key]
    account: AccountLimits
    verified: Mapping[tuple[str, str], str]


def _facts(tx: Tx, org_id: str, keys: Sequence[Key], drafts: Sequence[Draft], now_ms: int) -> _Facts:
    accounts = account_limits(tx, [org_id], Periods.of(now_ms), now_ms)
    return _Facts(
        idempotency.known(tx, keys, now_ms),
        accounts[org_id][0],
        verified_domains(tx, {(item.org_id, item.domain) for item in drafts}),
    )


class _Left:
    """The number of bytes that a batch may still fetch."""

    def __init__(self, most: int) -> None:
        self.bytes = most

    def admit(self, size: int) -> bool:
        """Takes `size` bytes; False if fewer are left."""
        self.bytes -= size
        return self.bytes >= 0


def _refusal(item: Draft, facts: _Facts) -> Fault | None:
    """The fault with which an email will be refused whatever its links hold."""
    limits = facts.account.limits
    if item.attachments_size > limits.attachment_bytes:
        return AttachmentsTooLarge(limits.attachment_bytes, limits.plan)
    if (fault := facts.account.may_send()) is not None:
        return fault
    if item.allowed_domains and item.domain not in item.allowed_domains:
        return DomainNotAllowed(item.domain)
    return None if (item.org_id, item.domain) in facts.verified else DomainNotVerified(item.domain)
