"""The layers around every call of the services of `zidimail.v1`, in the order of `LAYERS`.

Health and reflection have none: load balancers and tools call them without a credential, and they show no
data of customers.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from traceback import clear_frames
from typing import Any, TypeAlias

import grpc
import structlog

from server.faults import Fault, Internal, Unavailable
from server.ids import new_id
from server.wire import metrics
from server.wire.access import AccessRule
from server.wire.address import peer_address
from server.wire.admission import CALLER_KEYS, Admission, Metadata, by_key, check_addresses, request_ids
from server.wire.caller import AnonymousCaller, Caller, OrganisationCaller, set_current_caller
from server.wire.rechecks import Rechecks
from server.wire.sizes import SMALL_BYTES, RequestSizes
from server.wire.status import DETAILS_KEY, code_of, status_of
from server.wire.streams import parse, parse_each, single, while_admitted

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
async def request_id(call: Call) -> AsyncIterator[None]:
    """Takes the caller's request id or makes one, and returns it as trailing metadata."""
    given = call.metadata.get(_REQUEST_ID_KEY, ("",))[-1]
    call.request_id = given if 0 < len(given) <= _REQUEST_ID_MAX_LENGTH else new_id()
    call.context.set_trailing_metadata(((_REQUEST_ID_KEY, call.request_id),))
    yield


@asynccontextmanager
async def access_log(call: Call) -> AsyncIterator[None]:
    """Logs one line for each call, never with an address, a subject or a credential."""
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
            **({"request_ids": call.request_ids} if call.request_ids else {}),
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
    """Turns exceptions into the call's status; an unexpected one is logged and becomes `Internal`."""
    try:
        yield
    except Fault as fault:
        _release(fault)
        await call.abort(fault)
    except TimeoutError as error:
        _release(error)
        await call.abort(Unavailable(1.0, "The server did not finish in time. Repeat the call later."))
    except asyncio.CancelledError:
        call.code = "CANCELLED"
        raise
    except Exception as error:
        _log.exception("a call failed", method=call.method, request_id=call.request_id)
        _release(error)
        await call.abort(Internal(call.request_id))


def _release(error: BaseException) -> None:
    """Empties the frames that an exception and those behind it have passed: they hold the request.

    Context managers keep the frames in cycles, and Python seldom looks for those among old objects: megabytes
    of each refused request would stay until then.

    An outage is left alone. Calls that it ends together share its exception, and to empty the frames of one
    that is not over would end it.
    """
    if isinstance(error, Unavailable):
        return
    behind: BaseException | None = error
    while behind is not None:
        clear_frames(behind.__traceback__)
        behind = behind.__cause__ or behind.__context__


def _without_frames(error: Exception) -> Exception:
    """The exception that ends a call, without the frames that it passed and the exceptions behind it.

    gRPC keeps it for ever, in an object that refers to itself and that Python cannot find.
    """
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)


@asynccontextmanager
async def authenticate(call: Call) -> AsyncIterator[None]:
    """Authenticates the edge and the caller, and checks the caller's access to the method."""
    call.is_edge = call.admission.is_edge(call.metadata)
    if call.is_edge:
        call.request_ids = request_ids(call.metadata)
    await call.admit()
    yield


Layer = Callable[[Call], AbstractAsyncContextManager[None]]

# Outermost first.
LAYERS: tuple[Layer, ...] = (
    request_id,  # first: later log lines and errors have it
    access_log,  # logs the status code that the layers below set
    measure,  # likewise
    faults,  # sets that code for exceptions of the layers below
    authenticate,  # last: no code of the method runs before it
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
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """The handler of the call's method, wrapped in `LAYERS` if the method has an access rule."""
        method = handler_call_details.method
        wrapped = self._wrapped.get(method)
        if wrapped is None:
            handler = await continuation(handler_call_details)
            if handler is None or method not in self._rules:
                return handler
            wrapped = self._wrapped[method] = self._wrap(method, handler)
        return wrapped

    def _wrap(self, method: str, handler: Handler) -> Handler:
        # Requests are parsed inside the layers, so that invalid bytes become a `ValidationFailed`.
        if handler.response_streaming:
            return self._streaming(method, handler)
        if handler.request_streaming:
            return self._collecting(method, handler)

        async def unary(body: bytes, context: Context) -> object:
            try:
                async with AsyncExitStack() as stack:
                    call = await self._enter(stack, method, context)
                    async with self._deadline(context):
                        if len(body) > SMALL_BYTES:
                            await self._sizes.check(method, call.caller, body)
                        return await handler.unary_unary(parse(handler.request_deserializer, body), context)
            except Exception as error:
                raise _without_frames(error) from None
            finally:
                # The exception passes this frame too.
                del body

        return grpc.unary_unary_rpc_method_handler(unary, None, handler.response_serializer)

    def _collecting(self, method: str, handler: Handler) -> Handler:
        async def collect(bodies: AsyncIterator[bytes], context: Context) -> object:
            async with AsyncExitStack() as stack:
                call = await self._enter(stack, method, context)
                requests = parse_each(handler.request_deserializer, bodies)
                responses = single(handler.stream_unary(requests, context))
                refused = stack.enter_context(self._rechecks.watched(call.caller_key, call.admit))
                async with (
                    self._deadline(context),
                    aclosing(while_admitted(responses, refused)) as admitted,
                ):
                    return await anext(admitted)

        return grpc.stream_unary_rpc_method_handler(collect, None, handler.response_serializer)

    def _streaming(self, method: str, handler: Handler) -> Handler:
        async def stream(given: Handler, context: Context) -> AsyncIterator[object]:
            async with AsyncExitStack() as stack:
                call = await self._enter(stack, method, context)
                if handler.request_streaming:
                    requests = parse_each(handler.request_deserializer, given)
                    responses = handler.stream_stream(requests, context)
                else:
                    await self._sizes.check(method, call.caller, given)
                    responses = handler.unary_stream(parse(handler.request_deserializer, given), context)
                refused = stack.enter_context(self._rechecks.watched(call.caller_key, call.admit))
                async with aclosing(while_admitted(responses, refused)) as admitted:
                    async for response in admitted:
                        yield response

        if handler.request_streaming:
            return grpc.stream_stream_rpc_method_handler(stream, None, handler.response_serializer)
        return grpc.unary_stream_rpc_method_handler(stream, None, handler.response_serializer)

    def _deadline(self, context: Context) -> asyncio.Timeout:
        """The deadline of a call whose caller sets none; streams of responses have none, as they may last."""
        return asyncio.timeout(self._deadline_s if context.time_remaining() is None else None)

    async def _enter(self, stack: AsyncExitStack, method: str, context: Context) -> Call:
        metadata = by_key(context.invocation_metadata() or ())
        call = Call(method, self._rules[method], self._admission, context, metadata)
        for layer in LAYERS:
            await stack.enter_async_context(layer(call))
        return call
