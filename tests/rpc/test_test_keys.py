"""Test keys and simulator addresses: the whole flow, and nothing leaves (F-5), on both engines."""

import datetime
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from zidimail.v1 import (
    api_key_service_pb2,
    api_key_service_pb2_grpc,
    email_service_pb2,
    email_service_pb2_grpc,
    event_pb2,
    usage_service_pb2,
    usage_service_pb2_grpc,
    webhook_pb2,
    webhook_service_pb2,
    webhook_service_pb2_grpc,
)

from tests.harness.stack import Stack
from tests.harness.waiting import until
from tests.harness.webhook_sink import WebhookSink

EVENTS = [
    event_pb2.EVENT_TYPE_EMAIL_SENT,
    event_pb2.EVENT_TYPE_EMAIL_DELIVERED,
    event_pb2.EVENT_TYPE_EMAIL_BOUNCED,
    event_pb2.EVENT_TYPE_EMAIL_COMPLAINED,
    event_pb2.EVENT_TYPE_EMAIL_SUPPRESSED,
]


class Sender:
    """One organisation, with a key to send with."""

    def __init__(self, channel: grpc.aio.Channel, stack: Stack) -> None:
        self.stack = stack
        self._channel = channel
        self._session = _credential(stack.owner.jwt)
        self.key = _credential(stack.owner.api_key)

    async def use_test_key(self) -> Any:
        """Sends with a new test key from now on; returns the stub of the webhooks."""
        keys = api_key_service_pb2_grpc.ApiKeyServiceStub(self._channel)
        request = api_key_service_pb2.CreateApiKeyRequest(name="test", test=True)
        self.key = _credential((await keys.CreateApiKey(request, metadata=self._session)).key)
        return webhook_service_pb2_grpc.WebhookServiceStub(self._channel)

    async def send(self, *to: str, **fields: Any) -> str:
        emails = email_service_pb2_grpc.EmailServiceStub(self._channel)
        request = email_service_pb2.SendEmailRequest(
            **{"from": f"a@{self.stack.owner.domain}"}, to=to, subject="Hi", text="Hi", **fields
        )
        return (await emails.SendEmail(request, metadata=self.key)).id

    async def statuses(self, id: str) -> dict[str, str]:
        emails = email_service_pb2_grpc.EmailServiceStub(self._channel)
        request = email_service_pb2.GetEmailRequest(id=id)
        email = (await emails.GetEmail(request, metadata=self._session)).email
        return {
            recipient.address: type(email)
            .DESCRIPTOR.fields_by_name["status"]
            .enum_type.values_by_number[recipient.status]
            .name.removeprefix("EMAIL_STATUS_")
            .lower()
            for recipient in email.recipients
        }

    async def used(self) -> Any:
        usage = usage_service_pb2_grpc.UsageServiceStub(self._channel)
        return await usage.GetUsage(usage_service_pb2.GetUsageRequest(), metadata=self._session)

    async def listen(self, url: str) -> str:
        webhooks = webhook_service_pb2_grpc.WebhookServiceStub(self._channel)
        request = webhook_service_pb2.CreateWebhookRequest(url=url, events=EVENTS)
        return (await webhooks.CreateWebhook(request, metadata=self._session)).id

    async def settled(self, id: str, *statuses: str) -> None:
        """Waits for the recipients to have these statuses."""

        async def over() -> bool:
            return sorted((await self.statuses(id)).values()) == sorted(statuses)

        await until(over)

    @property
    def captured(self) -> set[str]:
        """The ids of the emails that left."""
        return {path.name.partition(".")[0] for path in self.stack.captured.glob("*.eml")}


async def test_test_keys_read_the_calls_about_test_mail_only(sender: Sender) -> None:
    """C-87: the body of a call shows a mail's sender, recipients and subject."""
    async with WebhookSink() as sink:
        webhook_id = await sender.listen(f"{sink.url}/200")
        live = await sender.send("customer@example.org")
        await sender.settled(live, "delivered")
        webhooks = await sender.use_test_key()
        tested = await sender.send("nobody@example.org")
        calls = await until(lambda: sink.calls if len(sink.calls) >= 4 else None)
    emails = {call.headers["webhook-id"]: call.json()["data"]["email_id"] for call in calls}
    assert set(emails.values()) == {live, tested}
    for status in ([], [webhook_pb2.WEBHOOK_EVENT_STATUS_SUCCESS]):
        page = webhook_service_pb2.ListWebhookEventsRequest(webhook_id=webhook_id, status=status)

        async def listed(page: Any = page) -> Any:
            found = await webhooks.ListWebhookEvents(page, metadata=sender.key)
            return found if len(found.data) == 2 else None

        shown = await until(listed)
        assert {emails[event.id] for event in shown.data} == {tested}
        assert shown.total == 2
    for event_id, email_id in emails.items():
        event = {"webhook_id": webhook_id, "event_id": event_id}
        read = (
            (webhooks.GetWebhookEvent, webhook_service_pb2.GetWebhookEventRequest(**event)),
            (webhooks.ListWebhookAttempts, webhook_service_pb2.ListWebhookAttemptsRequest(**event)),
        )
        for method, request in read:
            if email_id == tested:
                await method(request, metadata=sender.key)
                continue
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await method(request, metadata=sender.key)
            assert refused.value.code() is grpc.StatusCode.NOT_FOUND


def _credential(token: str) -> tuple[tuple[str, str]]:
    return (("authorization", f"Bearer {token}"),)


@pytest.fixture
async def sender(either: Stack) -> AsyncIterator[Sender]:
    """A sender, on both engines."""
    async with either.channel() as channel:
        yield Sender(channel, either)


async def test_simulator_addresses_run_the_whole_flow_again_and_again(sender: Sender) -> None:
    """Also with a live key, webhooks included; no address is suppressed by it."""
    async with WebhookSink() as sink:
        await sender.listen(f"{sink.url}/200")
        to = [f"{what}+1@simulator.test" for what in ("delivered", "bounced", "complained", "suppressed")]
        ids = []
        for _ in range(2):
            ids.append(await sender.send(*to))
            await sender.settled(ids[-1], "delivered", "bounced", "complained", "suppressed")
        calls = await until(lambda: sink.calls if len(sink.calls) >= 12 else None)
        for id in ids:
            types = sorted(call.json()["type"] for call in calls if call.json()["data"]["email_id"] == id)
            assert types == [
                "email.bounced",
                "email.complained",
                "email.delivered",
                "email.delivered",
                "email.sent",
                "email.suppressed",
            ]
        assert not sender.captured & set(ids)


async def test_mail_of_a_test_key_never_leaves_and_uses_no_quota(sender: Sender) -> None:
    real = await sender.send("recipient@example.org")
    await sender.settled(real, "delivered")
    before = await sender.used()
    await sender.use_test_key()
    id = await sender.send("nobody@example.org", "bounced@simulator.test", cc=["else@example.net"])
    await sender.settled(id, "delivered", "delivered", "bounced")
    assert real in sender.captured
    assert id not in sender.captured
    assert await sender.used() == before


async def test_scheduled_mail_of_a_test_key_never_leaves(sender: Sender) -> None:
    await sender.use_test_key()
    soon = Timestamp()
    before = await sender.used()
    soon.FromDatetime(datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=2))
    id = await sender.send("nobody@example.org", scheduled_at=soon)
    await sender.settled(id, "delivered")
    assert id not in sender.captured
    assert await sender.used() == before
