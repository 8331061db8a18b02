"""API keys over gRPC: made and revoked by a session only, shown once (Z-35 to Z-37, F-7)."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from zidimail.v1 import access_pb2, api_key_service_pb2_grpc, domain_service_pb2, domain_service_pb2_grpc
from zidimail.v1 import api_key_service_pb2 as pb

from tests.harness.stack import Stack
from tests.harness.waiting import until

FULL, SEND_ONLY, READ_ONLY = (
    access_pb2.PERMISSION_FULL,
    access_pb2.PERMISSION_SEND_ONLY,
    access_pb2.PERMISSION_READ_ONLY,
)


class Client:
    """The service as the holder of one credential sees it."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._keys = api_key_service_pb2_grpc.ApiKeyServiceStub(channel)
        self._domains = domain_service_pb2_grpc.DomainServiceStub(channel)

    async def create(self, name: str = "a key", **fields: Any) -> pb.CreateApiKeyResponse:
        return await self._keys.CreateApiKey(
            pb.CreateApiKeyRequest(name=name, **fields), metadata=self._metadata
        )

    async def list(self, **fields: Any) -> pb.ListApiKeysResponse:
        return await self._keys.ListApiKeys(pb.ListApiKeysRequest(**fields), metadata=self._metadata)

    async def delete(self, id: str) -> pb.DeleteApiKeyResponse:
        return await self._keys.DeleteApiKey(pb.DeleteApiKeyRequest(id=id), metadata=self._metadata)

    async def read(self) -> None:
        await self._domains.ListDomains(domain_service_pb2.ListDomainsRequest(), metadata=self._metadata)


@pytest.fixture
async def channel(stack: Stack) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the server."""
    async with stack.channel() as channel:
        yield channel


@pytest.fixture
def session(channel: grpc.aio.Channel, stack: Stack) -> Client:
    """The owner's session."""
    return Client(channel, stack.owner.jwt)


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """The `ErrorReason` of a failed call."""
    status = status_pb2.Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return info.reason


async def refusal_of(call: Any) -> str:
    """The reason for which a call is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return reason_of(refused.value)


async def test_a_key_is_shown_once_and_works(session: Client, channel: grpc.aio.Channel) -> None:
    """Z-2, Z-35."""
    created = await session.create("  Prüfung 🔑 ")
    assert created.name == "Prüfung 🔑"
    assert created.key.startswith(f"zm_live_{created.id}_")
    assert created.key.startswith(created.prefix)
    assert created.permission == FULL
    listed = {key.id: key for key in (await session.list(limit=100)).data}[created.id]
    assert (listed.name, listed.prefix) == (created.name, created.prefix)
    assert listed.created_at == created.created_at
    assert created.key.rpartition("_")[2] not in str(listed)
    await Client(channel, created.key).read()


@pytest.mark.parametrize("permission", [FULL, SEND_ONLY, READ_ONLY])
async def test_a_key_may_do_what_it_was_made_for(
    session: Client, channel: grpc.aio.Channel, permission: access_pb2.Permission
) -> None:
    """F-7."""
    created = await session.create(permission=permission)
    assert created.permission == permission
    client = Client(channel, created.key)
    if permission == SEND_ONLY:
        assert await refusal_of(client.read()) == "MISSING_PERMISSION"
    else:
        await client.read()


async def test_a_key_makes_and_revokes_no_keys_but_lists_them(
    session: Client, channel: grpc.aio.Channel
) -> None:
    """Z-4, C-9."""
    created = await session.create()
    client = Client(channel, created.key)
    assert await refusal_of(client.create()) == "WRONG_CREDENTIAL_KIND"
    assert await refusal_of(client.delete(created.id)) == "WRONG_CREDENTIAL_KIND"
    assert created.id in {key.id for key in (await client.list()).data}


async def test_a_revoked_key_is_refused_at_once_and_no_longer_listed(
    session: Client, channel: grpc.aio.Channel
) -> None:
    """Z-2, Z-37."""
    created = await session.create()
    client = Client(channel, created.key)
    await client.read()
    answer = await session.delete(created.id)
    assert (answer.id, answer.deleted) == (created.id, True)
    assert await refusal_of(client.read()) == "INVALID_CREDENTIALS"
    assert created.id not in {key.id for key in (await session.list(limit=100)).data}
    assert await refusal_of(session.delete(created.id)) == "API_KEY_NOT_FOUND"


async def test_anothers_key_cannot_be_seen_or_revoked(
    session: Client, channel: grpc.aio.Channel, stack: Stack
) -> None:
    """C-48."""
    other = Client(channel, stack.other.jwt)
    theirs = await other.create()
    assert await refusal_of(session.delete(theirs.id)) == "API_KEY_NOT_FOUND"
    assert theirs.id not in {key.id for key in (await session.list(limit=100)).data}
    await Client(channel, theirs.key).read()


@pytest.mark.parametrize("id", ["", "x", "0" * 24, "A" * 24, "\x00", "é" * 24, "0" * 100_000])
async def test_an_unknown_id_is_not_found(session: Client, id: str) -> None:
    assert await refusal_of(session.delete(id)) == "API_KEY_NOT_FOUND"


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\x00b", "a\r\nb"])
async def test_a_name_that_is_none_is_refused(session: Client, name: str) -> None:
    """Z-35."""
    assert await refusal_of(session.create(name)) == "VALIDATION_FAILED"


async def test_an_unknown_permission_is_refused(session: Client) -> None:
    assert await refusal_of(session.create(permission=99)) == "VALIDATION_FAILED"


async def test_keys_come_in_pages_newest_first(channel: grpc.aio.Channel, stack: Stack) -> None:
    """Z-36."""
    other = Client(channel, stack.other.jwt)
    made = [(await other.create()).id for _ in range(5)]
    first, second = await other.list(limit=3), await other.list(limit=3, page=2)
    assert [key.id for key in (*first.data, *second.data)][:5] == made[::-1]
    assert (first.page, first.limit, first.has_more) == (1, 3, True)
    assert first.total == second.total
    everything = await other.list(limit=1000)
    assert (everything.limit, everything.has_more, len(everything.data)) == (100, False, first.total)
    assert await refusal_of(other.list(limit=0)) == "VALIDATION_FAILED"
    assert await refusal_of(other.list(page=0)) == "VALIDATION_FAILED"


async def test_the_last_use_of_a_key_is_told(session: Client, channel: grpc.aio.Channel) -> None:
    created = await session.create()

    async def last_use() -> Any:
        listed = {key.id: key for key in (await session.list(limit=100)).data}[created.id]
        return listed.last_used_at if listed.HasField("last_used_at") else None

    assert await last_use() is None
    await Client(channel, created.key).read()
    used = await until(last_use)
    assert used.seconds % 60 == 0
    assert abs(used.seconds - created.created_at.seconds) <= 60
