"""Servicers are registered by the descriptors of their services: no service has wiring of its own."""

import importlib
import inspect
import pkgutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from types import ModuleType
from typing import Protocol

import grpc
from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from server.wire.admission import by_key, client_address
from server.wire.caller import is_through_edge
from server.wire.contents import LARGE_REQUEST, files_of, take_files_out
from server.wire.enums import enum_check
from server.wire.interceptors import Handler
from server.wire.required import required_check
from server.wire.texts import nul_check

_Context = grpc.aio.ServicerContext[Message, Message]
_HANDLERS = {
    # Keys: (client streams, server streams).
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


def services_of(package: ModuleType) -> list[ServiceDescriptor]:
    """Every service of a package of generated modules, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    files = [
        importlib.import_module(f"{package.__name__}.{name}")
        for name in names
        if name.endswith("_service_pb2")
    ]
    return [service for file in files for service in file.DESCRIPTOR.services_by_name.values()]


class Recorder(Protocol):
    """Records calls of some methods after they have succeeded, and before the first answer of a stream."""

    def records(self, path: str) -> bool:
        """True if calls of the method with this path are recorded."""

    async def record(self, path: str, request: Message, response: Message | None, address: str) -> None:
        """Records one; `response` is None for a stream.

        `address` is that of the client, empty if it is unknown.
        """


def add_servicer(
    server: grpc.aio.Server,
    service: ServiceDescriptor,
    *servicers: object,
    recorder: Recorder | None = None,
) -> None:
    """Registers the methods of a service; exactly one of the servicers has each, by the same name.

    Calls of the methods that `recorder` asks for are recorded before they are answered; a stream is when it
    has its first answer, as one without is refused.

    Raises TypeError for one that none or several have, or that is not a coroutine function (an asynchronous
    generator function where the server streams).
    """
    handlers = {
        method.name: _handler(method, _owner(method, servicers), recorder) for method in service.methods
    }
    generic = grpc.method_handlers_generic_handler(service.full_name, handlers)
    server.add_generic_rpc_handlers((generic,))


def _reader(request: Descriptor, *, is_streamed: bool) -> Callable[[bytes], Message]:
    """The function that reads a request; it raises DecodeError, and `ValidationFailed` for an unknown enum
    value, for a NUL in a text and for a field that is required and missing.

    Files of large requests that come alone are left where they are: their fields are read by `content_of`.
    """
    parse = GetMessageClass(request).FromString
    check_enums, check_texts = enum_check(request), nul_check(request)
    # A stream of requests names what it is about in the first one.
    check_required = None if is_streamed else required_check(request)
    files = {} if is_streamed else files_of(request)

    def read(body: bytes) -> Message:
        if files and len(body) > LARGE_REQUEST:
            body = take_files_out(files, body)
        message = parse(body)
        if check_texts is not None:
            check_texts(body, message)
        if check_enums is not None:
            check_enums(message)
        if check_required is not None:
            check_required(message)
        return message

    return read


def _owner(method: MethodDescriptor, servicers: Sequence[object]) -> object:
    """The servicer that has a method; the only one is taken as it is. Raises TypeError."""
    if len(servicers) == 1:
        return servicers[0]
    having = [servicer for servicer in servicers if _implements(servicer, method)]
    if len(having) != 1:
        names = ", ".join(type(servicer).__name__ for servicer in having) or "no servicer"
        raise TypeError(f"{method.full_name} is implemented by {names}")
    return having[0]


def _implements(servicer: object, method: MethodDescriptor) -> bool:
    # The generated base classes have a plain function for each method that is not implemented.
    is_kind = inspect.isasyncgenfunction if method.server_streaming else inspect.iscoroutinefunction
    return is_kind(getattr(servicer, method.name, None))


def _recorded(behaviour: Handler, path: str, method: MethodDescriptor, recorder: Recorder) -> Handler:
    """A method with one answer whose calls are recorded once they have succeeded."""
    empty = GetMessageClass(method.input_type)()

    async def answer(request: Handler, context: _Context) -> Message:
        response: Message = await behaviour(request, context)
        asked = empty if method.client_streaming else request
        await recorder.record(path, asked, response, _client_of(context))
        return response

    return answer


def _recorded_stream(behaviour: Handler, path: str, recorder: Recorder) -> Handler:
    """A method with one request whose streams are recorded when they have their first answer."""

    async def answers(request: Message, context: _Context) -> AsyncIterator[Message]:
        is_recorded = False
        async with aclosing(behaviour(request, context)) as responses:
            async for response in responses:
                if not is_recorded:
                    await recorder.record(path, request, None, _client_of(context))
                    is_recorded = True
                yield response

    return answers


def _client_of(context: _Context) -> str:
    metadata = by_key(context.invocation_metadata() or ())
    return client_address(metadata, context.peer(), is_edge=is_through_edge())


def _handler(method: MethodDescriptor, servicer: object, recorder: Recorder | None) -> Handler:
    if not _implements(servicer, method):
        raise TypeError(f"{type(servicer).__name__} does not implement {method.full_name}")
    behaviour, path = getattr(servicer, method.name), f"/{method.containing_service.full_name}/{method.name}"
    if recorder is not None and recorder.records(path):
        if method.server_streaming and method.client_streaming:
            raise TypeError(f"{method.full_name} streams both ways: its calls cannot be recorded")
        if method.server_streaming:
            behaviour = _recorded_stream(behaviour, path, recorder)
        else:
            behaviour = _recorded(behaviour, path, method, recorder)
    return _HANDLERS[method.client_streaming, method.server_streaming](
        behaviour,
        _reader(method.input_type, is_streamed=method.client_streaming),
        GetMessageClass(method.output_type).SerializeToString,
    )
