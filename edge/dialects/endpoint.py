"""A dialect served over ASGI: from the head of a request to the answer, errors included."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
import structlog
from google.protobuf.message import Message
from starlette.types import Receive, Scope, Send

from edge.client_ip import ClientIp, ClientIps
from edge.dialects.dialect import Dialect, Spared
from edge.rates import Rate, RateLimiter
from edge.transcoding.access import checked, is_public
from edge.transcoding.asgi import Answer, Exchange, exchange_of, send_answer
from edge.transcoding.binding import BindRequest, compile_request
from edge.transcoding.body import Body, ClientGone
from edge.transcoding.capacity import BodyShare, Capacity
from edge.transcoding.deadline import Deadline
from edge.transcoding.invoke import Admit, Caller, Invoke
from edge.transcoding.rendering import Render, Renderers
from edge.transcoding.routes import Route, Router
from edge.transcoding.status import REQUEST_TIMEOUT, Failure, Violation
from edge.transcoding.upload import messages_of

_log = structlog.get_logger("edge")

# Bytes of a large body that a client has to send in each second, about.
LEAST_PACE = 1 << 20


class Method(NamedTuple):
    """The call of a method, and the question whether a caller may make it."""

    invoke: Invoke
    admit: Admit


@dataclass(frozen=True, slots=True)
class Operation:
    """A route with everything that was compiled for it."""

    route: Route
    method: str
    bind: BindRequest
    render: Render
    invoke: Invoke
    admit: Admit
    body_limit: int
    is_public: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds to answer in, and bytes of a body and of one with files."""

    deadline_s: float
    body: int
    body_with_files: int


class Endpoint:
    """The routes of one dialect, a raw ASGI application. Everything a request needs is resolved when it is
    made."""

    def __init__(
        self,
        dialect: Dialect,
        methods: Mapping[str, Method],
        limits: Limits,
        capacity: Capacity,
        client_ips: ClientIps,
        rate_limiter: RateLimiter | None,
    ) -> None:
        """`methods` are all that the dialect's routes call, by full name; `capacity` is shared by all
        endpoints; `rate_limiter` is None where requests are not counted. Raises BadRoute, BadTemplate."""
        self._dialect = dialect
        self._limits = limits
        self._capacity = capacity
        self._client_ips = client_ips
        self._rate_limiter = rate_limiter
        renderers = Renderers(dialect.names, dialect.special)
        self._router = Router(dialect.routes)
        self._operations = {
            id(route): Operation(
                route,
                route.method.full_name,
                compile_request(route, dialect.names),
                renderers.response(route),
                *methods[route.method.full_name],
                max(limits.body, limits.body_with_files)
                if dialect.takes_files(route.method.full_name)
                else limits.body,
                is_public(route.method),
            )
            for route in dialect.routes
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        assert exchange is not None
        body = Body(receive, exchange.headers)
        client = self._client_ips.of(exchange)
        rate = self._count(client)
        self._capacity.requests += 1
        try:
            try:
                if rate is not None and rate.remaining < 0:
                    raise Failure("TOO_MANY_REQUESTS", retry_after_s=rate.reset_s)
                answer = await self._answer(exchange, body, client.address)
            except Failure as failure:
                answer = self._dialect.failure(failure, exchange.request_id)
                if failure.reason == REQUEST_TIMEOUT or not await body.drain():
                    answer = _closing(answer)
        except ClientGone:
            return
        except Exception:
            _log.exception(
                "request failed",
                request_id=exchange.request_id,
                method=exchange.method,
                path=exchange.template,
            )
            internal = Failure("INTERNAL", {"request_id": exchange.request_id})
            answer = self._dialect.failure(internal, exchange.request_id)
        finally:
            self._capacity.requests -= 1
        if rate is not None:
            answer = _with_rate(answer, rate)
        await send_answer(send, answer, head=exchange.method == "HEAD")

    def _count(self, client: ClientIp) -> Rate | None:
        if self._rate_limiter is None or not client.network:
            return None
        return self._rate_limiter.count(client.network)

    async def _answer(self, exchange: Exchange, body: Body, address: str) -> Answer:
        operation, values = self._operation(exchange)
        authorization = "" if operation.is_public else checked(exchange.authorization)
        deadline = asyncio.get_running_loop().time() + self._limits.deadline_s
        caller = Caller(authorization, exchange.request_id, deadline, address)
        self._capacity.check_requests()
        spared: Spared = {}
        try:
            if operation.route.is_upload:
                response = await self._upload(operation, exchange, values, body, caller)
            else:
                response, spared = await self._call(operation, exchange, values, body, caller)
        finally:
            exchange.call_id = caller.call_id
        if spared:
            self._dialect.restore(response, spared)
        return self._dialect.answer(operation.method, response, operation.render(response))

    def _operation(self, exchange: Exchange) -> tuple[Operation, tuple[str, ...]]:
        verb = exchange.method
        match = self._router.match(exchange.raw_path)
        if match is None:
            raise Failure("ROUTE_NOT_FOUND", {"path": exchange.path})
        route = match.routes.get("GET" if verb == "HEAD" else verb)
        if route is None:
            raise Failure("METHOD_NOT_ALLOWED", {"method": verb, "allow": match.allow})
        exchange.route = route.path
        return self._operations[id(route)], match.values

    async def _call(
        self,
        operation: Operation,
        exchange: Exchange,
        values: tuple[str, ...],
        body: Body,
        caller: Caller,
    ) -> tuple[Message, Spared]:
        most = body.most(operation.body_limit)
        share = BodyShare(self._capacity, min(most, self._limits.body))
        try:
            if most > self._limits.body:
                await self._allow_time(operation, most, caller)
            with Deadline(caller.deadline):
                try:
                    content = [await body.read(operation.body_limit, share.grow)]
                    request, spared = self._bind(operation, content, exchange.query, values, exchange.headers)
                except Failure:
                    await self._admit(operation, caller)
                    raise
                return await operation.invoke(request, caller), spared
        except TimeoutError:
            raise _timeout(body) from None
        finally:
            share.release()

    async def _upload(
        self,
        operation: Operation,
        exchange: Exchange,
        values: tuple[str, ...],
        body: Body,
        caller: Caller,
    ) -> Message:
        """Passes the body on while it arrives: only the part that is under way takes memory."""
        share = BodyShare(self._capacity, 0)
        try:
            await self._allow_time(operation, body.most(operation.body_limit), caller)
            first = operation.bind(None, exchange.query, values)
            self._dialect.complete(operation.method, first, exchange.headers)
            chunks = body.chunks(operation.body_limit, share.grow)
            with Deadline(caller.deadline):
                return await operation.invoke(messages_of(first, operation.route.body, chunks), caller)
        except TimeoutError:
            raise _timeout(body) from None
        finally:
            share.release()

    async def _allow_time(self, operation: Operation, most: int, caller: Caller) -> None:
        """Gives a body of `most` bytes the time and the room that it needs, to callers of the method only."""
        await self._admit(operation, caller)
        caller.deadline += most / LEAST_PACE

    async def _admit(self, operation: Operation, caller: Caller) -> None:
        if not operation.is_public:
            await operation.admit(caller)

    def _bind(
        self,
        operation: Operation,
        content: list[bytes],
        query: bytes,
        values: tuple[str, ...],
        headers: Mapping[bytes, bytes],
    ) -> tuple[Any, Spared]:
        json: Any = None
        spared: dict[int, Sequence[Violation]] = {}
        if operation.route.body:
            size = len(content[0])
            # Taken out, so that a large body is not held twice.
            json = _parse(content.pop(), headers)
            if size > self._limits.body:
                self._check_rest(json)
            json = self._dialect.widen(operation.method, json, headers)
            if type(json) is not dict:
                raise Failure("MALFORMED_BODY", {"detail": "its outermost value is none"})
        while True:
            try:
                request = operation.bind(json, query, values)
                break
            except Failure as failure:
                # Only so many violations are found at once, so there may be more.
                wrong = self._dialect.spare(operation.method, json, failure)
                if wrong.keys() <= spared.keys():
                    raise
                spared |= wrong
        self._dialect.complete(operation.method, request, headers)
        return request, spared

    def _check_rest(self, json: Any) -> None:
        """Refuses a large body that is not large by its files (C-1)."""
        rest = orjson.dumps(self._dialect.without_files(json))
        if len(rest) > self._limits.body:
            raise Failure("BODY_TOO_LARGE", {"limit": str(self._limits.body)})


def _timeout(body: Body) -> Failure:
    """The failure of a request whose deadline is over: the client was late, or the server."""
    return Failure("DEADLINE_EXCEEDED" if body.is_complete else REQUEST_TIMEOUT)


def _parse(body: bytes, headers: Mapping[bytes, bytes]) -> Any:
    """The JSON of a body; an empty one counts as `{}`. Of a key that comes twice the last counts."""
    if not body:
        return {}
    content_type = headers.get(b"content-type", b"")
    if content_type != b"application/json":
        _check_media_type(content_type.decode("latin-1"))
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Failure("MALFORMED_BODY", {"detail": str(error)}) from None


def _check_media_type(content_type: str) -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in ("", "application/json"):
        raise Failure("UNSUPPORTED_MEDIA_TYPE", {"content_type": content_type[:200]})


def _closing(answer: Answer) -> Answer:
    """The answer to a request whose body still comes: what follows on the connection is not a request."""
    return answer._replace(headers=(*answer.headers, (b"connection", b"close")))


def _with_rate(answer: Answer, rate: Rate) -> Answer:
    """The answer with the limit of requests, unless it names one that matters more (F-9)."""
    for name, _ in answer.headers:
        if name == b"ratelimit-limit":
            return answer
    return Answer(answer.status, answer.body, (*answer.headers, *rate.headers))
