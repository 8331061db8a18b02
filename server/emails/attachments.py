"""Attachments that are links: fetched before the transaction, within what the plan allows (Z-21, Z-22)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from server.emails.batch import Batch
from server.emails.draft import Draft
from server.emails.faults import AttachmentsTooLarge, MessageTooLarge
from server.emails.memory import RETRY_AFTER_S, taken
from server.emails.prospects import Prospects
from server.faults import Fault, Unavailable, ValidationFailed, Violation
from server.message.media_types import media_type_in_response
from server.net.http import FileTooLarge, GuardedClient, NoResponse
from server.quotas.rules import Limits
from server.turns import Turns

# The time for all links of one call, the wait for memory included, in seconds: a caller gives up after 30.
FETCH_S = 20.0
# The most bytes that the files of one batch have together: as many as a call may carry.
MAX_BATCH_BYTES = 64 * 2**20
# The emails of one batch whose links are fetched at once. Those of one email are fetched one by one, so that
# each is stopped at the bytes that the others have left of the plan's limit.
_AT_ONCE = 8
# The memory for fetched files, of which organisations have shares: each at most as much as stays free.
_BUDGET = 256 * 2**20
_GREED = 1


class Links:
    """Fetches the files that drafts name by URL."""

    def __init__(self, prospects: Prospects, client: GuardedClient) -> None:
        self._prospects = prospects
        self._client = client
        self._memory = Turns(_BUDGET, greed=_GREED)

    async def start(self) -> None:
        """Opens nothing: connections are made as links need them."""

    async def stop(self) -> None:
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
        deadline = asyncio.get_running_loop().time() + FETCH_S
        async with taken(self._memory, batch.org_id, most):
            try:
                await self._fetch_all(fetchable, limits, deadline)
                yield
            finally:
                for item in fetchable:
                    item.detach()

    async def _fetchable(self, batch: Batch, linked: Sequence[Draft]) -> tuple[Limits, list[Draft]]:
        """The organisation's limits, and the drafts without a fault so far; the others get a `refusal`."""
        outlook = await self._prospects.outlook(batch, linked)
        for item, fault in outlook.others:
            # That of a remembered one is seen only if its answer is forgotten before the email is decided
            # about.
            item.refusal = Unavailable(RETRY_AFTER_S) if fault is None else fault
        return outlook.limits, outlook.promising

    async def _fetch_all(self, drafts: Sequence[Draft], limits: Limits, deadline: float) -> None:
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


class _Left:
    """The number of bytes that a batch may still fetch."""

    def __init__(self, most: int) -> None:
        self.bytes = most

    def admit(self, size: int) -> bool:
        """Takes `size` bytes; False if fewer are left."""
        self.bytes -= size
        return self.bytes >= 0
