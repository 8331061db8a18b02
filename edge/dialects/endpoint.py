"""A dialect served over ASGI: from the head of a request to the answer, errors included."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import orjson
import structlog

from edge.dialects.dialect import Dialect, Files, Invalid, MethodRules
from edge.rates import Rate, Visits
from edge.transcoding.asgi import Answer, Receive, Scope, Send, request_id, send_answer
from edge.transcoding.binding import BindRequest, compile_request
from edge.transcoding.body import Body, ClientGone
from edge.transcoding.invoke import Admit, Caller, Invoke
from edge.transcoding.rendering import Render, Renderers
from edge.transcoding.request_shape import Read
from edge.transcoding.routes import Route, Router
from edge.transcoding.status import REQUEST_TIMEOUT, Failure, Violation
from edge.visitors import Visitor, Visitors

log = structlog.get_logger("edge")

LEAST_PACE = 1 << 20
"""Bytes of a large body that a client has to send in each second, about."""

CREDENTIAL_CHARACTERS = 4096
"""Longer than any credential, shorter than what gRPC takes as metadata (8 KiB)."""


class Method(NamedTuple):
    """How a method is called, and how to ask whether somebody may."""

    invoke: Invoke
    admit: Admit


@dataclass(frozen=True, slots=True)
class Operation:
    """A route with everything that was compiled for it."""

    route: Route
    bind: BindRequest
    read: Read | None
    rules: MethodRules
    render: Render
    invoke: Invoke
    admit: Admit
    body_limit: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds to answer in, bytes of a body and of one with files, and at once: requests, and bytes of all
    their bodies."""

    deadline_s: float
    body: int
    body_with_files: int
    requests: int
    bodies: int


class Endpoint:
    """The routes of one dialect. Everything a request needs is resolved when it is made."""

    def __init__(
        self,
        dialect: Dialect,
        methods: Mapping[str, Method],
        limits: Limits,
        visitors: Visitors,
        visits: Visits | None,
    ) -> None:
        """`methods` are all that the dialect's routes call, by full name; `visits` is None where requests
        are not counted. Raises BadRoute, BadTemplate."""
        self._dialect = dialect
        self._limits = limits
        self._visitors = visitors
        self._visits = visits
        self._requests = 0
        self._bodies = 0
        self._router = Router(dialect.routes)
        renderers = Renderers(dialect.names, dialect.responses)
        self._operations = {
            id(route): self._compile(route, renderers, methods[route.method.full_name])
            for route in dialect.routes
        }

    def _compile(self, route: Route, renderers: Renderers, method: Method) -> Operation:
        dialect, limits = self._dialect, self._limits
        rules = dialect.rules(route.method.full_name)
        largest = max(limits.body, limits.body_with_files) if rules.files else limits.body
        return Operation(
            route,
            compile_request(route, dialect.names, dialect.queries),
            dialect.requests.body_reader(route),
            rules,
            renderers.response(route),
            *method,
            rules.body_limit or largest,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application for requests of the type `http`."""
        # Of a header that comes twice the first counts.
        headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))
        name = request_id(headers)
        body = Body(receive, headers)
        visitor = self._visitors.of(scope)
        rate = self._count(visitor)
        self._requests += 1
        try:
            try:
                if rate is not None and rate.remaining < 0:
                    raise Failure("TOO_MANY_REQUESTS", retry_after_s=rate.reset_s)
                answer = await self._answer(scope, body, headers, name, visitor.address)
            except Failure as failure:
                answer = self._dialect.failure(failure, name)
                if failure.reason == REQUEST_TIMEOUT or not await body.settle():
                    answer = _closing(answer)
        except ClientGone:
            return
        except Exception:
            log.exception("request failed", request_id=name, method=scope["method"], path=scope["path"])
            answer = self._dialect.failure(Failure("INTERNAL", {"request_id": name}), name)
        finally:
            self._requests -= 1
        if rate is not None:
            answer = _rated(answer, rate)
        await send_answer(send, answer, name, head=scope["method"] == "HEAD")

    def _count(self, visitor: Visitor) -> Rate | None:
        if self._visits is None or not visitor.network:
            return None
        return self._visits.count(visitor.network)

    async def _answer(
        self, scope: Scope, body: Body, headers: Mapping[bytes, bytes], name: str, address: str
    ) -> Answer:
        operation, values = self._operation(scope)
        deadline = asyncio.get_running_loop().time() + self._limits.deadline_s
        caller = Caller(_credential(headers), name, deadline, address)
        most = body.most(operation.body_limit)
        if self._requests > self._limits.requests:
            raise Failure("UNAVAILABLE", retry_after_s=1)
        held = _Held(self, min(most, self._limits.body))
        reading = True
        try:
            if most > self._limits.body:
                # Only who may send may take so much room, and so much time.
                await operation.admit(caller)
                caller = replace(caller, deadline=deadline + most / LEAST_PACE)
            async with asyncio.timeout_at(caller.deadline):
                try:
                    content = [await body.read(operation.body_limit, held.grow)]
                    reading = False
                    request, invalid = self._bind(operation, content, scope["query_string"], values, headers)
                except Failure:
                    await operation.admit(caller)
                    raise
                response = await operation.invoke(request, caller)
        except TimeoutError:
            raise Failure(REQUEST_TIMEOUT if reading else "DEADLINE_EXCEEDED") from None
        finally:
            held.release()
        rules = operation.rules
        if invalid and rules.partial is not None:
            rules.partial.report_invalid(response, invalid)
        answer_headers = () if rules.response_headers is None else rules.response_headers(response)
        return Answer(rules.status, orjson.dumps(operation.render(response)), answer_headers)

    def _operation(self, scope: Scope) -> tuple[Operation, tuple[str, ...]]:
        verb: str = scope["method"]
        raw_path: bytes = scope["raw_path"]
        match = self._router.match(raw_path)
        if match is None:
            raise Failure("ROUTE_NOT_FOUND", {"path": scope["path"]})
        route = match.routes.get("GET" if verb == "HEAD" else verb)
        if route is None:
            raise Failure("METHOD_NOT_ALLOWED", {"method": verb, "allow": match.allow})
        return self._operations[id(route)], match.values

    def _bind(
        self,
        operation: Operation,
        content: list[bytes],
        query: bytes,
        values: tuple[str, ...],
        headers: Mapping[bytes, bytes],
    ) -> tuple[Any, Invalid]:
        json: Any = None
        rules = operation.rules
        invalid: dict[int, Sequence[Violation]] = {}
        if operation.route.body:
            size = len(content[0])
            # Taken out, so that a large body is not held twice.
            json = _parse(content.pop(), headers)
            if rules.files is not None and size > self._limits.body:
                self._check_rest(json, rules.files)
            if operation.read is not None:
                json = operation.read(json)
            if type(json) is not dict:
                raise Failure("MALFORMED_BODY", {"detail": "its outermost value is none"})
            for header, field in rules.request_headers.items():
                if (text := headers.get(header)) is not None:
                    json[field.name] = field.read(text.decode("latin-1"))
        while True:
            try:
                return operation.bind(json, query, values), invalid
            except Failure as failure:
                wrong = {} if rules.partial is None else rules.partial.drop_invalid(json, failure)
                # Only so many violations are found at once, so there may be more.
                if wrong.keys() <= invalid.keys():
                    raise
                invalid |= wrong

    def _check_rest(self, json: Any, files: Files) -> None:
        """Refuses a large body that is not large by its files (C-1)."""
        if len(orjson.dumps(files.left_out(json))) > self._limits.body:
            raise Failure("BODY_TOO_LARGE", {"limit": str(self._limits.body)})


class _Held:
    """The bytes of one body among those of all bodies under way."""

    def __init__(self, endpoint: Endpoint, size: int) -> None:
        """Raises Failure (UNAVAILABLE) when there are too many."""
        self._endpoint = endpoint
        self._size = 0
        self.grow(size)

    def grow(self, size: int) -> None:
        """The body holds `size` bytes by now. Raises Failure (UNAVAILABLE)."""
        if size <= self._size:
            return
        endpoint = self._endpoint
        if endpoint._bodies + size - self._size > endpoint._limits.bodies:
            raise Failure("UNAVAILABLE", retry_after_s=1)
        endpoint._bodies += size - self._size
        self._size = size

    def release(self) -> None:
        """The body is gone."""
        self._endpoint._bodies -= self._size
        self._size = 0


def _credential(headers: Mapping[bytes, bytes]) -> str:
    """The Authorization header as it is passed on. What it is worth is the server's to know."""
    credential = headers.get(b"authorization")
    if not credential:
        raise Failure("MISSING_CREDENTIALS")
    text = credential.decode("latin-1")
    # What gRPC could not carry as metadata is no credential of ours.
    if len(text) > CREDENTIAL_CHARACTERS or not (text.isascii() and text.isprintable()):
        raise Failure("INVALID_CREDENTIALS")
    return text


def _parse(body: bytes, headers: Mapping[bytes, bytes]) -> Any:
    """The JSON of a body; an empty one counts as `{}`. Of a key that comes twice the last counts."""
    if not body:
        return {}
    content_type = headers.get(b"content-type", b"").decode("latin-1")
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in ("", "application/json"):
        raise Failure("UNSUPPORTED_MEDIA_TYPE", {"content_type": content_type[:200]})
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Failure("MALFORMED_BODY", {"detail": str(error)}) from None


def _closing(answer: Answer) -> Answer:
    """The answer to a request whose body still comes: what follows on the connection is not a request."""
    return Answer(answer.status, answer.body, (*answer.headers, (b"connection", b"close")))


def _rated(answer: Answer, rate: Rate) -> Answer:
    """The answer with the limit of requests, unless it tells of one that matters more (F-9)."""
    if any(name == b"ratelimit-limit" for name, _ in answer.headers):
        return answer
    return Answer(answer.status, answer.body, (*answer.headers, *rate.headers))
