"""Interceptors around each kind of call: unary, and with streams on either side (contract rows F-7, C-91)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from google.rpc import error_details_pb2, status_pb2
from structlog.testing import capture_logs
from zidimail.v1 import access_pb2

from server.environment import Rate
from server.faults import ValidationFailed, Violation
from server.wire.access import access_rules
from server.wire.admission import Admission
from server.wire.caller import Caller, KeyCaller, OperatorCaller, SessionCaller, any_caller
from server.wire.faults import InvalidCredentials
from server.wire.interceptors import Pipeline
from server.wire.sign_in_limit import SignInLimit
from server.wire.sizes import RequestSizes
from tests.harness.waiting import until
from tests.unit.server.wire.services import KINDS, service_of, serving

SECRET = "0123456789abcdef" * 2
WITHIN_S = 10.0
RULE = access_pb2.Access(
    credentials=[access_pb2.CREDENTIAL_API_KEY, access_pb2.CREDENTIAL_INTERNAL],
    permissions=[access_pb2.PERMISSION_READ_ONLY],
)
GOOD = ("authorization", "Bearer reader")
EDGE = ("x-zidimail-edge", SECRET)

Metadata = tuple[tuple[str, str], ...]


class Keys:
    """API keys by their tokens; a test may revoke them."""

    def __init__(self) -> None:
        self.live = {
            "reader": KeyCaller("org", "1", "read_only"),
            "sender": KeyCaller("org", "2", "send_only"),
            "bound": KeyCaller("org", "3", "full", allowed_networks=(ip_network("192.0.2.0/24"),)),
        }

    async def authenticate(self, token: str) -> KeyCaller | SessionCaller | OperatorCaller:
        if token not in self.live:
            raise InvalidCredentials
        return self.live[token]


class Echo:
    """Says again what it hears, and notes who called and what it read."""

    def __init__(self) -> None:
        self.callers: list[str] = []
        self.read: list[str] = []
        self.ended = asyncio.Event()

    async def Unary(self, request: StringValue, context: Any) -> StringValue:
        self._note()
        await self._hear(request)
        return request

    async def Watch(self, request: StringValue, context: Any) -> AsyncIterator[StringValue]:
        self._note()
        try:
            await self._hear(request)
            yield request
        finally:
            self.ended.set()

    async def Upload(self, requests: AsyncIterator[StringValue], context: Any) -> StringValue:
        self._note()
        try:
            async for request in requests:
                await self._hear(request)
        finally:
            self.ended.set()
        return StringValue(value="".join(self.read))

    async def Chat(self, requests: AsyncIterator[StringValue], context: Any) -> AsyncIterator[StringValue]:
        self._note()
        try:
            async for request in requests:
                await self._hear(request)
                yield request
        finally:
            self.ended.set()

    def _note(self) -> None:
        self.callers.append(any_caller().credential)

    async def _hear(self, request: StringValue) -> None:
        if request.value.startswith("fail"):
            raise ZeroDivisionError("a secret of the server")
        if request.value.startswith("refuse"):
            raise ValidationFailed([Violation("value", "is refused")])
        if request.value == "hang":
            await asyncio.Event().wait()
        self.read.append(request.value)


class Service:
    """The running service with its parts."""

    def __init__(self, channel: grpc.aio.Channel, keys: Keys, echo: Echo) -> None:
        self.keys = keys
        self.echo = echo
        self.channel = channel

    def open(
        self, method: str, *requests: bytes | str, metadata: Metadata = (GOOD,), stays: bool = False
    ) -> Any:
        """Begins a call; with `stays` the client's stream does not end behind its requests."""
        bodies = [text(request) if isinstance(request, str) else request for request in requests]

        async def sent() -> AsyncIterator[bytes]:
            for body in bodies:
                yield body
            if stays:
                await asyncio.Event().wait()

        client_streams, server_streams = KINDS[method]
        kind = f"{'stream' if client_streams else 'unary'}_{'stream' if server_streams else 'unary'}"
        call = getattr(self.channel, kind)(f"/test.Echo/{method}")
        return call(sent() if client_streams else bodies[0], metadata=metadata)

    async def answer(self, method: str, *requests: bytes | str, **how: Any) -> list[str]:
        """The answers of a call to its end."""
        return await answers_of(method, self.open(method, *requests, **how))

    async def refusal(self, method: str, *requests: bytes | str, **how: Any) -> str:
        """The reason why a call fails."""
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await self.answer(method, *requests, **how)
        return reason_of(failed.value)


async def answers_of(method: str, call: Any) -> list[str]:
    if KINDS[method][1]:
        return [StringValue.FromString(answer).value async for answer in call]
    return [StringValue.FromString(await call).value]


def text(value: str) -> bytes:
    return StringValue(value=value).SerializeToString()


def reason_of(error: grpc.aio.AioRpcError) -> str:
    trailers: dict[str, Any] = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return info.reason


async def refuse_large(method: str, caller: Caller, size: int) -> None:
    """Allows no caller more bytes than a message without files has."""
    raise ValidationFailed([Violation("request", f"{size} bytes")])


@asynccontextmanager
async def running(
    rule: access_pb2.Access = RULE, sign_in_limit: SignInLimit | None = None, **bounds: float
) -> AsyncIterator[Service]:
    """The service with the same access rule for all its methods."""
    service = service_of(dict.fromkeys(KINDS, rule))
    keys, echo = Keys(), Echo()
    sizes = RequestSizes([service], refuse_large)
    pipeline = Pipeline(access_rules([service]), Admission(keys, SECRET, (), sign_in_limit), sizes, **bounds)
    async with asyncio.timeout(WITHIN_S), serving(service, echo, pipeline) as channel:
        yield Service(channel, keys, echo)


@pytest.mark.parametrize("method", KINDS)
async def test_a_call_of_each_kind_is_served(method: str) -> None:
    async with running() as service:
        assert "".join(await service.answer(method, "a", *["b"] * KINDS[method][0])) in ("a", "ab")
        assert service.echo.callers == ["api_key"]


@pytest.mark.parametrize("method", KINDS)
async def test_invalid_credential_is_refused_before_a_message_is_read(method: str) -> None:
    """The client's stream stays open: the refusal does not wait for a message."""
    client_streams = KINDS[method][0]
    sent = () if client_streams else ("a",)
    async with running() as service:
        for metadata, reason in (
            ((), "MISSING_CREDENTIALS"),
            ((("authorization", "Bearer nobody"),), "INVALID_CREDENTIALS"),
            ((GOOD, GOOD), "INVALID_CREDENTIALS"),
            ((("authorization", "Bearer sender"),), "MISSING_PERMISSION"),
            ((("authorization", "Bearer bound"), ("x-client-ip", "192.0.2.1")), "ADDRESS_NOT_ALLOWED"),
            ((GOOD, ("x-zidimail-edge", "a guess")), "UNAVAILABLE"),
        ):
            assert await service.refusal(method, *sent, metadata=metadata, stays=True) == reason
        assert service.echo.callers == []


@pytest.mark.parametrize("method", KINDS)
async def test_malformed_protobuf_is_invalid_argument(method: str) -> None:
    async with running() as service:
        assert await service.refusal(method, b"\xff") == "VALIDATION_FAILED"


@pytest.mark.parametrize("method", ["Upload", "Chat"])
async def test_malformed_protobuf_ends_a_stream(method: str) -> None:
    async with running() as service:
        assert await service.refusal(method, "a", b"\xff", "b") == "VALIDATION_FAILED"
        assert service.echo.read == ["a"]


@pytest.mark.parametrize("method", KINDS)
async def test_unexpected_exception_is_an_internal_error_without_details(method: str) -> None:
    async with running() as service:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await service.answer(method, "fail")
        assert reason_of(failed.value) == "INTERNAL"
        assert "secret" not in (failed.value.details() or "")


@pytest.mark.parametrize("method", ["Unary", "Upload"])
async def test_a_caller_without_a_deadline_gets_one(method: str) -> None:
    async with running(deadline_s=0.1) as service:
        assert await service.refusal(method, "hang") == "UNAVAILABLE"


async def test_an_upload_that_never_ends_meets_the_deadline() -> None:
    async with running(deadline_s=0.1) as service:
        assert await service.refusal("Upload", "a", stays=True) == "UNAVAILABLE"
        await service.echo.ended.wait()


@pytest.mark.parametrize("method", ["Watch", "Upload", "Chat"])
async def test_a_stream_ends_when_its_key_is_revoked(method: str) -> None:
    """F-7, S-19: also a stream in which nothing happens."""
    async with running(recheck_s=0.05) as service:
        requests = ("hang",) if method == "Watch" else ("a",)
        call = service.open(method, *requests, stays=True)
        await until(lambda: bool(service.echo.callers))
        del service.keys.live["reader"]
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await answers_of(method, call)
        assert reason_of(ended.value) == "INVALID_CREDENTIALS"
        await service.echo.ended.wait()


@pytest.mark.parametrize("method", ["Watch", "Upload", "Chat"])
async def test_disconnected_client_ends_its_stream(method: str) -> None:
    async with running() as service:
        call = service.open(method, *(("hang",) if method == "Watch" else ("a",)), stays=True)
        await until(lambda: bool(service.echo.callers))
        call.cancel()
        await service.echo.ended.wait()


@pytest.mark.parametrize("method", KINDS)
async def test_calls_that_sign_people_in_are_limited_by_address(method: str) -> None:
    """C-47: also those with a credential. An edge has counted its own clients."""
    edge = (GOOD, EDGE)
    async with running(RULE, SignInLimit(Rate(1, 3600))) as service:
        for _ in range(3):
            assert await service.answer(method, "a") == ["a"]
            service.echo.read.clear()
    limited = access_pb2.Access()
    limited.CopyFrom(RULE)
    limited.sign_in = True
    async with running(limited, SignInLimit(Rate(1, 3600))) as service:
        assert await service.answer(method, "a") == ["a"]
        assert await service.refusal(method, "a") == "TOO_MANY_REQUESTS"
        service.echo.read.clear()
        assert await service.answer(method, "a", metadata=edge) == ["a"]


@pytest.mark.parametrize("method", KINDS)
async def test_public_method_is_served_to_everyone(method: str) -> None:
    """Also with a credential that is worth nothing, such as the cookie of a session that ended."""
    async with running(access_pb2.Access(credentials=[access_pb2.CREDENTIAL_NONE])) as service:
        for metadata in ((), (("authorization", "Bearer nobody"),), (GOOD, GOOD)):
            assert await service.answer(method, "a", metadata=metadata) == ["a"]
            service.echo.read.clear()
        assert set(service.echo.callers) == {"none"}


async def test_internal_caller_is_admitted_by_its_secret() -> None:
    async with running() as service:
        assert await service.answer("Unary", "a", metadata=(("authorization", f"Internal {SECRET}"),)) == [
            "a"
        ]
        assert service.echo.callers == ["internal"]
        assert await service.refusal("Unary", "a", metadata=(EDGE,)) == "MISSING_CREDENTIALS"


async def test_a_bound_key_works_for_the_clients_that_a_known_edge_names() -> None:
    """C-91."""
    bound = ("authorization", "Bearer bound")
    async with running() as service:
        for clients, allowed in (
            ("192.0.2.1", True),
            ("192.0.2.1,192.0.2.2", True),
            ("192.0.2.1,198.51.100.1", False),
            ("unknown", False),
        ):
            metadata = (bound, EDGE, ("x-client-ip", clients))
            if allowed:
                assert await service.answer("Unary", "a", metadata=metadata) == ["a"]
            else:
                assert await service.refusal("Unary", "a", metadata=metadata) == "ADDRESS_NOT_ALLOWED"
        assert await service.refusal("Unary", "a", metadata=(bound, EDGE)) == "ADDRESS_NOT_ALLOWED"


@pytest.mark.parametrize("method", KINDS)
async def test_a_call_is_logged_once_with_the_ids_of_its_requests(method: str) -> None:
    async with running() as service:
        with capture_logs() as logs:
            await service.answer(
                method, "a", metadata=(GOOD, EDGE, ("x-request-id", "1"), ("x-request-ids", "1,2"))
            )
            await service.answer(method, "b", metadata=(GOOD, ("x-request-ids", "3,4")))
            await service.refusal(
                method, "c", metadata=(EDGE, ("x-request-id", "5"), ("x-request-ids", "5,6"))
            )
            # A refusal arrives before its line is written.
            await until(lambda: len(logs) == 3)
    lines = [(log["code"], log["org_id"], log.get("request_ids")) for log in logs]
    assert lines == [
        ("OK", "org", ["1", "2"]),
        ("OK", "org", None),
        ("UNAUTHENTICATED", None, ["5", "6"]),
    ]
    assert [logs[0]["request_id"], logs[2]["request_id"]] == ["1", "5"]
    assert SECRET not in repr(logs)
    assert "reader" not in repr(logs)
