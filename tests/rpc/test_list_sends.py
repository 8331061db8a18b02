"""The progress of a send to a list as a stream, over real gRPC on both engines (contract row Z-55)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from zidimail.v1 import contact_pb2, contacts_service_pb2_grpc
from zidimail.v1 import contacts_service_pb2 as pb

from tests.harness.organisations import Kind
from tests.harness.stack import Organisation, Stack

MEMBERS = 25
COMPLETED = contact_pb2.CONTACT_LIST_SEND_STATUS_COMPLETED


class Sender:
    """The session of one organisation."""

    def __init__(self, channel: grpc.aio.Channel, organisation: Organisation) -> None:
        self.metadata = (("authorization", f"Bearer {organisation.jwt}"),)
        self.contacts = contacts_service_pb2_grpc.ContactsServiceStub(channel)
        self.domain = organisation.domain

    async def begin(self, members: int) -> str:
        """The id of a send to a new list."""
        rows = [
            contact_pb2.ContactRow(email=f"member-{number}@list.example.org") for number in range(members)
        ]
        new = pb.ImportContactsRequest(contacts=rows, new_list_name="Watched")
        made = (await self.contacts.ImportContacts(new, metadata=self.metadata)).contact_import
        request = pb.SendToContactListRequest(
            **{"from": f"news@{self.domain}"},
            contact_list_id=made.contact_list_id,
            subject="News",
            text="News.",
        )
        begun = await self.contacts.SendToContactList(request, metadata=self.metadata)
        return str(begun.contact_list_send.id)

    def watch(self, id: str) -> Any:
        """The stream of a send."""
        return self.contacts.WatchContactListSend(
            pb.WatchContactListSendRequest(contact_list_send_id=id), metadata=self.metadata
        )

    async def watched(self, id: str) -> list[contact_pb2.ContactListSend]:
        """All that a stream shows until its end."""
        async with asyncio.timeout(60):
            return [response.contact_list_send async for response in self.watch(id)]


async def to_the_end(stream: Any) -> None:
    """Reads what a stream still shows. Raises AioRpcError if it does not end well."""
    while await stream.read() is not grpc.aio.EOF:
        pass


@pytest.fixture
async def channel(either: Stack) -> AsyncIterator[grpc.aio.Channel]:
    """A connection to the server."""
    async with grpc.aio.insecure_channel(either.grpc) as channel:
        yield channel


async def test_stream_shows_growing_numbers_until_the_send_is_completed(
    either: Stack, channel: grpc.aio.Channel
) -> None:
    sender = Sender(channel, either.owner)
    id = await sender.begin(MEMBERS)
    shown = await sender.watched(id)
    assert {send.id for send in shown} == {id}
    numbers = [send.accepted_count + send.failed_count + send.suppressed_count for send in shown]
    assert numbers == sorted(numbers)
    assert (shown[-1].status, numbers[-1]) == (COMPLETED, MEMBERS)
    assert all(send.status != COMPLETED for send in shown[:-1])
    # One that has ended is shown once.
    assert await sender.watched(id) == shown[-1:]


async def test_send_of_another_organisation_is_not_found(either: Stack, channel: grpc.aio.Channel) -> None:
    id = await Sender(channel, either.owner).begin(1)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await Sender(channel, either.other).watched(id)
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_stream_ends_when_its_server_stops(tmp_path: Path) -> None:
    kinds = {"waiting": Kind(["--plan", "pro"], {"burst": "0"})}
    stack = Stack(tmp_path, kinds=kinds)
    await asyncio.to_thread(stack.start)
    try:
        async with grpc.aio.insecure_channel(stack.grpc) as channel:
            # It waits for a limit that allows nothing.
            sender = Sender(channel, stack.orgs["waiting"])
            stream = sender.watch(await sender.begin(1))
            await stream.read()
            stopping = asyncio.create_task(asyncio.to_thread(stack.stop_server))
            with pytest.raises(grpc.aio.AioRpcError) as ended:
                await to_the_end(stream)
            assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
            assert await stopping == 0
    finally:
        await asyncio.to_thread(stack.stop)


async def test_streams_are_limited(tmp_path: Path) -> None:
    kinds = {"waiting": Kind(["--plan", "pro"], {"burst": "0"})}
    stack = Stack(tmp_path, kinds=kinds, env={"ZIDIMAIL_STREAMS_OF_CALLER": "1"})
    await asyncio.to_thread(stack.start)
    try:
        async with grpc.aio.insecure_channel(stack.grpc) as channel:
            sender = Sender(channel, stack.orgs["waiting"])
            id = await sender.begin(1)
            first = sender.watch(id)
            await first.read()
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await sender.watched(id)
            assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            first.cancel()
    finally:
        await asyncio.to_thread(stack.stop)
