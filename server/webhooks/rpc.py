"""WebhookService."""

import json
from typing import Any

import grpc
from zidimail.v1 import webhook_pb2, webhook_service_pb2_grpc
from zidimail.v1 import webhook_service_pb2 as pb

from server.clock import Clock
from server.db.engine import Database
from server.db.writer import Writer
from server.events.rpc import name_of_type, type_of_name
from server.faults import WebhookNotFound
from server.ids import is_id, new_id
from server.sealing import Seal
from server.settings import Settings
from server.webhooks import rules, store
from server.webhooks.signing import new_secret
from server.wire.caller import current_caller
from server.wire.paging import page_of
from server.wire.timestamps import timestamp

Context = grpc.aio.ServicerContext[Any, Any]

_STATUSES = {
    store.ENABLED: webhook_pb2.WEBHOOK_STATUS_ENABLED,
    store.DISABLED: webhook_pb2.WEBHOOK_STATUS_DISABLED,
}


class WebhookServicer(webhook_service_pb2_grpc.WebhookServiceServicer):
    """Registers, lists and removes webhooks."""

    def __init__(
        self, database: Database, writer: Writer, settings: Settings, clock: Clock, seal: Seal
    ) -> None:
        self._database = database
        self._writer = writer
        self._settings = settings
        self._clock = clock
        self._seal = seal

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
        page = page_of(
            request.limit if request.HasField("limit") else None,
            request.page if request.HasField("page") else None,
        )
        async with self._database.read() as connection:
            rows, total = await store.page_of_webhooks(connection, current_caller().org_id, page)
        return pb.ListWebhooksResponse(
            data=[_webhook(row) for row in rows],
            has_more=page.offset + len(rows) < total,
            total=total,
            page=page.number,
            limit=page.limit,
        )

    async def DeleteWebhook(
        self, request: pb.DeleteWebhookRequest, context: Context
    ) -> pb.DeleteWebhookResponse:
        """Removes a webhook and the calls that wait for it."""
        if not is_id(request.id):
            raise WebhookNotFound(request.id)
        outcome = (await self._writer.submit(store.remove, [(current_caller().org_id, request.id)]))[0]
        if outcome is not None:
            raise outcome
        return pb.DeleteWebhookResponse(id=request.id, deleted=True)


def _event_name(value: int) -> str | None:
    try:
        return name_of_type(value)
    except ValueError:
        return None


def _webhook(row: store.WebhookRow) -> webhook_pb2.Webhook:
    return webhook_pb2.Webhook(
        id=row.id,
        url=row.url,
        events=[type_of_name(event) for event in json.loads(row.events)],
        status=_STATUSES[row.status],
        created_at=timestamp(row.created_at),
    )
