"""Attachments that are links: fetched before the transaction, within what the plan allows (Z-21, Z-22)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from server.clock import Clock
from server.db.engine import Database
from server.domains.store import verified_domains
from server.emails import idempotency
from server.emails.batch import Batch
from server.emails.draft import Draft
from server.emails.idempotency import Key
from server.emails.room import Room
from server.faults import (
    AttachmentsTooLarge,
    DomainNotAllowed,
    DomainNotVerified,
    Fault,
    MessageTooLarge,
    Unavailable,
    ValidationFailed,
    Violation,
)
from server.message.media_types import media_type_in_response
from server.net.http import FileTooLarge, GuardedClient, NoResponse
from server.quotas.rules import Limits, Periods, Standing
from server.quotas.store import standings

# How long the links of one call may take together, in seconds: a caller that waits for the answer gives up
# after 30.
FETCH_S = 20.0
# What the files of one batch may have together, in bytes: as much as a call may carry.
MAX_BATCH_BYTES = 64 * 2**20
# How many emails of one batch have their links fetched at once; those of one email come one by one, so that
# each is stopped at what the others have left of the plan's allowance.
_AT_ONCE = 8
# What fetched files may take in memory at once, in all and for one organisation, and how long a call waits
# for its part of it.
_ROOM = 256 * 2**20
_ROOM_OF_ONE = 128 * 2**20
_WAIT_S = 5.0
_RETRY_AFTER_S = 2.0


class Links:
    """Fetches the files that drafts name by URL."""

    def __init__(self, database: Database, clock: Clock, client: GuardedClient) -> None:
        self._database = database
        self._clock = clock
        self._client = client
        self._room = Room(_ROOM, _ROOM_OF_ONE, _WAIT_S)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    @asynccontextmanager
    async def fetched(self, batch: Batch) -> AsyncIterator[None]:
        """While this lasts, the drafts of a batch hold their files, or what is wrong with their links.

        A draft whose answer is remembered, or that will be refused anyway, is not fetched for: a repeated
        call gets its first answer also when the link is gone (F-1). Raises `Unavailable`.
        """
        linked = [item for item in batch.items if isinstance(item, Draft) and item.links]
        standing, wanted = await self._worth_fetching(batch, linked)
        if not wanted:
            yield
            return
        limits = standing.limits
        most = min(MAX_BATCH_BYTES, limits.attachment_bytes * len(wanted))
        async with self._room.taken(batch.org_id, most) as there:
            if not there:
                raise Unavailable(_RETRY_AFTER_S)
            try:
                await self._fetch_all(wanted, limits)
                yield
            finally:
                for item in wanted:
                    item.detach()

    async def _worth_fetching(self, batch: Batch, linked: Sequence[Draft]) -> tuple[Standing, list[Draft]]:
        """The organisation's standing, and the drafts that nothing refuses so far; the others are marked."""
        now_ms = self._clock.now_ms()
        keys = {
            id(item): Key(item.org_id, "send", item.idempotency_key)
            for item in linked
            if item.idempotency_key is not None
        }
        whole = None if batch.idempotency_key is None else Key(batch.org_id, "batch", batch.idempotency_key)
        async with self._database.read() as connection:
            asked = [*keys.values(), *([whole] if whole is not None else [])]
            known = await idempotency.known(connection, asked, now_ms)
            found = await standings(connection, [batch.org_id], Periods.of(now_ms), now_ms)
            verified = await verified_domains(connection, {(item.org_id, item.domain) for item in linked})
        standing, _ = found[batch.org_id]
        wanted = []
        for item in linked:
            if whole in known or keys.get(id(item)) in known:
                # Only if the answer is forgotten between here and there.
                item.refusal = Unavailable(_RETRY_AFTER_S)
            elif item.refusal is None:
                item.refusal = _refusal(item, standing, verified)
            if item.refusal is None:
                wanted.append(item)
        return standing, wanted

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


class _Left:
    """How many bytes a batch may still fetch."""

    def __init__(self, most: int) -> None:
        self.bytes = most

    def admit(self, size: int) -> bool:
        """Takes so many; False if there are not as many left."""
        self.bytes -= size
        return self.bytes >= 0


def _refusal(item: Draft, standing: Standing, verified: dict[tuple[str, str], str]) -> Fault | None:
    """Why an email will be refused whatever its links hold."""
    limits = standing.limits
    if item.attachments_size > limits.attachment_bytes:
        return AttachmentsTooLarge(limits.attachment_bytes, limits.plan)
    if (fault := standing.may_send()) is not None:
        return fault
    if item.allowed_domains and item.domain not in item.allowed_domains:
        return DomainNotAllowed(item.domain)
    return None if (item.org_id, item.domain) in verified else DomainNotVerified(item.domain)
