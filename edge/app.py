"""The one place that builds the parts of the edge and puts them together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import grpc.aio
import zidimail.v1
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2
from zidimail.v1 import email_service_pb2 as emails

from edge.channel import Channel
from edge.coalesce import Coalescer, LineFull
from edge.cors import Cors, is_preflight
from edge.dialects.endpoint import Endpoint, Limits, Method
from edge.dialects.zidimail.dialect import ZidiMail
from edge.dialects.zidimail.openapi import document
from edge.dialects.zidimail.shapes import EMAILS
from edge.rates import Visits
from edge.settings import Settings
from edge.transcoding.asgi import Answer, Application, Receive, Scope, Send, request_id, send_answer
from edge.transcoding.invoke import Caller, Invoke, admission, direct
from edge.transcoding.routes import Route, routes_of, services_of
from edge.transcoding.status import Failure, failure_of_error, failure_of_status
from edge.visitors import Visitors

READY_TIMEOUT_S = 1.0
"""A server that does not say within this time that it serves is not ready."""

Page = Callable[[], Awaitable[Answer]]
"""What is answered at a path that is open to everybody."""

_NOT_READY = Answer(503, b'{"status":"unavailable"}')


class Edge:
    """The ASGI application: `/v1`, its description, and `/healthz` and `/readyz` for whoever watches."""

    def __init__(self, settings: Settings) -> None:
        """Raises BadRoute and BadTemplate: a contract that cannot be served is found before serving."""
        self._settings = settings
        self._routes = routes_of(services_of(zidimail.v1))
        self._dialect = ZidiMail(self._routes)
        self._cors = Cors(settings.app_url)
        self._openapi = Answer(200, document(self._dialect, settings.app_url))
        self._channel: Channel | None = None
        self._api: Application | None = None
        self._pages: Mapping[str, Page] = {
            "/healthz": self._alive,
            "/readyz": self._ready,
            "/v1/openapi.json": self._described,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                await self._http(scope, receive, send)
            case "lifespan":
                await self._lifespan(receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if any(name == b"origin" for name, _ in scope["headers"]):
            headers = dict(reversed(scope["headers"]))
            if self._cors.allows(headers):
                if is_preflight(scope["method"], headers):
                    await self._cors.answer_preflight(send, request_id(headers))
                    return
                send = self._cors.sharing(send)
        page = self._pages.get(scope["path"])
        if page is not None:
            await self._show(page, scope, send)
        else:
            assert self._api is not None
            await self._api(scope, receive, send)

    def failure(self, failure: Failure, request_id: str) -> Answer:
        """The answer of an error that is found before there is a request."""
        return self._dialect.failure(failure, request_id)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._channel = Channel(self._settings.server, self._settings.secret)
        settings = self._settings
        limits = Limits(
            settings.deadline_s,
            settings.body_limit,
            settings.send_body_limit,
            settings.requests_limit,
            settings.bodies_limit,
        )
        self._api = Endpoint(
            self._dialect,
            _methods(self._channel, self._routes, settings),
            limits,
            Visitors(settings.trusted_proxies, socket=settings.trusted_socket),
            None if settings.ip_limit is None else Visits(settings.ip_limit),
        )
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._channel.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _show(self, page: Page, scope: Scope, send: Send) -> None:
        name = request_id(dict(scope["headers"]))
        if scope["method"] in ("GET", "HEAD"):
            answer = await page()
        else:
            metadata = {"method": scope["method"], "allow": "GET, HEAD"}
            answer = self._dialect.failure(Failure("METHOD_NOT_ALLOWED", metadata), name)
        await send_answer(send, answer, name, head=scope["method"] == "HEAD")

    async def _alive(self) -> Answer:
        return Answer(200, b'{"status":"ok"}')

    async def _described(self) -> Answer:
        return self._openapi

    async def _ready(self) -> Answer:
        assert self._channel is not None
        check = self._channel.unary("grpc.health.v1.Health.Check", health_pb2.HealthCheckResponse)
        try:
            health = await check(health_pb2.HealthCheckRequest(), timeout=READY_TIMEOUT_S, metadata=())
        except grpc.aio.AioRpcError:
            return _NOT_READY
        return await self._alive() if health.status == health_pb2.HealthCheckResponse.SERVING else _NOT_READY


def _methods(channel: Channel, routes: Sequence[Route], settings: Settings) -> dict[str, Method]:
    methods = {}
    for route in routes:
        name, response = route.method.full_name, GetMessageClass(route.method.output_type)
        admit = admission(channel.unary_of_bytes(name, response))
        methods[name] = Method(direct(channel.unary(name, response)), admit)
    batch = channel.unary_of_bytes(EMAILS + "BatchSendEmails", emails.BatchSendEmailsResponse)
    send = EMAILS + "SendEmail"
    together = _coalesced(Coalescer(batch, settings.waiting_limit), methods[send].invoke)
    methods[send] = methods[send]._replace(invoke=together)
    return methods


def _coalesced(coalescer: Coalescer, alone: Invoke) -> Invoke:
    """Single sends share calls; whoever sends sees nothing of it."""

    async def invoke(request: emails.SendEmailRequest, caller: Caller) -> Message:
        if request.attachments:
            # Large, or waiting for a link: no company for others.
            return await alone(request, caller)
        try:
            # A call has one client: a key that is bound to networks must not borrow another's address.
            line = f"{caller.authorization}\n{caller.client}"
            result = await coalescer.send(request, line, caller.metadata, caller.deadline)
        except grpc.aio.AioRpcError as error:
            raise failure_of_error(error) from None
        except LineFull:
            raise Failure("UNAVAILABLE", retry_after_s=1) from None
        if result.HasField("error"):
            raise failure_of_status(result.error)
        if not result.HasField("sent"):
            raise Failure("INTERNAL", {"request_id": caller.request_id})
        return result.sent

    return invoke
