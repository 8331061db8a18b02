"""A dialect served over ASGI: from the head of a request to the answer, errors included."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import orjson
import structlog
from google.protobuf.message import Message
from starlette.types import Receive, Scope, Send

from edge.client_ip import ClientIp, ClientIps
from edge.dialects.answers import closing, counted, with_rate
from edge.dialects.content import Content, check_rest, read_without_files, unpack, with_bytes
from edge.dialects.dialect import Dialect, Invalid
from edge.dialects.operation import Limits, Method, Operation
from edge.dialects.uploads import messages_of_upload
from edge.files_apart import keep_apart, release_files
from edge.frames import release
from edge.rates import RateLimiter
from edge.transcoding.access import checked, is_public
from edge.transcoding.asgi import Answer, Exchange, exchange_of, send_answer
from edge.transcoding.binding import compile_request
from edge.transcoding.body import Body, ClientGone
from edge.transcoding.capacity import BodyShare, Capacity
from edge.transcoding.deadline import Deadline, Paced
from edge.transcoding.invoke import Caller
from edge.transcoding.json_body import SMALL_BYTES, is_packed, parsed
from edge.transcoding.json_value import Json
from edge.transcoding.rendering import Renderers
from edge.transcoding.routes import Route, Router
from edge.transcoding.status import REQUEST_TIMEOUT, Failure
from edge.transcoding.values import kind_of

_log = structlog.get_logger("edge")


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
        sign_in_limiter: RateLimiter | None = None,
    ) -> None:
        """`methods` are all that the dialect's routes call, by full name; `capacity` is shared by all
        endpoints; `rate_limiter` is None where requests are not counted, `sign_in_limiter` counts those of
        routes that sign people in. Raises BadRoute, BadTemplate."""
        self._dialect = dialect
        self._limits = limits
        self._capacity = capacity
        self._client_ips = client_ips
        self._rate_limiter = rate_limiter
        self._sign_in_limiter = sign_in_limiter
        self._router = Router(dialect.routes)
        renderers = Renderers(dialect.names, dialect.responses)
        self._operations = {
            id(route): self._compile(route, renderers, methods[route.method.full_name])
            for route in dialect.routes
        }

    def _compile(self, route: Route, renderers: Renderers, method: Method) -> Operation:
        dialect, limits = self._dialect, self._limits
        rules = dialect.rules(route)
        has_files = rules.files is not None or route.is_of_bytes
        largest = max(limits.body, limits.body_with_files) if has_files else limits.body
        return Operation(
            route,
            compile_request(
                route,
                dialect.request_names,
                rules.query or dialect.queries,
                dialect.requests.hidden,
                dialect.requests.other_names,
                dialect.requests.kinds,
            ),
            dialect.requests.body_reader(route, rules.request),
            rules,
            renderers.response(route, rules.response),
            *method,
            rules.body_limit or largest,
            is_public(route.method),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        assert exchange is not None
        body = Body(receive, exchange.headers)
        client = self._client_ips.of(exchange)
        rate = counted(self._rate_limiter, client)
        self._capacity.requests += 1
        try:
            try:
                if rate is not None and rate.remaining < 0:
                    raise Failure("TOO_MANY_REQUESTS", retry_after_s=rate.reset_s)
                answer = await self._answer(exchange, body, client)
            except Failure as failure:
                answer = self._dialect.failure(failure, exchange.request_id)
                release(failure)
                if failure.reason == REQUEST_TIMEOUT or not await body.drain():
                    answer = closing(answer)
        except ClientGone:
            return
        except Exception as error:
            _log.exception(
                "request failed",
                request_id=exchange.request_id,
                method=exchange.method,
                path=exchange.template,
            )
            internal = Failure("INTERNAL", {"request_id": exchange.request_id})
            answer = self._dialect.failure(internal, exchange.request_id)
            release(error)
        finally:
            self._capacity.requests -= 1
        if rate is not None:
            answer = with_rate(answer, rate)
        await send_answer(send, answer, head=exchange.method == "HEAD")

    async def _answer(self, exchange: Exchange, body: Body, client: ClientIp) -> Answer:
        operation, values = self._operation(exchange)
        if operation.rules.signs_in:
            self._check_sign_in(exchange, client)
        authorization = "" if operation.is_public else checked(exchange.authorization)
        deadline = asyncio.get_running_loop().time() + self._limits.deadline_s
        caller = Caller(authorization, exchange.request_id, deadline, client.address)
        self._capacity.check_requests()
        dropped: Invalid = {}
        try:
            if operation.route.is_upload:
                response = await self._upload(operation, exchange, values, body, caller)
            else:
                response, dropped = await self._call(operation, exchange, values, body, caller)
        finally:
            exchange.call_id = caller.call_id
        rules = operation.rules
        if dropped and rules.partial is not None:
            rules.partial.report_invalid(response, dropped)
        answer_headers = () if rules.response_headers is None else rules.response_headers(response)
        return Answer(rules.status, orjson.dumps(operation.render(response)), answer_headers)

    def _check_sign_in(self, exchange: Exchange, client: ClientIp) -> None:
        """Raises Failure for a page of others, which could sign a visitor in as another person, and above the
        limit of sign-ins."""
        if exchange.foreign_origin:
            raise Failure("FOREIGN_ORIGIN", {"origin": exchange.foreign_origin})
        rate = counted(self._sign_in_limiter, client)
        if rate is not None and rate.remaining < 0:
            limit = {"limit": str(rate.limit)}
            raise Failure("TOO_MANY_REQUESTS", limit, retry_after_s=rate.reset_s)

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
    ) -> tuple[Message, Invalid]:
        limit = operation.body_limit
        packed = operation.route.body != "" and is_packed(exchange.headers)
        # Few bytes of gzip's format may hold as many as are allowed.
        most = limit if packed else body.most(limit)
        share = BodyShare(self._capacity, min(most, self._limits.body))
        try:
            is_large = most > self._limits.body
            if is_large:
                await self._admit(operation, caller)
            with Deadline(caller.deadline, exchange.presence) as deadline:
                hold = Paced(deadline, caller, share.grow).whole if is_large else share.grow
                is_admitted = is_large
                try:
                    files = operation.rules.files
                    if files is not None and is_large and not packed:
                        content = [await read_without_files(body, files, limit, hold)]
                    else:
                        content = [Content(await body.read(limit, hold))]
                    if not is_admitted and (packed or content[0].size > SMALL_BYTES):
                        # It takes time, which no stranger may take from the others.
                        is_admitted = True
                        await self._admit(operation, caller)
                    if packed:
                        content.append(await unpack(content.pop().text, files, limit, hold))
                    request, dropped = self._bind(operation, content, exchange, values)
                except Failure:
                    if not is_admitted:
                        await self._admit(operation, caller)
                    raise
                return await operation.invoke(request, caller), dropped
        except TimeoutError:
            raise _timeout(body) from None
        finally:
            release_files()
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
            await self._admit(operation, caller)
            first = self._first(operation, exchange, values)
            with Deadline(caller.deadline, exchange.presence) as deadline:
                paced = Paced(deadline, caller, share.grow)
                chunks = body.chunks(operation.body_limit, paced.part)
                messages = messages_of_upload(operation, first, chunks, exchange.headers)
                return await operation.invoke(messages, caller)
        except TimeoutError:
            raise _timeout(body) from None
        finally:
            share.release()

    def _first(self, operation: Operation, exchange: Exchange, values: tuple[str, ...]) -> Message:
        """The request of a body that is no JSON, without it: its path, query and headers."""
        first = operation.bind(None, exchange.query, values)
        for header, field in operation.rules.request_headers.items():
            if (text := exchange.headers.get(header)) is not None:
                setattr(first, field.name, field.read(text.decode("latin-1")))
        return first

    async def _admit(self, operation: Operation, caller: Caller) -> None:
        if not operation.is_public:
            await operation.admit(caller)

    def _bind(
        self,
        operation: Operation,
        content: list[Content],
        exchange: Exchange,
        values: tuple[str, ...],
    ) -> tuple[Message, Invalid]:
        json: Json = None
        written: dict[str, str] = {}
        rules = operation.rules
        if operation.route.is_of_bytes:
            first = self._first(operation, exchange, values)
            return with_bytes(first, operation.route.body, content.pop().text, exchange.headers, rules), {}
        if operation.route.body:
            size, contents = content[0].size, content[0].files
            # Taken out, so that a large body is not held twice.
            json = parsed(content.pop().text, exchange.headers)
            if rules.files is not None and rules.files.limits_rest and size > self._limits.body:
                check_rest(json, rules.files, self._limits.body)
            if contents is not None:
                contents.put_back(json)
                keep_apart(contents.files)
            if operation.read is not None:
                json = operation.read(json)
            if type(json) is not dict:
                raise Failure("MALFORMED_BODY", {"detail": f"its outermost value is {kind_of(json)}"})
            for header, field in rules.request_headers.items():
                if (text := exchange.headers.get(header)) is not None:
                    json[field.name] = field.read(text.decode("latin-1"))
                    written[field.name] = header.decode()
        try:
            request = operation.bind(json, exchange.query, values)
            if rules.check is not None:
                rules.check(request)
            return request, {}
        except Failure as failure:
            if rules.partial is None:
                raise failure.with_names(written) from None
        # Each item alone: the binder stops at a number of violations, so there may be more wrong ones.
        dropped = rules.partial.drop_invalid(
            json, lambda whole: operation.bind(whole, exchange.query, values)
        )
        try:
            return operation.bind(json, exchange.query, values), dropped
        except Failure as failure:
            raise failure.with_names(written) from None


def _timeout(body: Body) -> Failure:
    """The failure of a request whose deadline is over: the client was late, or the server."""
    return Failure("DEADLINE_EXCEEDED" if body.is_complete else REQUEST_TIMEOUT)
