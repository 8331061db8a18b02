"""Running stacks whose rows have twins of another organisation.

These stay as they are, and no answer shows one.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc.aio
import httpx
from google.protobuf.message import Message

from tests.harness.twins import MARK, add_twins, changed_twins

# The notes of changed twins that were reported, by the URL of the store.
_stores: dict[str, set[str]] = {}


def add(url: str) -> None:
    """Gives the rows of a store twins from now on, and watches over them."""
    add_twins(url, running=True)
    _stores[url] = set()


def end(url: str) -> None:
    """Looks a last time, and watches no longer."""
    if url in _stores:
        _check(url)
        del _stores[url]


def check_stores() -> None:
    """Fails if a twin was changed in any of the stores."""
    for url in _stores:
        _check(url)


def _check(url: str) -> None:
    changed = set(changed_twins(url)) - _stores[url]
    _stores[url] |= changed
    assert not changed, f"rows of another organisation were changed: {', '.join(sorted(changed))}"


def check_text(shown: bytes) -> None:
    """Fails if an answer shows a twin."""
    assert MARK.encode() not in shown, f"an answer shows a row of another organisation: {shown[:1000]!r}"


def check_message(shown: Message) -> None:
    """Fails if an answer of the server shows a twin."""
    check_text(shown.SerializeToString())


class _Unary(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]
    async def intercept_unary_unary(
        self, continuation: Callable[..., Awaitable[Any]], client_call_details: Any, request: Any
    ) -> Any:
        call = await continuation(client_call_details, request)
        if await call.code() is grpc.StatusCode.OK:
            check_message(await call)
        return call


WATCHERS = (_Unary(),)


def watch_clients() -> None:
    """Looks at each answer that an HTTP client of this process reads whole."""
    send, send_async = httpx.Client.send, httpx.AsyncClient.send

    def watched(self: httpx.Client, *args: Any, stream: bool = False, **options: Any) -> httpx.Response:
        response = send(self, *args, stream=stream, **options)
        if not stream:
            check_text(response.content)
        return response

    async def watched_async(
        self: httpx.AsyncClient, *args: Any, stream: bool = False, **options: Any
    ) -> httpx.Response:
        response = await send_async(self, *args, stream=stream, **options)
        if not stream:
            check_text(response.content)
        return response

    httpx.Client.send = watched  # type: ignore[method-assign]
    httpx.AsyncClient.send = watched_async  # type: ignore[method-assign]
