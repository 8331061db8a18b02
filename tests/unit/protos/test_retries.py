"""The service configs that clients take for their retries: complete, and understood by a real client."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest

from tests.unit.protos.contract import METHODS, ROOT

CLIENTS = ROOT / "docs" / "clients"
PAGE = (CLIENTS / "retries.md").read_text()
# The rows of its last table: | `Service/Method` | reason | remedy |
NEVER = re.findall(r"^\| `(\w+/\w+)` \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
SENDS = {
    *(
        f"EmailService/{name}"
        for name in ("SendEmail", "SendRawEmail", "BatchSendEmails", "BatchSendRawEmails")
    ),
    "BatchJobService/CreateBatchJob",
    "ContactsService/SendToContactList",
}
READS = ("Get", "List", "Watch")


def text(name: str) -> str:
    return (CLIENTS / f"{name}.json").read_text()


READS_AND_CHANGES, WITH_SENDS = text("service-config"), text("service-config-with-sends")


def repeated(config: str) -> list[str]:
    """The methods that a service config has a retry policy for."""
    (policy,) = json.loads(config)["methodConfig"]
    assert policy["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]
    assert all(name["service"].startswith("zidimail.v1.") for name in policy["name"])
    return [f"{name['service'].removeprefix('zidimail.v1.')}/{name['method']}" for name in policy["name"]]


def test_every_method_is_either_repeated_or_listed_with_the_reason_why_not() -> None:
    methods = {f"{method.containing_service.name}/{method.name}" for method in METHODS}
    listed = [*repeated(READS_AND_CHANGES), *(name for name, _, _ in NEVER)]
    assert sorted(listed) == sorted(methods)
    assert all(reason and remedy for _, reason, remedy in NEVER)


def test_every_read_is_repeated() -> None:
    assert not [name for name, _, _ in NEVER if name.partition("/")[2].startswith(READS)]


def test_sends_are_repeated_by_the_config_for_programs_with_idempotency_keys_only() -> None:
    assert set(repeated(WITH_SENDS)) - set(repeated(READS_AND_CHANGES)) == SENDS
    with_sends, without = json.loads(WITH_SENDS), json.loads(READS_AND_CHANGES)
    (policy,) = with_sends["methodConfig"]
    sends = {name.partition("/")[2] for name in SENDS}
    policy["name"] = [name for name in policy["name"] if name["method"] not in sends]
    assert with_sends == without


class Calls(grpc.GenericRpcHandler):  # type: ignore[type-arg]
    """All methods of a server: the first call fails with UNAVAILABLE, later ones get an empty message."""

    def __init__(self) -> None:
        self.count = 0

    # Any: the handlers of gRPC have no public type.
    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        if handler_call_details.method.endswith("/WatchEvents"):
            return grpc.unary_stream_rpc_method_handler(self._stream)
        return grpc.unary_unary_rpc_method_handler(self._answer)

    async def _answer(self, _: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        self.count += 1
        if self.count == 1:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "starting")
        return b""

    async def _stream(
        self, request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]
    ) -> AsyncIterator[bytes]:
        yield await self._answer(request, context)


@asynccontextmanager
async def serving(config: str) -> AsyncIterator[tuple[grpc.aio.Channel, Calls]]:
    """A channel with a service config to such a server, and its calls."""
    calls = Calls()
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((calls,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    options = [("grpc.service_config", config)]
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
            yield channel, calls
    finally:
        await server.stop(None)


@pytest.mark.parametrize(
    ("config", "method"),
    [
        (READS_AND_CHANGES, "EmailService/GetEmail"),
        (READS_AND_CHANGES, "WebhookService/UpdateWebhook"),
        (WITH_SENDS, "EmailService/GetEmail"),
        (WITH_SENDS, "EmailService/SendEmail"),
        (WITH_SENDS, "EmailService/BatchSendEmails"),
    ],
)
async def test_a_real_client_repeats_a_call_by_the_config(config: str, method: str) -> None:
    async with serving(config) as (channel, calls):
        assert await channel.unary_unary(f"/zidimail.v1.{method}", bytes, bytes)(b"", timeout=30) == b""
    assert calls.count == 2


async def test_a_real_client_repeats_a_stream_that_has_not_begun() -> None:
    async with serving(READS_AND_CHANGES) as (channel, calls):
        stream = channel.unary_stream("/zidimail.v1.EventService/WatchEvents", bytes, bytes)(b"", timeout=30)
        assert [answer async for answer in stream] == [b""]
    assert calls.count == 2


@pytest.mark.parametrize(
    ("config", "method"),
    [
        *((READS_AND_CHANGES, name) for name, _, _ in NEVER),
        *((WITH_SENDS, name) for name, _, _ in NEVER if name not in SENDS),
    ],
)
async def test_a_real_client_does_not_repeat_a_call_that_the_page_excepts(config: str, method: str) -> None:
    async with serving(config) as (channel, calls):
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await channel.unary_unary(f"/zidimail.v1.{method}", bytes, bytes)(b"", timeout=30)
    assert failed.value.code() is grpc.StatusCode.UNAVAILABLE
    assert calls.count == 1
