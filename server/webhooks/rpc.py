"""WebhookService."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import grpc
from sqlalchemy.ext.asyncio import AsyncConnection
from zidimail.v1 import webhook_pb2, webhook_service_pb2_grpc
from zidimail.v1 import webhook_service_pb2 as pb

from server.clock import Clock
from server.db.engine import Database
from server.db.writer import Writer
from server.events.rpc import name_of_type, type_of_name
from server.faults import EventNotFound, ValidationFailed, Violation, WebhookNotFound
from server.ids import is_id, new_id
from server.sealing import Seal
from server.settings import Settings
from server.webhooks import history, rules, store
from server.webhooks.intake import NewCall
from server.webhooks.messages import (
    EVENT_STATUSES,
    WEBHOOK_STATUSES,
    attempt_message,
    event_message,
    webhook_message,
)
from server.webhooks.payload import TEST_TYPE, render_test
from server.webhooks.signing import new_secret
from server.wire.caller import current_caller
from server.wire.paging import asked_page
from server.wire.timestamps import milliseconds, timestamp

Context = grpc.aio.ServicerContext[Any, Any]

# A replay of many is committed in parts, so that others may write between them.
REPLAYED_AT_ONCE = 500


class WebhookServicer(webhook_service_pb2_grpc.WebhookServiceServicer):
    """Registers webhooks, shows them with their calls, changes and removes them.

    `on_calls` is called after calls were added to the queue.
    """

    def __init__(
        self,
        database: Database,
        writer: Writer,
        settings: Settings,
        clock: Clock,
        seal: Seal,
        on_calls: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._writer = writer
        self._settings = settings
        self._clock = clock
        self._seal = seal
        self._on_calls = on_calls

    async def CreateWebhook(
        self, request: pb.CreateWebhookRequest, context: Context
    ) -> pb.CreateWebhookResponse:
        """Registers a webhook and shows its secret, this once."""
        events = rules.check(
            request.url,
            [_event_name(value) for value in request.events],
            allow_private_networks=self._settings.allow_private_networks,
        )
        id, secret, now = new_id(), new_secret(), self._clock.now_ms()
        sealed = self._seal.seal(secret.encode(), store.seal_context(id))
        new = store.NewWebhook(current_caller().org_id, id, request.url, events, sealed, now)
        await self._writer.submit(store.add, [new])
        return pb.CreateWebhookResponse(
            id=id,
            url=request.url,
            events=[type_of_name(event) for event in events],
            secret=secret,
            status=webhook_pb2.WEBHOOK_STATUS_ENABLED,
            created_at=timestamp(now),
        )

    async def ListWebhooks(
        self, request: pb.ListWebhooksRequest, context: Context
    ) -> pb.ListWebhooksResponse:
        """A page of the webhooks, newest first, without secrets."""
        page, wanted = asked_page(request)
        async with self._database.read() as connection:
            part = await store.listed(connection, current_caller().org_id, wanted)
        return pb.ListWebhooksResponse(
            data=[webhook_message(row) for row in part.rows],
            has_more=part.has_more,
            total=part.total,
            page=page.number,
            limit=page.limit,
        )

    async def GetWebhook(self, request: pb.GetWebhookRequest, context: Context) -> pb.GetWebhookResponse:
        """One webhook, without its secret."""
        org_id, id = _key(request.id)
        async with self._database.read() as connection:
            row = await store.get(connection, org_id, id)
        return pb.GetWebhookResponse(webhook=webhook_message(row))

    async def UpdateWebhook(
        self, request: pb.UpdateWebhookRequest, context: Context
    ) -> pb.UpdateWebhookResponse:
        """Changes where the calls go, what they tell, or whether they are made."""
        org_id, id = _key(request.id)
        events = rules.check_change(
            request.url if request.HasField("url") else None,
            [_event_name(value) for value in request.events],
            allow_private_networks=self._settings.allow_private_networks,
        )
        if request.status not in (webhook_pb2.WEBHOOK_STATUS_UNSPECIFIED, *WEBHOOK_STATUSES.values()):
            raise ValidationFailed([Violation("status", "must be enabled or disabled")])
        status = next((name for name, value in WEBHOOK_STATUSES.items() if value == request.status), None)
        wanted = store.Change(request.url if request.HasField("url") else None, events, status)
        now = self._clock.now_ms()
        row = await self._writer.run(lambda connection: store.change(connection, org_id, id, wanted, now))
        return pb.UpdateWebhookResponse(webhook=webhook_message(row))

    async def RotateWebhookSecret(
        self, request: pb.RotateWebhookSecretRequest, context: Context
    ) -> pb.RotateWebhookSecretResponse:
        """Makes a new secret and shows it, this once."""
        org_id, id = _key(request.id)
        secret, until = new_secret(), self._clock.now_ms() + rules.OVERLAP_MS
        sealed = self._seal.seal(secret.encode(), store.seal_context(id))
        await self._writer.run(lambda connection: store.rotate(connection, org_id, id, sealed, until))
        return pb.RotateWebhookSecretResponse(id=id, secret=secret, overlap_until=timestamp(until))

    async def TestWebhook(self, request: pb.TestWebhookRequest, context: Context) -> pb.TestWebhookResponse:
        """Puts a call of a test into the queue."""
        org_id, id = _key(request.id)
        now = self._clock.now_ms()
        test = NewCall(org_id, id, new_id(), TEST_TYPE, render_test(id, now), now)
        await self._writer.run(lambda connection: history.add_test(connection, test))
        self._on_calls()
        return pb.TestWebhookResponse(id=id, event_id=test.event_id)

    async def ListWebhookEvents(
        self, request: pb.ListWebhookEventsRequest, context: Context
    ) -> pb.ListWebhookEventsResponse:
        """A page of the events of a webhook, newest first."""
        webhook = _key(request.id)
        page, wanted = asked_page(request)
        statuses = [name for name, value in EVENT_STATUSES.items() if value in request.status]
        if len(statuses) != len(set(request.status)):
            raise ValidationFailed([Violation("status", "must be pending, attempting, success or failed")])
        async with self._database.read() as connection:
            part = await history.calls(connection, webhook, statuses, wanted)
        return pb.ListWebhookEventsResponse(
            data=[event_message(row) for row in part.rows],
            has_more=part.has_more,
            total=part.total,
            page=page.number,
            limit=page.limit,
        )

    async def GetWebhookEvent(
        self, request: pb.GetWebhookEventRequest, context: Context
    ) -> pb.GetWebhookEventResponse:
        """One event of a webhook, with the body of its calls."""
        webhook, event_id = _key(request.id), request.event_id
        async with self._database.read() as connection:
            row = await history.call(connection, webhook, _known_form(event_id))
        return pb.GetWebhookEventResponse(event=event_message(row, row.body))

    async def ListWebhookAttempts(
        self, request: pb.ListWebhookAttemptsRequest, context: Context
    ) -> pb.ListWebhookAttemptsResponse:
        """A page of the attempts to tell a webhook of an event, newest first."""
        webhook, event_id = _key(request.id), request.event_id
        page, wanted = asked_page(request)
        async with self._database.read() as connection:
            part = await history.attempts(connection, webhook, _known_form(event_id), wanted)
        return pb.ListWebhookAttemptsResponse(
            data=[attempt_message(row) for row in part.rows],
            has_more=part.has_more,
            total=part.total,
            page=page.number,
            limit=page.limit,
        )

    async def ReplayWebhookEvent(
        self, request: pb.ReplayWebhookEventRequest, context: Context
    ) -> pb.ReplayWebhookEventResponse:
        """Tells a webhook of an event again."""
        webhook, event_id, now = _key(request.id), request.event_id, self._clock.now_ms()
        await self._writer.run(
            lambda connection: history.replay(connection, webhook, _known_form(event_id), now)
        )
        self._on_calls()
        return pb.ReplayWebhookEventResponse(id=webhook[1], event_id=event_id)

    async def ReplayWebhookEvents(
        self, request: pb.ReplayWebhookEventsRequest, context: Context
    ) -> pb.ReplayWebhookEventsResponse:
        """Tells a webhook again of what it was not told of since a time."""
        webhook, now = _key(request.id), self._clock.now_ms()
        since = milliseconds(request.since) if request.HasField("since") else None
        if since is None or since < now - rules.KEPT_MS:
            raise ValidationFailed([Violation("since", "must be a time of the last 30 days")])
        count, behind = 0, ""
        while True:
            async with self._database.read() as connection:
                ids = await history.failed(connection, webhook, since, behind, REPLAYED_AT_ONCE)
            count += await self._writer.run(_replayed(webhook, ids, now))
            self._on_calls()
            if len(ids) < REPLAYED_AT_ONCE:
                return pb.ReplayWebhookEventsResponse(id=webhook[1], count=count)
            behind = ids[-1]

    async def DeleteWebhook(
        self, request: pb.DeleteWebhookRequest, context: Context
    ) -> pb.DeleteWebhookResponse:
        """Removes a webhook and the calls that wait for it."""
        outcome = (await self._writer.submit(store.remove, [_key(request.id)]))[0]
        if outcome is not None:
            raise outcome
        return pb.DeleteWebhookResponse(id=request.id, deleted=True)


def _key(id: str) -> store.Key:
    """The webhook of the caller's with this id. Raises `WebhookNotFound` for what cannot be one."""
    if not is_id(id):
        raise WebhookNotFound(id)
    return current_caller().org_id, id


def _known_form(event_id: str) -> str:
    """The id of an event. Raises `EventNotFound` for what has not the form of one."""
    if not is_id(event_id):
        raise EventNotFound(event_id)
    return event_id


def _replayed(
    webhook: store.Key, ids: Sequence[str], now: int
) -> Callable[[AsyncConnection], Coroutine[Any, Any, int]]:
    return lambda connection: history.replay_failed(connection, webhook, ids, now)


def _event_name(value: int) -> str | None:
    try:
        return name_of_type(value)
    except ValueError:
        return None
