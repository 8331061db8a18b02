"""Readers of the event log that must miss no event while the server is killed."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import grpc
import grpc.aio
from sqlalchemy import text
from zidimail.v1 import event_service_pb2, event_service_pb2_grpc

from tests.harness.ledger import store
from tests.harness.rest import Rest
from tests.harness.stack import Stack
from tests.harness.webhook_sink import WebhookSink

RETRY_PAUSE_S = 0.05
EVENT_TYPES = ["email.sent", "email.delivered", "email.bounced"]


class Readers:
    """A stream, taken up again at its last cursor, and a webhook: each sees the whole log (F-3, F-8)."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._sink = WebhookSink()
        self._watching: asyncio.Task[None] | None = None
        self._streamed: list[str] = []

    async def start(self) -> None:
        """Begins to read from the beginning of the log."""
        await self._sink.start()
        async with Rest(self._stack.http, self._stack.api_key) as rest:
            made = await rest.post("/v1/webhooks", {"url": f"{self._sink.url}/200", "events": EVENT_TYPES})
            assert made.status == 201, made
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Stops reading."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._sink.stop()

    def behind(self) -> list[str]:
        """Events in the log that a reader has not seen, as `reader: event`."""
        log = self._log()
        called = {call.headers["webhook-id"] for call in self._sink.calls}
        streamed = set(self._streamed)
        missing = [f"webhook: {id}" for id, type in log if type in EVENT_TYPES and id not in called]
        return missing + [f"stream: {id}" for id, _ in log if id not in streamed]

    def mistakes(self) -> list[str]:
        """Differences between stream and log: events that came twice, out of order, or are in no log."""
        return differences(self._streamed, [id for id, _ in self._log()])

    def log(self) -> list[str]:
        """The ids of the events in the log, in order."""
        return [id for id, _ in self._log()]

    def streamed(self) -> list[str]:
        """The ids of the events that the stream got."""
        return list(self._streamed)

    def called(self) -> list[str]:
        """The ids of the events that the webhook was called about."""
        return [call.headers["webhook-id"] for call in self._sink.calls]

    def _log(self) -> Sequence[tuple[str, str]]:
        with store(self._stack.database_url) as connection:
            rows = connection.execute(
                text("SELECT id, type FROM events WHERE org_id = :org ORDER BY stamp, seq"),
                {"org": self._stack.org_id},
            )
            return [(row.id, row.type) for row in rows]

    async def _watch(self) -> None:
        options = [("grpc.max_reconnect_backoff_ms", 200), ("grpc.initial_reconnect_backoff_ms", 50)]
        metadata = (("authorization", f"Bearer {self._stack.api_key}"),)
        cursor = ""
        async with grpc.aio.insecure_channel(self._stack.grpc, options=options) as channel:
            stub = event_service_pb2_grpc.EventServiceStub(channel)
            while True:
                request = event_service_pb2.WatchEventsRequest(after=cursor, from_beginning=not cursor)
                try:
                    async for answer in stub.WatchEvents(request, metadata=metadata):
                        self._streamed.append(answer.event.id)
                        cursor = answer.event.cursor
                except grpc.aio.AioRpcError:
                    await asyncio.sleep(RETRY_PAUSE_S)


def differences(streamed: Sequence[str], log: Sequence[str]) -> list[str]:
    """Events by which a stream differs from the log up to the same length, in words.

    Retries append to the log while it is compared: events behind the last one that was streamed are no
    difference. `Readers.behind` finds those that the stream never gets.
    """
    twice = [f"twice: {id}" for id, count in Counter(streamed).items() if count > 1]
    if twice:
        return twice
    for position, id in enumerate(streamed):
        expected = log[position] if position < len(log) else "no event"
        if id != expected:
            return [f"the stream has {id} at {position}, where the log has {expected}"]
    return []
