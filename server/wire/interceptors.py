"""The layers around every call of the services of `zidimail.v1`.

Health and reflection have none: load balancers and tools call them without a credential, and they show no
data of customers.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import grpc
import structlog

from server.faults import Fault, Internal, Unavailable
from server.ids import new_id
from server.wire import metrics
from server.wire.access import AccessRule
from server.wire.acquaintances import Acquaintances
from server.wire.address import peer_address
from server.wire.admission import CALLER_KEYS, Admission, Metadata, by_key, check_addresses, request_ids
from server.wire.caller import (
    AnonymousCaller,
    Caller,
    OrganisationCaller,
    set_current_caller,
    set_through_edge,
)
from server.wire.contents import release_files
from server.wire.frames import release, without_frames
from server.wire.rechecks import Rechecks
from server.wire.sizes import SMALL_BYTES, RequestSizes
from server.wire.status import DETAILS_KEY, code_of, status_of
from server.wire.streams import body_of, parse, parse_each, single, while_admitted

# The deadline of calls without their own.
DEFAULT_DEADLINE_S = 30.0
# The interval at which a stream checks its credential again.
RECHECK_S = 1.0
_REQUEST_ID_KEY = "x-request-id"
_REQUEST_ID_MAX_LENGTH = 128
_log = structlog.get_logger()

Context = grpc.aio.ServicerContext[Any, Any]
# The handler objects of gRPC have no public type; nor is there one for all messages that they take and give.
Handler: TypeAlias = Any


@dataclass(slots=True)
class Call:
    """A call in progress, with the data that its layers share."""

    method: str
    rule: AccessRule
    admission: Admission
    context: Context
    metadata: Metadata = field(repr=False)  # it holds credentials
    request_id: str = ""
    # The ids of the requests that an edge joined into this call.
    request_ids: Sequence[str] = ()
    is_edge: bool = False
    code: str = "OK"
    org_id: str | None = None
    caller: Caller = field(default_factory=AnonymousCaller, repr=False)
    started: float = field(default_factory=time.perf_counter)

    @property
    def caller_key(self) -> Hashable:
        """Equal for calls that are admitted or refused together."""
        credentials = tuple(tuple(self.metadata.get(key, ())) for key in CALLER_KEYS)
        return self.method, credentials, peer_address(self.context.peer())

    async def admit(self) -> None:
        """Authenticates the caller and checks its access. Raises the fault of a refusal."""
        if self.rule.is_open:
            set_current_caller(AnonymousCaller())
            return
        caller = await self.admission.caller(self.metadata)
        if isinstance(caller, OrganisationCaller):
            self.org_id = caller.org_id
        check_addresses(caller, self.metadata, self.context.peer, is_edge=self.is_edge)
        self.rule.check(caller)
        self.caller = caller
        set_current_caller(caller)

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
async def around(call: Call) -> AsyncIterator[None]:
    """The layers around a call, outermost first: its request id, its log line and its measures, the status of
    exceptions, and the admission of its caller. None of the method's code runs before the last."""
    given = call.metadata.get(_REQUEST_ID_KEY, ("",))[-1]
    call.request_id = given if 0 < len(given) <= _REQUEST_ID_MAX_LENGTH else new_id()
    call.context.set_trailing_metadata(((_REQUEST_ID_KEY, call.request_id),))
    try:
        call.is_edge = call.admission.is_edge(call.metadata, call.context.peer_identities)
        if call.is_edge:
            call.request_ids = request_ids(call.metadata)
            set_through_edge()
        elif call.rule.sign_in:
            call.admission.count_sign_in(call.context.peer())
        await call.admit()
        yield
    except Fault as fault:
        release(fault)
        await call.abort(fault)
    except TimeoutError as error:
        release(error)
        await call.abort(Unavailable(1.0, "The server did not finish in time. Repeat the call later."))
    except asyncio.CancelledError:
        call.code = "CANCELLED"
        raise
    except Exception as error:
        _log.exception("a call failed", method=call.method, request_id=call.request_id)
        release(error)
        await call.abort(Internal(call.request_id))
    finally:
        seconds = time.perf_counter() - call.started
        metrics.CALLS.labels(call.method, call.code).inc()
        metrics.SECONDS.labels(call.method).observe(seconds)
        # Never with an address, a subject or a credential.
        joined = {"request_ids": call.request_ids} if call.request_ids else {}
        _log.info(
            "call",
            method=call.method,
            code=call.code,
            ms=round(seconds * 1000, 2),
            org_id=call.org_id,
            request_id=call.request_id,
            **joined,
        )


class Pipeline(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]
    """Wraps the methods that have an access rule; each is wrapped once."""

    def __init__(
        self,
        rules: Mapping[str, AccessRule],
        admission: Admission,
        sizes: RequestSizes,
        *,
        deadline_s: float = DEFAULT_DEADLINE_S,
        recheck_s: float = RECHECK_S,
    ) -> None:
        """`rules` is keyed by full method path."""
        self._rules = rules
        self._admission = admission
        self._sizes = sizes
        self._deadline_s = deadline_s
        self._rechecks = Rechecks(recheck_s)
        self._known = Acquaintances()
        # By method and whether the caller is known.
        self._wrapped: dict[tuple[str, bool], Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """The handler of the call's method, wrapped if the method has an access rule."""
        method = handler_call_details.method
        is_known = self._known.knows(method, handler_call_details.invocation_metadata or ())
        wrapped = self._wrapped.get((method, is_known))
        if wrapped is None:
            handler = await continuation(handler_call_details)
            if handler is None or method not in self._rules:
                return handler
            wrapped = self._wrapped[method, is_known] = self._wrap(method, handler, is_known=is_known)
        return wrapped

    def _wrap(self, method: str, handler: Handler, *, is_known: bool) -> Handler:
        # Requests are parsed inside the layers, so that invalid bytes become a `ValidationFailed`.
        if handler.response_streaming:
            return self._streaming(method, handler, is_known=is_known)
        if handler.request_streaming:
            return self._collecting(method, handler)

        async def unary(given: bytes | AsyncIterator[bytes], context: Context) -> object:
            body = b""
            call = self._call(method, context)
            try:
                async with around(call), self._deadline(context):
                    body = given if isinstance(given, bytes) else await self._first(given, call)
                    if len(body) > SMALL_BYTES:
                        await self._sizes.check(method, call.caller, body)
                    return await handler.unary_unary(parse(handler.request_deserializer, body), context)
            except Exception as error:
                raise without_frames(error) from None
            finally:
                release_files()
                # The exception passes this frame too.
                del body, given

        if is_known:
            return grpc.unary_unary_rpc_method_handler(unary, None, handler.response_serializer)
        return grpc.stream_unary_rpc_method_handler(unary, None, handler.response_serializer)

    def _collecting(self, method: str, handler: Handler) -> Handler:
        async def collect(bodies: AsyncIterator[bytes], context: Context) -> object:
            call = self._call(method, context)
            try:
                async with around(call), AsyncExitStack() as stack:
                    requests = parse_each(handler.request_deserializer, bodies)
                    stack.push_async_callback(requests.aclose)
                    responses = single(handler.stream_unary(requests, context))
                    refused = stack.enter_context(self._rechecks.watched(call.caller_key, call.admit))
                    async with (
                        self._deadline(context),
                        aclosing(while_admitted(responses, refused)) as admitted,
                    ):
                        return await anext(admitted)
            except Exception as error:
                raise without_frames(error) from None

        return grpc.stream_unary_rpc_method_handler(collect, None, handler.response_serializer)

    def _streaming(self, method: str, handler: Handler, *, is_known: bool) -> Handler:
        async def stream(given: Handler, context: Context) -> AsyncIterator[object]:
            body = b""
            call = self._call(method, context)
            try:
                async with around(call), AsyncExitStack() as stack:
                    if handler.request_streaming:
                        requests = parse_each(handler.request_deserializer, given)
                        stack.push_async_callback(requests.aclose)
                        responses = handler.stream_stream(requests, context)
                    else:
                        body = given if isinstance(given, bytes) else await self._first(given, call)
                        await self._sizes.check(method, call.caller, body)
                        responses = handler.unary_stream(parse(handler.request_deserializer, body), context)
                    # A stream may last, and needs the bytes of its request no longer.
                    given, body = None, b""
                    refused = stack.enter_context(self._rechecks.watched(call.caller_key, call.admit))
                    async with aclosing(while_admitted(responses, refused)) as admitted:
                        async for response in admitted:
                            yield response
            except Exception as error:
                raise without_frames(error) from None
            finally:
                del body, given

        if handler.request_streaming or not is_known:
            return grpc.stream_stream_rpc_method_handler(stream, None, handler.response_serializer)
        return grpc.unary_stream_rpc_method_handler(stream, None, handler.response_serializer)

    async def _first(self, bodies: AsyncIterator[bytes], call: Call) -> bytes:
        """The one message of a caller who has just been admitted. Raises `ValidationFailed`."""
        self._known.add(call.method, call.context.invocation_metadata() or ())
        return await body_of(bodies)

    def _deadline(self, context: Context) -> asyncio.Timeout:
        """The deadline of a call whose caller sets none; streams of responses have none, as they may last."""
        return asyncio.timeout(self._deadline_s if context.time_remaining() is None else None)

    def _call(self, method: str, context: Context) -> Call:
        metadata = by_key(context.invocation_metadata() or ())
        return Call(method, self._rules[method], self._admission, context, metadata)
