"""Webhooks over gRPC: the secret shown once, the organisation's own only (Z-38 to Z-40, C-48)."""

import hmac
import sqlite3
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import standardwebhooks
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2
from zidimail.v1 import (
    email_service_pb2,
    email_service_pb2_grpc,
    event_pb2,
    webhook_pb2,
    webhook_service_pb2_grpc,
)
from zidimail.v1 import webhook_service_pb2 as pb

from tests.harness.stack import Organisation, Stack
from tests.harness.waiting import until
from tests.harness.webhook_sink import WebhookSink

SENT, BOUNCED = event_pb2.EVENT_TYPE_EMAIL_SENT, event_pb2.EVENT_TYPE_EMAIL_BOUNCED
URL = "https://hooks.example.com/zidimail"


class Client:
    """The service as one organisation sees it."""

    def __init__(self, channel: grpc.aio.Channel, organisation: Organisation) -> None:
        self._metadata = (("authorization", f"Bearer {organisation.api_key}"),)
        self._webhooks = webhook_service_pb2_grpc.WebhookServiceStub(channel)
        self._emails = email_service_pb2_grpc.EmailServiceStub(channel)
        self._domain = organisation.domain

    async def create(self, url: str = URL, events: tuple[int, ...] = (SENT,)) -> pb.CreateWebhookResponse:
        request = pb.CreateWebhookRequest(url=url, events=events)  # type: ignore[arg-type]
        return await self._webhooks.CreateWebhook(request, metadata=self._metadata)

    async def list(self, **fields: Any) -> pb.ListWebhooksResponse:
        return await self._webhooks.ListWebhooks(pb.ListWebhooksRequest(**fields), metadata=self._metadata)

    async def delete(self, id: str) -> pb.DeleteWebhookResponse:
        return await self._webhooks.DeleteWebhook(pb.DeleteWebhookRequest(id=id), metadata=self._metadata)

    async def delete_all(self) -> None:
        for webhook in (await self.list(limit=100)).data:
            await self.delete(webhook.id)

    async def send(self) -> str:
        request = email_service_pb2.SendEmailRequest(
            **{"from": f"a@{self._domain}"}, to=["ok@example.net"], subject="Hello", text="Hi."
        )
        return (await self._emails.SendEmail(request, metadata=self._metadata)).id


class Hooks(Client):
    """The same with everything that can be done to one webhook."""

    async def get(self, id: str) -> webhook_pb2.Webhook:
        return (await self._webhooks.GetWebhook(pb.GetWebhookRequest(id=id), metadata=self._metadata)).webhook

    async def update(self, id: str, **fields: Any) -> webhook_pb2.Webhook:
        request = pb.UpdateWebhookRequest(id=id, **fields)
        return (await self._webhooks.UpdateWebhook(request, metadata=self._metadata)).webhook

    async def rotate(self, id: str) -> pb.RotateWebhookSecretResponse:
        request = pb.RotateWebhookSecretRequest(id=id)
        return await self._webhooks.RotateWebhookSecret(request, metadata=self._metadata)

    async def test(self, id: str) -> pb.TestWebhookResponse:
        return await self._webhooks.TestWebhook(pb.TestWebhookRequest(id=id), metadata=self._metadata)

    async def events(self, id: str, **fields: Any) -> pb.ListWebhookEventsResponse:
        request = pb.ListWebhookEventsRequest(webhook_id=id, **fields)
        return await self._webhooks.ListWebhookEvents(request, metadata=self._metadata)

    async def event(self, id: str, event_id: str) -> webhook_pb2.WebhookEvent:
        request = pb.GetWebhookEventRequest(webhook_id=id, event_id=event_id)
        return (await self._webhooks.GetWebhookEvent(request, metadata=self._metadata)).event

    async def attempts(self, id: str, event_id: str, **fields: Any) -> pb.ListWebhookAttemptsResponse:
        request = pb.ListWebhookAttemptsRequest(webhook_id=id, event_id=event_id, **fields)
        return await self._webhooks.ListWebhookAttempts(request, metadata=self._metadata)

    async def replay(self, id: str, event_id: str) -> pb.ReplayWebhookEventResponse:
        request = pb.ReplayWebhookEventRequest(webhook_id=id, event_id=event_id)
        return await self._webhooks.ReplayWebhookEvent(request, metadata=self._metadata)

    async def replay_all(self, id: str, since: Timestamp) -> pb.ReplayWebhookEventsResponse:
        request = pb.ReplayWebhookEventsRequest(webhook_id=id, since=since)
        return await self._webhooks.ReplayWebhookEvents(request, metadata=self._metadata)

    async def attempted(self, id: str, event_id: str, times: int) -> list[webhook_pb2.WebhookAttempt]:
        """The attempts of an event once there are `times` of them, else none."""
        attempts = list((await self.attempts(id, event_id)).data)
        return attempts if len(attempts) >= times else []

    async def in_status(
        self, id: str, status: webhook_pb2.WebhookEventStatus
    ) -> list[webhook_pb2.WebhookEvent]:
        """The events in a state."""
        return list((await self.events(id, status=[status])).data)

    async def settled(self, id: str, event_id: str) -> webhook_pb2.WebhookEvent:
        """An event, as soon as its calls are over."""

        async def over() -> webhook_pb2.WebhookEvent | None:
            event = await self.event(id, event_id)
            return None if event.HasField("next_attempt_at") else event

        return await until(over)


@pytest.fixture
async def owner(stack: Stack) -> AsyncIterator[Client]:
    """An organisation without webhooks."""
    async with stack.channel() as channel:
        client = Client(channel, stack.owner)
        await client.delete_all()
        yield client
        await client.delete_all()


@pytest.fixture
async def stranger(stack: Stack) -> AsyncIterator[Client]:
    """Another organisation, which has none either."""
    async with stack.channel() as channel:
        client = Client(channel, stack.other)
        await client.delete_all()
        yield client
        await client.delete_all()


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """The `ErrorReason` of a failed call."""
    status = status_pb2.Status.FromString(_details(error))
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return info.reason


def fields_of(error: grpc.aio.AioRpcError) -> list[str]:
    """The fields that a refused request got wrong."""
    status = status_pb2.Status.FromString(_details(error))
    bad_request = error_details_pb2.BadRequest()
    assert status.details[1].Unpack(bad_request)
    return [violation.field for violation in bad_request.field_violations]


def _details(error: grpc.aio.AioRpcError) -> bytes:
    details = dict(error.trailing_metadata())["grpc-status-details-bin"]
    assert isinstance(details, bytes)
    return details


async def test_a_new_webhook_is_shown_with_its_secret_and_then_without(owner: Client) -> None:
    made = await owner.create(events=(SENT, BOUNCED, SENT))
    assert made.url == URL
    assert list(made.events) == [SENT, BOUNCED]
    assert made.secret.startswith("whsec_")
    assert made.status == webhook_pb2.WEBHOOK_STATUS_ENABLED
    listed = (await owner.list()).data[0]
    assert (listed.id, listed.url, list(listed.events), listed.created_at) == (
        made.id,
        made.url,
        list(made.events),
        made.created_at,
    )
    assert made.secret not in str(listed)


async def test_the_store_holds_no_secret_in_the_clear(owner: Client, stack: Stack) -> None:
    secret = (await owner.create()).secret
    with sqlite3.connect(stack.data_dir / "zidimail.db") as store:
        sealed = [row[0] for row in store.execute("SELECT secret FROM webhooks")]
    store.close()
    assert sealed
    assert not [value for value in sealed if secret.encode() in value or secret[6:].encode() in value]


async def test_webhooks_are_listed_newest_first_a_page_at_a_time(owner: Client) -> None:
    ids = [(await owner.create(f"{URL}/{number}")).id for number in range(3)]
    first = await owner.list(limit=2)
    second = await owner.list(limit=2, page=2)
    assert [webhook.id for webhook in [*first.data, *second.data]] == ids[::-1]
    assert (first.has_more, first.total, second.has_more) == (True, 3, False)


@pytest.mark.parametrize(
    ("url", "events", "fields"),
    [
        ("", (SENT,), ["url"]),
        (URL, (), ["events"]),
        (URL, (SENT, 0), ["events[1]"]),
        (URL, (99,), ["events[0]"]),
        ("ftp://hooks.example.com", (), ["url", "events"]),
        ("https://hooks.example.com/#a", (SENT,), ["url"]),
        ("http://169.254.169.254/latest/meta-data/", (SENT,), ["url"]),
    ],
)
async def test_invalid_webhook_is_refused_by_field(
    owner: Client, url: str, events: tuple[int, ...], fields: list[str]
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await owner.create(url, events)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(caught.value) == "VALIDATION_FAILED"
    assert fields_of(caught.value) == fields
    assert not (await owner.list()).data


async def test_a_removed_webhook_is_gone(owner: Client) -> None:
    id = (await owner.create()).id
    answer = await owner.delete(id)
    assert (answer.id, answer.deleted) == (id, True)
    assert id not in [webhook.id for webhook in (await owner.list()).data]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await owner.delete(id)
    assert reason_of(caught.value) == "WEBHOOK_NOT_FOUND"


@pytest.mark.parametrize("id", ["x", "0" * 24, "0" * 23 + "G", "' OR 1=1 --"])
async def test_unknown_webhook_id_is_not_found(owner: Client, id: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await owner.delete(id)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    assert reason_of(caught.value) == "WEBHOOK_NOT_FOUND"


async def test_webhook_of_another_organisation_is_not_found(owner: Client, stranger: Client) -> None:
    id = (await owner.create()).id
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stranger.delete(id)
    assert reason_of(caught.value) == "WEBHOOK_NOT_FOUND"
    assert not (await stranger.list()).data
    assert id in [webhook.id for webhook in (await owner.list()).data]


async def test_events_of_a_send_go_to_the_organisations_own_webhooks_only(
    owner: Client, stranger: Client
) -> None:
    async with WebhookSink() as sink:
        await owner.create(f"{sink.url}/200/owner")
        await stranger.create(f"{sink.url}/200/stranger")
        email_id = await owner.send()
        call = (await until(lambda: sink.at("/200/owner")))[0]
        assert call.json()["data"]["email_id"] == email_id
        assert not sink.at("/200/stranger")


# Changing, testing, looking calls up, making them again (F-3).


async def refusal_of(call: Any) -> str:
    """The reason for which a call is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return reason_of(refused.value)


@pytest.fixture
async def hooks(either: Stack) -> AsyncIterator[Hooks]:
    """The webhooks of an organisation, on both engines."""
    async with either.channel() as channel:
        hooks = Hooks(channel, either.owner)
        yield hooks
        for webhook in (await hooks.list(limit=100)).data:
            await hooks.delete(webhook.id)


async def test_webhook_update_changes_the_named_fields_only(hooks: Hooks) -> None:
    made = await hooks.create()
    changed = await hooks.update(made.id, url=f"{URL}/new")
    assert (changed.url, list(changed.events)) == (f"{URL}/new", [SENT])
    changed = await hooks.update(made.id, events=[BOUNCED, BOUNCED])
    assert (changed.url, list(changed.events)) == (f"{URL}/new", [BOUNCED])
    changed = await hooks.update(made.id, status=webhook_pb2.WEBHOOK_STATUS_DISABLED)
    assert changed.status == webhook_pb2.WEBHOOK_STATUS_DISABLED
    assert changed.disabled_reason == webhook_pb2.WEBHOOK_DISABLED_REASON_OWNER
    assert changed.HasField("disabled_at")
    assert await hooks.get(made.id) == changed
    changed = await hooks.update(made.id, status=webhook_pb2.WEBHOOK_STATUS_ENABLED)
    assert not changed.HasField("disabled_reason")
    assert not changed.HasField("disabled_at")
    assert made.secret not in str(await hooks.get(made.id))


@pytest.mark.parametrize(
    "change",
    [
        {"url": ""},
        {"url": "http://169.254.169.254/"},
        {"events": [SENT, 99]},
        {"events": [event_pb2.EVENT_TYPE_WEBHOOK_TEST]},
        {"status": 9},
    ],
)
async def test_invalid_update_changes_nothing(hooks: Hooks, change: dict[str, Any]) -> None:
    made = await hooks.create()
    assert await refusal_of(hooks.update(made.id, **change)) == "VALIDATION_FAILED"
    assert (await hooks.get(made.id)).url == URL


async def test_a_test_call_is_signed_and_recorded_like_any_other(hooks: Hooks) -> None:
    async with WebhookSink() as sink:
        made = await hooks.create(f"{sink.url}/200", (BOUNCED,))
        assert sink.count == 0  # not before its owner asks for it
        test = await hooks.test(made.id)
        (call,) = await until(lambda: sink.calls)
        body = standardwebhooks.Webhook(made.secret).verify(call.body, call.headers)
        assert (body["type"], body["data"]["webhook_id"]) == ("webhook.test", made.id)
        assert call.headers["webhook-id"] == test.event_id
        event = await hooks.settled(made.id, test.event_id)
        assert event.status == webhook_pb2.WEBHOOK_EVENT_STATUS_SUCCESS
        assert event.payload.encode() == call.body
        (attempt,) = (await hooks.attempts(made.id, test.event_id)).data
        assert (attempt.number, attempt.http_status_code, attempt.success) == (1, 200, True)


async def test_during_24_hours_after_a_rotation_both_secrets_verify(hooks: Hooks) -> None:
    async with WebhookSink() as sink:
        made = await hooks.create(f"{sink.url}/200")
        rotated = await hooks.rotate(made.id)
        assert rotated.secret.startswith("whsec_")
        assert rotated.secret != made.secret
        assert abs(rotated.overlap_until.seconds - time.time() - 86_400) < 60
        await hooks.test(made.id)
        (call,) = await until(lambda: sink.calls)
        for secret in (made.secret, rotated.secret):
            standardwebhooks.Webhook(secret).verify(call.body, call.headers)
        newest = hmac.new(rotated.secret.encode(), call.body, "sha256").hexdigest()
        assert call.headers["zidimail-signature"] == f"sha256={newest}"


async def test_events_during_a_disabled_webhook_can_be_replayed(hooks: Hooks) -> None:
    async with WebhookSink() as sink:
        made = await hooks.create(f"{sink.url}/200")
        other = await hooks.create(f"{sink.url}/200/other")
        await hooks.update(made.id, status=webhook_pb2.WEBHOOK_STATUS_DISABLED)
        email_ids = {await hooks.send() for _ in range(3)}
        since = Timestamp(seconds=int(time.time()) - 3600)
        assert await refusal_of(hooks.replay_all(made.id, since)) == "VALIDATION_FAILED"
        assert await refusal_of(hooks.test(made.id)) == "VALIDATION_FAILED"
        await until(lambda: len(sink.at("/200/other")) == 3)
        assert sink.at("/200") == []
        await hooks.update(made.id, status=webhook_pb2.WEBHOOK_STATUS_ENABLED)
        assert (await hooks.replay_all(made.id, since)).count == 3
        await until(lambda: len(sink.at("/200")) == 3)
        assert {call.json()["data"]["email_id"] for call in sink.at("/200")} == email_ids
        for call in sink.at("/200"):
            await hooks.settled(made.id, call.headers["webhook-id"])
        assert (await hooks.replay_all(made.id, since)).count == 0
        assert (await hooks.replay_all(other.id, since)).count == 0


async def test_event_of_any_outcome_can_be_replayed(hooks: Hooks) -> None:
    async with WebhookSink() as sink:
        made = await hooks.create(f"{sink.url}/flaky-1")
        test = await hooks.test(made.id)
        await until(lambda: sink.count == 1)
        waiting = await until(lambda: hooks.in_status(made.id, webhook_pb2.WEBHOOK_EVENT_STATUS_ATTEMPTING))
        assert (waiting[0].attempts, waiting[0].payload) == (1, "")
        assert waiting[0].HasField("next_attempt_at")
        for times in (2, 3):
            replayed = await hooks.replay(made.id, test.event_id)
            assert (replayed.webhook_id, replayed.event_id) == (made.id, test.event_id)
            await until(lambda times=times: sink.count == times)
            await until(lambda times=times: hooks.attempted(made.id, test.event_id, times))
        attempts = (await hooks.attempts(made.id, test.event_id)).data
        assert [(attempt.number, attempt.http_status_code) for attempt in attempts] == [
            (3, 200),
            (2, 200),
            (1, 500),
        ]
        after = await hooks.attempts(made.id, test.event_id, after=attempts[1].id)
        assert list(after.data) == [attempts[2]]
        assert {call.body for call in sink.calls} == {sink.calls[0].body}


async def test_attempt_without_an_answer_shows_its_error(hooks: Hooks) -> None:
    async with WebhookSink() as sink:
        made = await hooks.create(f"{sink.url}/drop")
        test = await hooks.test(made.id)
        (attempt,) = await until(lambda: hooks.attempted(made.id, test.event_id, 1))
        assert (attempt.http_status_code, attempt.success) == (0, False)
        assert attempt.response


async def test_events_are_listed_newest_first_and_by_status(hooks: Hooks) -> None:
    async with WebhookSink() as sink:
        made = await hooks.create(f"{sink.url}/200")
        ids = [(await hooks.test(made.id)).event_id for _ in range(3)]
        for id in ids:
            await hooks.settled(made.id, id)
        first = await hooks.events(made.id, limit=2)
        assert [event.id for event in first.data] == ids[:0:-1]
        assert (first.has_more, first.total) == (True, 3)
        rest = await hooks.events(made.id, limit=2, after=first.data[-1].id)
        assert [event.id for event in rest.data] == ids[:1]
        assert not rest.has_more
        failed = [webhook_pb2.WEBHOOK_EVENT_STATUS_FAILED, webhook_pb2.WEBHOOK_EVENT_STATUS_PENDING]
        assert not (await hooks.events(made.id, status=failed)).data
        assert await refusal_of(hooks.events(made.id, status=[9])) == "VALIDATION_FAILED"
        assert await refusal_of(hooks.events(made.id, after="x")) == "VALIDATION_FAILED"


@pytest.mark.parametrize("seconds", [0, 1_000_000_000, -(2**61)])
async def test_replay_goes_back_at_most_30_days(hooks: Hooks, seconds: int) -> None:
    made = await hooks.create()
    since = Timestamp(seconds=seconds)
    assert await refusal_of(hooks.replay_all(made.id, since)) == "VALIDATION_FAILED"


@pytest.mark.parametrize("event_id", ["x", "0" * 24])
async def test_unknown_event_is_not_found(hooks: Hooks, event_id: str) -> None:
    made = await hooks.create()
    for call in (hooks.event, hooks.attempts, hooks.replay):
        assert await refusal_of(call(made.id, event_id)) == "EVENT_NOT_FOUND"
        assert await refusal_of(call(event_id, event_id)) == "WEBHOOK_NOT_FOUND"
