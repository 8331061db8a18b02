"""The log as a list and as a stream: in order, resumable, none skipped (F-8)."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from zidimail.v1 import (
    api_key_service_pb2,
    api_key_service_pb2_grpc,
    email_service_pb2,
    email_service_pb2_grpc,
    event_pb2,
    event_service_pb2_grpc,
)
from zidimail.v1 import event_service_pb2 as pb

from tests.harness.stack import Organisation, Stack

SENT, DELIVERED = event_pb2.EVENT_TYPE_EMAIL_SENT, event_pb2.EVENT_TYPE_EMAIL_DELIVERED


class Client:
    """One organisation's view of the server."""

    def __init__(self, channel: grpc.aio.Channel, organisation: Organisation) -> None:
        self.metadata = (("authorization", f"Bearer {organisation.api_key}"),)
        self.emails = email_service_pb2_grpc.EmailServiceStub(channel)
        self.events = event_service_pb2_grpc.EventServiceStub(channel)
        self.domain = organisation.domain
        self.start = ""

    async def send(self) -> str:
        request = email_service_pb2.SendEmailRequest(
            **{"from": f"a@{self.domain}"}, to=["ok@example.net"], subject="Hello", text="Hi."
        )
        return (await self.emails.SendEmail(request, metadata=self.metadata)).id

    async def watch(self, count: int, **request: object) -> list[event_pb2.Event]:
        stream = self.events.WatchEvents(pb.WatchEventsRequest(**request), metadata=self.metadata)  # type: ignore[arg-type]
        seen = []
        async with asyncio.timeout(30):
            async for response in stream:
                seen.append(response.event)
                if len(seen) == count:
                    break
        stream.cancel()
        return seen

    async def list(self, **request: object) -> pb.ListEventsResponse:
        return await self.events.ListEvents(pb.ListEventsRequest(**request), metadata=self.metadata)  # type: ignore[arg-type]


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[Client]:
    async with grpc.aio.insecure_channel(stack.grpc) as channel:
        client = Client(channel, stack.owner)
        while (page := await client.list(after=client.start)).data:
            client.start = page.next_cursor
        client.start = page.next_cursor
        yield client


async def test_stream_shows_every_event_in_order(client: Client) -> None:
    ids = [await client.send() for _ in range(5)]
    events = await client.watch(5, after=client.start, types=[SENT])
    assert [event.email_id for event in events] == ids


async def test_stream_resumes_after_its_cursor(client: Client) -> None:
    ids = [await client.send() for _ in range(6)]
    first = await client.watch(3, after=client.start, types=[SENT])
    rest = await client.watch(3, after=first[-1].cursor, types=[SENT])
    assert [event.email_id for event in first + rest] == ids


async def test_a_stream_without_a_cursor_begins_now(client: Client) -> None:
    await client.send()
    stream = client.events.WatchEvents(pb.WatchEventsRequest(types=[SENT]), metadata=client.metadata)
    await stream.initial_metadata()
    late = await client.send()
    async with asyncio.timeout(30):
        assert (await stream.read()).event.email_id == late
    stream.cancel()


async def test_a_stream_ends_when_its_key_is_revoked(client: Client, stack: Stack) -> None:
    """F-7: within 5 seconds, whether anything happens meanwhile or not."""
    async with grpc.aio.insecure_channel(stack.grpc) as channel:
        keys = api_key_service_pb2_grpc.ApiKeyServiceStub(channel)
        session = (("authorization", f"Bearer {stack.owner.jwt}"),)
        key = await keys.CreateApiKey(api_key_service_pb2.CreateApiKeyRequest(name="watch"), metadata=session)
        bearer = (("authorization", f"Bearer {key.key}"),)
        stream = client.events.WatchEvents(pb.WatchEventsRequest(types=[SENT]), metadata=bearer)
        await stream.initial_metadata()
        sent = await client.send()
        assert (await stream.read()).event.email_id == sent
        await keys.DeleteApiKey(api_key_service_pb2.DeleteApiKeyRequest(id=key.id), metadata=session)
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            async with asyncio.timeout(5):
                await stream.read()
    assert ended.value.code() == grpc.StatusCode.UNAUTHENTICATED


async def test_list_and_stream_show_the_same_events(client: Client) -> None:
    for _ in range(4):
        await client.send()
    streamed = await client.watch(8, after=client.start)
    listed: list[event_pb2.Event] = []
    cursor = client.start
    while True:
        page = await client.list(after=cursor, limit=3)
        listed += page.data
        cursor = page.next_cursor
        if not page.has_more:
            break
    assert [event.id for event in listed] == [event.id for event in streamed]
    assert sorted(event.type for event in listed) == [SENT] * 4 + [DELIVERED] * 4


async def test_events_of_one_email(client: Client) -> None:
    await client.send()
    email_id = await client.send()
    await client.watch(2, after=client.start, types=[DELIVERED])
    page = await client.list(email_id=email_id)
    assert [(event.type, event.email_id) for event in page.data] == [(SENT, email_id), (DELIVERED, email_id)]


@pytest.mark.parametrize("request_", [{"after": "nonsense"}, {"limit": -1}, {"types": [0]}, {"types": [999]}])
async def test_invalid_request_is_refused(client: Client, request_: dict[str, object]) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await client.list(**request_)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
