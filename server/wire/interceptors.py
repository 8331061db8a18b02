"""What surrounds every call of this package's services, in the order of `LAYERS`.

Health and reflection are left alone: they belong to load balancers and tools, carry no credential and tell
nothing about a customer.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import structlog
from google.protobuf.message import DecodeError

from server.faults import (
    Fault,
    Internal,
    Unavailable,
    ValidationFailed,
    Violation,
)
from server.ids import new_id
from server.wire import metrics
from server.wire.access import AccessRule
from server.wire.address import CLIENT_KEY, Network, client_address
from server.wire.caller import Authenticator, KeyCaller, OrganisationCaller, set_current_caller
from server.wire.faults import AddressNotAllowed, MissingCredentials
from server.wire.status import DETAILS_KEY, code_of, status_of

# For callers that set no deadline of their own.
DEFAULT_DEADLINE_S = 30.0
# How often a stream asks whether its credential is still valid.
RECHECK_S = 1.0
_REQUEST_ID_KEY = "x-request-id"
_REQUEST_ID_MAX_LENGTH = 128
_log = structlog.get_logger()

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(slots=True)
class Call:
    """A call while it is served: what its layers tell each other."""

    method: str
    rule: AccessRule
    authenticator: Authenticator
    context: Context
    metadata: Mapping[str, str | bytes]
    trusted: Sequence[Network] = ()
    request_id: str = ""
    code: str = "OK"
    org_id: str | None = None
    token: str = field(default="", repr=False)
    started: float = field(default_factory=time.perf_counter)

    async def abort(self, fault: Fault) -> None:
        """Ends the call with a fault."""
        self.code = fault.code
        status = status_of(fault)
        await self.context.abort(
            code_of(fault),
            status.message,
            ((_REQUEST_ID_KEY, self.request_id), (DETAILS_KEY, status.SerializeToString())),
        )


@asynccontextmanager
async def request_id(call: Call) -> AsyncIterator[None]:
    """Takes the caller's request id or makes one, and gives it back with the answer."""
    given = call.metadata.get(_REQUEST_ID_KEY, "")
    if isinstance(given, str) and 0 < len(given) <= _REQUEST_ID_MAX_LENGTH:
        call.request_id = given
    else:
        call.request_id = new_id()
    call.context.set_trailing_metadata(((_REQUEST_ID_KEY, call.request_id),))
    yield


@asynccontextmanager
async def access_log(call: Call) -> AsyncIterator[None]:
    """One line a call: never an address, a subject or a credential."""
    try:
        yield
    finally:
        _log.info(
            "call",
            method=call.method,
            code=call.code,
            ms=round((time.perf_counter() - call.started) * 1000, 2),
            org_id=call.org_id,
            request_id=call.request_id,
        )


@asynccontextmanager
async def measure(call: Call) -> AsyncIterator[None]:
    """Counts the call and its duration."""
    try:
        yield
    finally:
        metrics.CALLS.labels(call.method, call.code).inc()
        metrics.SECONDS.labels(call.method).observe(time.perf_counter() - call.started)


@asynccontextmanager
async def faults(call: Call) -> AsyncIterator[None]:
    """Turns what is raised inside into the call's status; what nobody expected is logged and hidden."""
    try:
        yield
    except Fault as fault:
        await call.abort(fault)
    except TimeoutError:
        await call.abort(Unavailable(1.0, "The server did not finish in time. Repeat the call later."))
    except asyncio.CancelledError:
        call.code = "CANCELLED"
        raise
    except Exception:
        _log.exception("a call failed", method=call.method, request_id=call.request_id)
        await call.abort(Internal(call.request_id))


@asynccontextmanager
async def authenticate(call: Call) -> AsyncIterator[None]:
    """Finds out who calls, and whether the method is open to the credential."""
    authorization = call.metadata.get("authorization")
    if not isinstance(authorization, str) or not authorization.strip():
        raise MissingCredentials
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise MissingCredentials
    call.token = token.strip()
    caller = await call.authenticator.authenticate(call.token)
    if isinstance(caller, OrganisationCaller):
        call.org_id = caller.org_id
    if isinstance(caller, KeyCaller) and caller.allowed_networks:
        address = client_address(call.context.peer(), call.metadata.get(CLIENT_KEY), call.trusted)
        if address is None or not any(address in network for network in caller.allowed_networks):
            raise AddressNotAllowed(str(address or "an unknown address"))
    call.rule.check(caller)
    set_current_caller(caller)
    yield


Layer = Callable[[Call], AbstractAsyncContextManager[None]]

# Outermost first.
LAYERS: tuple[Layer, ...] = (
    request_id,  # first: every later line and error carries it
    access_log,  # sees the code that the layers below decide
    measure,  # likewise
    faults,  # turns what the layers below raise into that code
    authenticate,  # last: nothing of the method runs for a stranger
)


class Pipeline(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]
    """Wraps the methods that have an access rule; each is wrapped once."""

    def __init__(
        self,
        rules: Mapping[str, AccessRule],
        authenticator: Authenticator,
        trusted: Sequence[Network] = (),
    ) -> None:
        """`trusted` are the networks whose edges are believed when they say for whom they call."""
        self._rules = rules
        self._trusted = trusted
        self._authenticator = authenticator
        self._wrapped: dict[str, Any] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """The handler of the call's method, wrapped in `LAYERS` if it is one of ours."""
        method = handler_call_details.method
        wrapped = self._wrapped.get(method)
        if wrapped is None:
            handler = await continuation(handler_call_details)
            if handler is None or method not in self._rules:
                return handler
            wrapped = self._wrapped[method] = self._wrap(method, handler)
        return wrapped

    def _wrap(self, method: str, handler: Any) -> Any:
        # The request is parsed inside the layers, so that bytes which are no message are the caller's error.
        if handler.unary_unary is not None:

            async def unary(body: bytes, context: Context) -> Any:
                async with AsyncExitStack() as stack:
                    await self._enter(stack, method, context)
                    async with asyncio.timeout(
                        DEFAULT_DEADLINE_S if context.time_remaining() is None else None
                    ):
                        return await handler.unary_unary(_parse(handler, body), context)

            return grpc.unary_unary_rpc_method_handler(unary, None, handler.response_serializer)

        async def stream(body: bytes, context: Context) -> AsyncIterator[Any]:
            async with AsyncExitStack() as stack:
                call = await self._enter(stack, method, context)
                responses = handler.unary_stream(_parse(handler, body), context)
                async with aclosing(_while_admitted(call, responses)) as admitted:
                    async for response in admitted:
                        yield response

        return grpc.unary_stream_rpc_method_handler(stream, None, handler.response_serializer)

    async def _enter(self, stack: AsyncExitStack, method: str, context: Context) -> Call:
        metadata = dict(context.invocation_metadata() or ())
        call = Call(method, self._rules[method], self._authenticator, context, metadata, self._trusted)
        for layer in LAYERS:
            await stack.enter_async_context(layer(call))
        return call


_END = object()


async def _while_admitted(call: Call, responses: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
    """The responses of a stream for as long as its credential is valid (F-7, S-19).

    Raises `InvalidCredentials` when it is revoked or expires, or when its organisation is banned.
    """
    recheck_at = time.monotonic() + RECHECK_S
    following: asyncio.Task[Any] | None = None
    try:
        while True:
            following = following or asyncio.ensure_future(_next(responses))
            await asyncio.wait([following], timeout=max(0.0, recheck_at - time.monotonic()))
            if time.monotonic() >= recheck_at:
                await call.authenticator.authenticate(call.token)
                recheck_at = time.monotonic() + RECHECK_S
            if following.done():
                response, following = following.result(), None
                if response is _END:
                    return
                yield response
    finally:
        if following is not None:
            following.cancel()
            await asyncio.wait([following])
        await responses.aclose()


async def _next(responses: AsyncGenerator[Any, None]) -> Any:
    return await anext(responses, _END)


def _parse(handler: Any, body: bytes) -> Any:
    try:
        return handler.request_deserializer(body)
    except DecodeError as error:
        raise ValidationFailed([Violation("", "the request is no message of this method")]) from error
