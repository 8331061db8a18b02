"""Webhooks over gRPC: the secret shown once, the organisation's own only (Z-38 to Z-40, C-48)."""

import sqlite3
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
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
    ids = [(await owner.create()).id for _ in range(3)]
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
async def test_a_wrong_webhook_is_refused_by_field(
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


@pytest.mark.parametrize("id", ["", "x", "0" * 24, "0" * 23 + "G", "' OR 1=1 --"])
async def test_an_id_that_is_none_is_not_found(owner: Client, id: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await owner.delete(id)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    assert reason_of(caught.value) == "WEBHOOK_NOT_FOUND"


async def test_another_organisations_webhook_does_not_exist(owner: Client, stranger: Client) -> None:
    id = (await owner.create()).id
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stranger.delete(id)
    assert reason_of(caught.value) == "WEBHOOK_NOT_FOUND"
    assert not (await stranger.list()).data
    assert id in [webhook.id for webhook in (await owner.list()).data]


async def test_a_send_is_told_to_the_organisations_own_webhooks_only(owner: Client, stranger: Client) -> None:
    async with WebhookSink() as sink:
        await owner.create(f"{sink.url}/200/owner")
        await stranger.create(f"{sink.url}/200/stranger")
        email_id = await owner.send()
        call = (await until(lambda: sink.at("/200/owner")))[0]
        assert call.json()["data"]["email_id"] == email_id
        assert not sink.at("/200/stranger")
