"""GetCaller: what a credential is, and whether it may call a method, without calling it."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2
from zidimail.v1 import access_pb2, access_service_pb2_grpc, api_key_service_pb2, api_key_service_pb2_grpc
from zidimail.v1 import access_service_pb2 as pb

from tests.contract.methods import METHODS, Method
from tests.contract.rows import OPEN, ROWS
from tests.harness.stack import Stack

SEND_EMAIL = "/zidimail.v1.EmailService/SendEmail"
RECORD_BOUNCE = "/zidimail.v1.FeedbackService/RecordBounce"
# The tag of a field breaks off: bytes that no method takes for its request.
NO_MESSAGE = b"\xff"

# The plan Pro: 25 MB of attachments, a third more in base64, and 2 MiB for all else (C-64); and Z-56.
OF_PLAN: Mapping[str, Any] = {"smtp": True, "message_bytes": 37_049_685}

Metadata = tuple[tuple[str, str], ...]


def bearer(token: str) -> Metadata:
    return (("authorization", f"Bearer {token}"),)


@pytest.fixture
async def channel(stack: Stack) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the server."""
    async with stack.channel() as channel:
        yield channel


async def new_key(
    channel: grpc.aio.Channel, stack: Stack, **fields: Any
) -> api_key_service_pb2.CreateApiKeyResponse:
    """An API key of the owner's organisation."""
    keys = api_key_service_pb2_grpc.ApiKeyServiceStub(channel)
    request = api_key_service_pb2.CreateApiKeyRequest(name="caller", **fields)
    return await keys.CreateApiKey(request, metadata=bearer(stack.owner.jwt))


async def caller(channel: grpc.aio.Channel, metadata: Metadata, method: str = "") -> pb.GetCallerResponse:
    stub = access_service_pb2_grpc.AccessServiceStub(channel)
    return await stub.GetCaller(pb.GetCallerRequest(method=method), metadata=metadata)


def fault_of(error: grpc.aio.AioRpcError) -> tuple[grpc.StatusCode, str, dict[str, str], str | None]:
    """Code, reason, metadata and text."""
    trailers: dict[str, Any] = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return error.code(), info.reason, dict(info.metadata), error.details()


async def test_get_caller_shows_the_bounds_of_a_key(channel: grpc.aio.Channel, stack: Stack) -> None:
    expires_at = Timestamp(seconds=4_000_000_000)
    key = await new_key(
        channel,
        stack,
        permission=access_pb2.PERMISSION_SEND_ONLY,
        allowed_domains=[stack.owner.domain],
        allowed_ips=["127.0.0.0/8"],
        expires_at=expires_at,
        test=True,
    )
    assert await caller(channel, bearer(key.key)) == pb.GetCallerResponse(
        credential=access_pb2.CREDENTIAL_API_KEY,
        org_id=stack.owner.org_id,
        key_id=key.id,
        permission=access_pb2.PERMISSION_SEND_ONLY,
        allowed_domains=[stack.owner.domain],
        bound_to_networks=True,
        test=True,
        expires_at=expires_at,
        **OF_PLAN,
    )


async def test_get_caller_shows_no_bounds_of_an_unbound_key(channel: grpc.aio.Channel, stack: Stack) -> None:
    assert await caller(channel, bearer(stack.owner.api_key)) == pb.GetCallerResponse(
        credential=access_pb2.CREDENTIAL_API_KEY,
        org_id=stack.owner.org_id,
        key_id=stack.owner.key_id,
        permission=access_pb2.PERMISSION_FULL,
        **OF_PLAN,
    )


async def test_get_caller_shows_user_and_role_of_a_session(channel: grpc.aio.Channel, stack: Stack) -> None:
    found = await caller(channel, bearer(stack.owner.jwt))
    assert found.HasField("expires_at")
    found.ClearField("expires_at")
    assert found == pb.GetCallerResponse(
        credential=access_pb2.CREDENTIAL_SESSION,
        org_id=stack.owner.org_id,
        user_id=stack.owner.user_id,
        role=access_pb2.ROLE_OWNER,
        **OF_PLAN,
    )


async def test_get_caller_shows_no_organisation_of_an_internal_caller(
    channel: grpc.aio.Channel, stack: Stack
) -> None:
    metadata = (("authorization", f"Internal {stack.edge_secret}"),)
    expected = pb.GetCallerResponse(credential=access_pb2.CREDENTIAL_INTERNAL)
    assert await caller(channel, metadata) == expected
    assert await caller(channel, metadata, RECORD_BOUNCE) == expected


async def refusal_of_call(
    channel: grpc.aio.Channel, method: Method, metadata: Metadata
) -> tuple[Any, ...] | None:
    """The refusal of the caller by the method itself; None if it goes on to look at the request."""
    streams = method.descriptor.server_streaming
    call = (channel.unary_stream if streams else channel.unary_unary)(method.grpc_path)(
        NO_MESSAGE, metadata=metadata
    )
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await (call.read() if streams else call)
    fault = fault_of(refused.value)
    return None if fault[1] == "VALIDATION_FAILED" else fault


async def refusal_of_question(
    channel: grpc.aio.Channel, method: Method, metadata: Metadata
) -> tuple[Any, ...] | None:
    """The refusal of the caller that GetCaller reports for the method; None if it admits the caller."""
    try:
        await caller(channel, metadata, method.grpc_path)
    except grpc.aio.AioRpcError as refused:
        return fault_of(refused)
    return None


async def test_get_caller_refuses_like_the_method_itself(channel: grpc.aio.Channel, stack: Stack) -> None:
    keys = {
        permission: (await new_key(channel, stack, permission=permission)).key
        for permission in (access_pb2.PERMISSION_SEND_ONLY, access_pb2.PERMISSION_READ_ONLY)
    }
    elsewhere = (await new_key(channel, stack, allowed_ips=["192.0.2.0/24"])).key
    callers = [
        (),
        (("authorization", "Basic YTpi"),),
        (("authorization", f"Internal {stack.edge_secret}"),),
        bearer(stack.owner.api_key) * 2,
        (*bearer(elsewhere), ("x-zidimail-edge", stack.edge_secret), ("x-client-ip", "192.0.2.7")),
        (
            *bearer(elsewhere),
            ("x-zidimail-edge", stack.edge_secret),
            ("x-client-ip", "192.0.2.7,198.51.100.1"),
        ),
        *map(bearer, ("nonsense", stack.owner.api_key, stack.owner.jwt, elsewhere, *keys.values())),
    ]
    seen = set()
    # An open method looks at no credential, and GetCaller at one.
    closed = [method for method in METHODS.values() if ROWS[method.name].kinds != OPEN]
    for method in closed:
        for metadata in callers:
            refusal = await refusal_of_call(channel, method, metadata)
            assert await refusal_of_question(channel, method, metadata) == refusal, (method.name, metadata)
            seen.add(refusal and refusal[1])
    assert seen == {
        None,
        "MISSING_CREDENTIALS",
        "INVALID_CREDENTIALS",
        "WRONG_CREDENTIAL_KIND",
        "MISSING_PERMISSION",
        "ADDRESS_NOT_ALLOWED",
    }


@pytest.mark.parametrize(
    "method",
    ["SendEmail", "/zidimail.v1.EmailService/Nothing", "/grpc.health.v1.Health/Check", SEND_EMAIL + "/"],
)
async def test_get_caller_refuses_an_unknown_method(
    channel: grpc.aio.Channel, stack: Stack, method: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await caller(channel, bearer(stack.owner.api_key), method)
    code, reason, metadata, _ = fault_of(refused.value)
    assert (code, reason, metadata) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "VALIDATION_FAILED",
        {"field": "method"},
    )
