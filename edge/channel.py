"""The edge's one connection to the gRPC server."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from operator import methodcaller
from typing import Any, Protocol, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message

M = TypeVar("M", bound=Message)
ResponseT_co = TypeVar("ResponseT_co", covariant=True)

Metadata = Sequence[tuple[str, str]]

OPTIONS: list[tuple[str, int]] = [
    # The server's own limit; what may be larger than a body of ours is an answer full of bodies.
    ("grpc.max_send_message_length", 64 << 20),
    ("grpc.max_receive_message_length", 64 << 20),
    # A restarted server must be found again within a second: the default grows to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # How long one attempt to connect may take, whatever its name says: a server that is far away or busy
    # needs a while, and calls wait no longer than this for one that does not answer at all (not 20 s).
    ("grpc.min_reconnect_backoff_ms", 5_000),
    # A peer that vanished without closing is noticed while calls are open, not after TCP gives up.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Proxy variables of the environment are meant for the way out, never for this hop.
    ("grpc.enable_http_proxy", 0),
    # A repeated call could send twice: whoever repeats must hold the idempotency key.
    ("grpc.enable_retries", 0),
]


class Unary(Protocol[ResponseT_co]):
    """A unary method of the server, ready to be called. The deadline is in seconds from now.

    Raises grpc.aio.AioRpcError.
    """

    def __call__(self, request: Any, /, *, timeout: float, metadata: Metadata) -> Awaitable[ResponseT_co]: ...


class Channel:
    """Calls methods of the server by name. To be made inside the running event loop."""

    def __init__(self, target: str, secret: str = "") -> None:
        """`secret` is the installation's for its edges; without one, the server does not know this edge."""
        self._proof: Metadata = (("x-zidimail-edge", secret),) if secret else ()
        self._channel = grpc.aio.insecure_channel(target, options=OPTIONS)

    def unary(self, method: str, response: type[M]) -> Unary[M]:
        """The method `package.Service.Method`, called with a message."""
        return self._unary(method, methodcaller("SerializeToString"), response)

    def unary_of_bytes(self, method: str, response: type[M]) -> Unary[M]:
        """The method `package.Service.Method`, called with a message that is serialised already."""
        return self._unary(method, None, response)

    def _unary(self, method: str, serialise: Any, response: type[M]) -> Unary[M]:
        service, _, name = method.rpartition(".")
        unary: Unary[M] = self._channel.unary_unary(
            f"/{service}/{name}",
            request_serializer=serialise,
            response_deserializer=response.FromString,
        )
        proof = self._proof

        def call(request: Any, /, *, timeout: float, metadata: Metadata) -> Awaitable[M]:
            return unary(request, timeout=timeout, metadata=(*metadata, *proof))

        return call

    async def close(self) -> None:
        await self._channel.close(grace=None)
