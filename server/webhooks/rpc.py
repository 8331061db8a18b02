"""WebhookService: the webhooks of an organisation and the history of their calls."""

from operator import attrgetter

from zidimail.v1 import webhook_pb2, webhook_service_pb2_grpc
from zidimail.v1 import webhook_service_pb2 as pb

from server.clock import Clock
from server.db.database import Database
from server.db.writer import Writer
from server.events.to_proto import name_of_type, type_of_name
from server.faults import ValidationFailed, Violation
from server.ids import is_id, new_id
from server.sealing import Seal
from server.settings import Settings
from server.webhooks import history, owned, rules, store
from server.webhooks.faults import EventNotFound, WebhookNotFound
from server.webhooks.formats.table import FORMATS
from server.webhooks.receivers import Receivers
from server.webhooks.signing import new_secret
from server.webhooks.to_proto import (
    EVENT_STATUSES,
    WEBHOOK_FORMATS,
    WEBHOOK_STATUSES,
    attempt_message,
    event_message,
    format_value,
    webhook_message,
)
from server.wire.caller import current_caller
from server.wire.interceptors import Context
from server.wire.paging import page_fields, page_request
from server.wire.timestamps import milliseconds, timestamp
from server.work.notifier import Notifier

# Calls replayed in one transaction: a long replay is committed in parts, so that others can write between.
REPLAYED_AT_ONCE = 500
_CHANGEABLE = {"url", "events", "status"}
_STATUS_NAMES = {value: name for name, value in WEBHOOK_STATUSES.items()}


class WebhookServicer(webhook_service_pb2_grpc.WebhookServiceServicer):
    """Creates, lists, changes and removes webhooks; lists and replays their calls.

    `webhook_calls_due` is notified after calls were added to the queue.
    """

    def __init__(
        self,
        database: Database,
        writer: Writer,
        settings: Settings,
        clock: Clock,
        seal: Seal,
        webhook_calls_due: Notifier,
        receivers: Receivers,
    ) -> None:
        self._database = database
        self._writer = writer
        self._settings = settings
        self._clock = clock
        self._seal = seal
        self._webhook_calls_due = webhook_calls_due
        self._receivers = receivers

    async def CreateWebhook(
        self, request: pb.CreateWebhookRequest, context: Context
    ) -> pb.CreateWebhookResponse:
        """Registers a webhook and returns its secret; no other call does."""
        events = rules.check(
            request.url,
            [_event_name(value) for value in request.events],
            allow_private_networks=self._settings.allow_private_networks,
        )
        if request.format not in WEBHOOK_FORMATS:
            raise ValidationFailed([Violation("format", f"must be one of {', '.join(FORMATS)}")])
        id, secret, now = new_id(), new_secret(), self._clock.now_ms()
        sealed = self._seal.seal(secret.encode(), store.seal_context(id))
        format = WEBHOOK_FORMATS[request.format]
        new = store.NewWebhook(current_caller().org_id, id, request.url, events, sealed, now, format)
        await self._writer.run(owned.create, new)
        return pb.CreateWebhookResponse(
            id=id,
            url=request.url,
            events=[type_of_name(event) for event in events],
            secret=secret,
            status=webhook_pb2.WEBHOOK_STATUS_ENABLED,
            created_at=timestamp(now),
            format=format_value(format),
        )

    async def ListWebhooks(
        self, request: pb.ListWebhooksRequest, context: Context
    ) -> pb.ListWebhooksResponse:
        """A page of the webhooks, newest first, without secrets."""
        wanted = page_request(request)
        page = await self._database.read(store.page, current_caller().org_id, wanted)
        return pb.ListWebhooksResponse(
            data=[webhook_message(row) for row in page.rows],
            **page_fields(page, wanted),
        )

    async def GetWebhook(self, request: pb.GetWebhookRequest, context: Context) -> pb.GetWebhookResponse:
        """One webhook, without its secret."""
        org_id, id = _key(request.id)
        row = await self._database.read(store.get, org_id, id)
        return pb.GetWebhookResponse(webhook=webhook_message(row))

    async def UpdateWebhook(
        self, request: pb.UpdateWebhookRequest, context: Context
    ) -> pb.UpdateWebhookResponse:
        """Changes the URL, the event types or the status of a webhook."""
        org_id, id = _key(request.id)
        changed = _changed_fields(request)
        url = request.url if "url" in changed else None
        events = rules.check_change(
            url,
            [_event_name(value) for value in request.events] if "events" in changed else None,
            allow_private_networks=self._settings.allow_private_networks,
        )
        status = _STATUS_NAMES[request.status] if "status" in changed else None
        wanted = store.WebhookChange(url, events, status)
        now = self._clock.now_ms()
        row = await self._writer.run(owned.change, org_id, id, wanted, now)
        if changed - {"events"}:
            await self._receivers.changed()
        return pb.UpdateWebhookResponse(webhook=webhook_message(row))

    async def RotateWebhookSecret(
        self, request: pb.RotateWebhookSecretRequest, context: Context
    ) -> pb.RotateWebhookSecretResponse:
        """Makes a new secret and returns it; no other call does."""
        org_id, id = _key(request.id)
        secret, until = new_secret(), self._clock.now_ms() + rules.OVERLAP_MS
        sealed = self._seal.seal(secret.encode(), store.seal_context(id))
        await self._writer.run(store.rotate, org_id, id, sealed, until)
        await self._receivers.changed()
        return pb.RotateWebhookSecretResponse(id=id, secret=secret, overlap_until=timestamp(until))

    async def TestWebhook(self, request: pb.TestWebhookRequest, context: Context) -> pb.TestWebhookResponse:
        """Puts a test call into the queue."""
        webhook, event_id, now = _key(request.id), new_id(), self._clock.now_ms()
        await self._writer.run(history.add_test, webhook, event_id, now)
        self._webhook_calls_due.notify()
        return pb.TestWebhookResponse(id=webhook[1], event_id=event_id)

    async def ListWebhookEvents(
        self, request: pb.ListWebhookEventsRequest, context: Context
    ) -> pb.ListWebhookEventsResponse:
        """A page of the events of a webhook, newest first."""
        webhook = _key(request.webhook_id)
        wanted = page_request(request)
        statuses = [name for name, value in EVENT_STATUSES.items() if value in request.status]
        if len(statuses) != len(set(request.status)):
            raise ValidationFailed([Violation("status", "must be pending, attempting, success or failed")])
        test_only = current_caller().test
        page = await self._database.read(history.calls, webhook, statuses, wanted, test_only=test_only)
        return pb.ListWebhookEventsResponse(
            data=[event_message(row) for row in page.rows],
            **page_fields(page, wanted, attrgetter("event_id")),
        )

    async def GetWebhookEvent(
        self, request: pb.GetWebhookEventRequest, context: Context
    ) -> pb.GetWebhookEventResponse:
        """One event of a webhook, with the body of its calls."""
        webhook, event_id = _key(request.webhook_id), _event_id(request.event_id)
        row = await self._database.read(history.call, webhook, event_id, test_only=current_caller().test)
        return pb.GetWebhookEventResponse(event=event_message(row))

    async def ListWebhookAttempts(
        self, request: pb.ListWebhookAttemptsRequest, context: Context
    ) -> pb.ListWebhookAttemptsResponse:
        """A page of the attempts of a call, newest first."""
        webhook, wanted = _key(request.webhook_id), page_request(request)
        event_id, test_only = _event_id(request.event_id), current_caller().test
        page = await self._database.read(history.attempts, webhook, event_id, wanted, test_only=test_only)
        return pb.ListWebhookAttemptsResponse(
            data=[attempt_message(row) for row in page.rows],
            **page_fields(page, wanted),
        )

    async def ReplayWebhookEvent(
        self, request: pb.ReplayWebhookEventRequest, context: Context
    ) -> pb.ReplayWebhookEventResponse:
        """Puts a call back into the queue."""
        webhook, event_id, now = _key(request.webhook_id), _event_id(request.event_id), self._clock.now_ms()
        await self._writer.run(history.replay, webhook, event_id, now)
        self._webhook_calls_due.notify()
        return pb.ReplayWebhookEventResponse(webhook_id=webhook[1], event_id=event_id)

    async def ReplayWebhookEvents(
        self, request: pb.ReplayWebhookEventsRequest, context: Context
    ) -> pb.ReplayWebhookEventsResponse:
        """Puts the calls back into the queue that failed since a time."""
        webhook, now = _key(request.webhook_id), self._clock.now_ms()
        since = milliseconds(request.since) if request.HasField("since") else None
        if since is None or since < now - rules.KEPT_MS:
            raise ValidationFailed([Violation("since", "must be a time of the last 30 days")])
        count, last = 0, ""
        while True:
            ids = await self._database.read(history.failed, webhook, since, last, REPLAYED_AT_ONCE)
            count += await self._writer.run(history.replay_failed, webhook, ids, now)
            self._webhook_calls_due.notify()
            if len(ids) < REPLAYED_AT_ONCE:
                return pb.ReplayWebhookEventsResponse(id=webhook[1], count=count)
            last = ids[-1]

    async def DeleteWebhook(
        self, request: pb.DeleteWebhookRequest, context: Context
    ) -> pb.DeleteWebhookResponse:
        """Removes a webhook and the calls that wait for it."""
        outcome = (await self._writer.submit(store.remove, [_key(request.id)]))[0]
        if outcome is not None:
            raise outcome
        await self._receivers.changed()
        return pb.DeleteWebhookResponse(id=request.id, deleted=True)


def _key(id: str) -> store.WebhookKey:
    """The key of the caller's webhook with this id. Raises `WebhookNotFound` for what is no id."""
    if not is_id(id):
        raise WebhookNotFound(id)
    return current_caller().org_id, id


def _changed_fields(request: pb.UpdateWebhookRequest) -> set[str]:
    """The names of the fields that a request changes. Raises `ValidationFailed`."""
    set_fields = {field.name for field, _ in request.ListFields()} & _CHANGEABLE
    if not request.HasField("update_mask"):
        return set_fields
    masked = set(request.update_mask.paths)
    violations = [
        Violation("update_mask", f"names {name!r}; it may name url, events and status")
        for name in sorted(masked - _CHANGEABLE)
    ]
    violations += [
        Violation(name, "must be given") for name in sorted((masked & _CHANGEABLE) - set_fields - {"events"})
    ]
    if violations:
        raise ValidationFailed(violations)
    return masked


def _event_id(event_id: str) -> str:
    """The id of an event. Raises `EventNotFound` for what is no id."""
    if not is_id(event_id):
        raise EventNotFound(event_id)
    return event_id


def _event_name(value: int) -> str | None:
    try:
        return name_of_type(value)
    except ValueError:
        return None
