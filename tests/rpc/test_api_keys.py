"""API keys over gRPC: made and revoked by a session only, shown once (Z-35 to Z-37, F-7)."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
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

    async def rename(self, id: str, name: str) -> pb.UpdateApiKeyResponse:
        return await self._keys.UpdateApiKey(
            pb.UpdateApiKeyRequest(id=id, name=name), metadata=self._metadata
        )

    async def delete(self, id: str) -> pb.DeleteApiKeyResponse:
        return await self._keys.DeleteApiKey(pb.DeleteApiKeyRequest(id=id), metadata=self._metadata)

    async def read(self, *metadata: tuple[str, str]) -> None:
        await self._domains.ListDomains(
            domain_service_pb2.ListDomainsRequest(), metadata=(*self._metadata, *metadata)
        )


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


async def test_new_key_is_shown_once_and_works(session: Client, channel: grpc.aio.Channel) -> None:
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
async def test_key_is_limited_to_its_permission(
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


async def test_key_lists_keys_and_cannot_make_or_revoke_them(
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


async def test_key_of_another_organisation_cannot_be_seen_or_revoked(
    session: Client, channel: grpc.aio.Channel, stack: Stack
) -> None:
    """C-48."""
    other = Client(channel, stack.other.jwt)
    theirs = await other.create()
    assert await refusal_of(session.delete(theirs.id)) == "API_KEY_NOT_FOUND"
    assert theirs.id not in {key.id for key in (await session.list(limit=100)).data}
    await Client(channel, theirs.key).read()


@pytest.mark.parametrize("id", ["x", "0" * 24, "A" * 24, "é" * 24, "0" * 100_000])
async def test_an_unknown_id_is_not_found(session: Client, id: str) -> None:
    assert await refusal_of(session.delete(id)) == "API_KEY_NOT_FOUND"


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\x00b", "a\r\nb"])
async def test_invalid_name_is_refused(session: Client, name: str) -> None:
    """Z-35."""
    assert await refusal_of(session.create(name)) == "VALIDATION_FAILED"


async def test_an_unknown_permission_is_refused(session: Client) -> None:
    assert await refusal_of(session.create(permission=99)) == "VALIDATION_FAILED"


async def test_keys_are_listed_in_pages_newest_first(channel: grpc.aio.Channel, stack: Stack) -> None:
    """Z-36."""
    other = Client(channel, stack.other.jwt)
    made = [(await other.create()).id for _ in range(5)]
    first, second = await other.list(limit=3), await other.list(limit=3, page=2)
    assert [key.id for key in (*first.data, *second.data)][:5] == made[::-1]
    assert (first.page, first.limit, first.has_more) == (1, 3, True)
    assert first.total == second.total
    everything = await other.list(limit=1000)
    assert (everything.limit, everything.has_more, len(everything.data)) == (100, False, first.total)
    assert await refusal_of(other.list(limit=-1)) == "VALIDATION_FAILED"
    assert await refusal_of(other.list(page=-1)) == "VALIDATION_FAILED"


async def test_key_shows_its_last_use(session: Client, channel: grpc.aio.Channel) -> None:
    created = await session.create()

    async def last_use() -> Any:
        listed = {key.id: key for key in (await session.list(limit=100)).data}[created.id]
        return listed.last_used_at if listed.HasField("last_used_at") else None

    assert await last_use() is None
    await Client(channel, created.key).read()
    used = await until(last_use)
    assert used == created.created_at or used.seconds % 60 == 0
    assert 0 <= used.seconds - created.created_at.seconds <= 60


async def test_a_key_is_renamed_by_a_session_only(session: Client, channel: grpc.aio.Channel) -> None:
    created = await session.create("before")
    assert (await session.rename(created.id, " after ")).api_key.name == "after"
    assert created.id in {key.id for key in (await session.list(limit=100)).data if key.name == "after"}
    assert await refusal_of(Client(channel, created.key).rename(created.id, "x")) == "WRONG_CREDENTIAL_KIND"
    assert await refusal_of(session.rename(created.id, "")) == "VALIDATION_FAILED"
    await session.delete(created.id)
    assert await refusal_of(session.rename(created.id, "x")) == "API_KEY_NOT_FOUND"


async def test_key_shows_its_bounds(session: Client, stack: Stack) -> None:
    """F-7."""
    expires_at = Timestamp(seconds=4_000_000_000)
    by_name = await session.create(
        allowed_domains=[stack.owner.domain.upper()], allowed_ips=["192.0.2.1/24"], expires_at=expires_at
    )
    by_id = await session.create(domain_id=stack.owner.domain_id)
    assert by_name.allowed_domains == by_id.allowed_domains == [stack.owner.domain]
    assert (by_name.allowed_ips, by_name.expires_at) == (["192.0.2.0/24"], expires_at)
    listed = {key.id: key for key in (await session.list(limit=100)).data}[by_name.id]
    assert listed.allowed_domains == by_name.allowed_domains
    assert (listed.allowed_ips, listed.expires_at) == (by_name.allowed_ips, expires_at)


async def test_key_cannot_be_bound_to_another_organisations_domain(session: Client, stack: Stack) -> None:
    """C-48: it is answered like one that does not exist."""
    assert await refusal_of(session.create(allowed_domains=[stack.other.domain])) == "VALIDATION_FAILED"
    for id in (stack.other.domain_id, "0" * 24, ""):
        assert await refusal_of(session.create(domain_id=id)) == "DOMAIN_NOT_FOUND"


@pytest.mark.parametrize("seconds", [0, -1, 1_000_000_000, 2**62])
async def test_expiry_of_a_new_key_must_be_in_the_future(session: Client, seconds: int) -> None:
    expires_at = Timestamp(seconds=seconds)
    assert await refusal_of(session.create(expires_at=expires_at)) == "VALIDATION_FAILED"


async def test_key_works_from_its_networks_only(
    session: Client, channel: grpc.aio.Channel, stack: Stack
) -> None:
    """F-7, C-91: by gRPC its own address or what an edge with the secret says; by REST the client's."""
    elsewhere = (await session.create(allowed_ips=["192.0.2.0/24", "2001:db8::/32"])).key
    here = (await session.create(allowed_ips=["127.0.0.0/8"])).key
    assert await refusal_of(Client(channel, elsewhere).read()) == "ADDRESS_NOT_ALLOWED"
    await Client(channel, here).read()
    for client in ("192.0.2.200", "127.0.0.1"):
        # A caller that names clients and is no edge: its own address is not theirs.
        named = Client(channel, here).read(("x-client-ip", client))
        assert await refusal_of(named) == "ADDRESS_NOT_ALLOWED"
    claimed = Client(channel, elsewhere).read(("x-client-ip", "192.0.2.200"))
    assert await refusal_of(claimed) == "ADDRESS_NOT_ALLOWED"
    edge = ("x-zidimail-edge", stack.edge_secret)
    await Client(channel, elsewhere).read(edge, ("x-client-ip", "192.0.2.200,2001:db8::5"))
    for client in ("192.0.2.200", "127.0.0.1,192.0.2.200", "unknown"):
        refused = Client(channel, here).read(edge, ("x-client-ip", client))
        assert await refusal_of(refused) == "ADDRESS_NOT_ALLOWED"
    assert await refusal_of(Client(channel, here).read(edge)) == "ADDRESS_NOT_ALLOWED"
    email = {"from": f"a@{stack.owner.domain}", "to": "you@example.org", "subject": "Hi", "text": "Hi"}
    spoofed = {"X-Client-Ip": "192.0.2.200", "X-Forwarded-For": "192.0.2.200"}
    for key, status in ((elsewhere, 403), (here, 200)):
        headers = {"Authorization": f"Bearer {key}", **spoofed}
        async with httpx.AsyncClient(base_url=f"{stack.http}/v1", headers=headers) as api:
            assert (await api.get("/domains")).status_code == status
            assert (await api.post("/emails", json=email)).status_code == status


async def test_test_key_is_marked_as_test(session: Client, channel: grpc.aio.Channel) -> None:
    """F-5."""
    created = await session.create(test=True)
    assert created.test
    assert created.key.startswith(f"zm_test_{created.id}_")
    assert created.key.startswith(created.prefix)
    await Client(channel, created.key).read()
    assert {key.id: key.test for key in (await session.list(limit=100)).data}[created.id]
