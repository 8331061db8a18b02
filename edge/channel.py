"""The edge's one connection to the gRPC server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, Self, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message

from edge.files_apart import serialised
from edge.settings import Tls

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
    # The time limit of one attempt to connect, despite its name: a server that is far away or busy
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


class ClientStream(Protocol):
    """A method of the server that takes a stream of requests; the call is written to and then awaited."""

    def __call__(self, *, timeout: float, metadata: Metadata) -> grpc.aio.StreamUnaryCall[Any, Any]: ...


class ServerStream(Protocol):
    """A method of the server that answers with a stream of messages, which the caller reads."""

    def __call__(
        self, request: Any, /, *, timeout: float, metadata: Metadata
    ) -> grpc.aio.UnaryStreamCall[Any, Any]: ...


class Channel:
    """The methods of the server by name, `package.Service.Method`.

    They are asked for when the edge is built and can be called while the channel is open: gRPC ties a channel
    to the event loop that it is made in.
    """

    def __init__(self, target: str, secret: str = "", tls: Tls | None = None) -> None:
        """`secret` proves this edge to the server (C-91), and so does the certificate of `tls`; without both
        the server trusts nothing it says. Without `tls` all goes in clear."""
        self._target = target
        self._tls = tls
        self._proof: Metadata = (("x-zidimail-edge", secret),) if secret else ()
        self._methods: list[_Method] = []

    async def __aenter__(self) -> Self:
        """Opens the channel."""
        if self._tls is None:
            self._channel = grpc.aio.insecure_channel(self._target, options=OPTIONS)
        else:
            credentials = grpc.ssl_channel_credentials(*self._tls)
            self._channel = grpc.aio.secure_channel(self._target, credentials, options=OPTIONS)
        for method in self._methods:
            method.connect(self._channel)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close(grace=None)

    def unary(self, method: str, response: type[M]) -> Unary[M]:
        """A method that is called with a message."""
        return self._method(_Method("unary_unary", method, serialised, response, self._proof))

    def unary_of_bytes(self, method: str, response: type[M]) -> Unary[M]:
        """A method that is called with a message that is serialised already."""
        return self._method(_Method("unary_unary", method, None, response, self._proof))

    def client_stream(self, method: str, response: type[Message]) -> ClientStream:
        """A method that takes a stream of messages."""
        return self._method(_Method("stream_unary", method, serialised, response, self._proof))

    def server_stream(self, method: str, response: type[Message]) -> ServerStream:
        """A method that answers with a stream of messages."""
        return self._method(_Method("unary_stream", method, serialised, response, self._proof))

    def _method(self, method: _Method) -> _Method:
        self._methods.append(method)
        return method


class _Method:
    """A method of a channel that may not be open yet."""

    def __init__(
        self,
        kind: str,
        name: str,
        serialise: Callable[[Message], bytes] | None,
        response: type[Message],
        proof: Metadata,
    ) -> None:
        service, _, method = name.rpartition(".")
        self._kind = kind
        self._path = f"/{service}/{method}"
        self._serialise = serialise
        self._response = response
        self._proof = proof

    def connect(self, channel: grpc.aio.Channel) -> None:
        # Any: the callables of grpc.aio differ in their kind only.
        make: Any = getattr(channel, self._kind)
        self._call = make(
            self._path, request_serializer=self._serialise, response_deserializer=self._response.FromString
        )

    def __call__(self, *request: Any, timeout: float, metadata: Metadata) -> Any:
        return self._call(*request, timeout=timeout, metadata=(*metadata, *self._proof))
