"""The edge as a Starlette application: the one place that puts its parts together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import zidimail.v1
from google.protobuf.message_factory import GetMessageClass
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route as Page
from zidimail.v1 import email_service_pb2 as emails
from zidimail.v1.access_service_pb2 import GetCallerResponse

from edge.channel import Channel
from edge.client_ip import ClientIps
from edge.coalesce import Coalescer, coalesced
from edge.dialects.dialect import Dialect
from edge.dialects.endpoint import Endpoint
from edge.dialects.operation import Limits, Method
from edge.dialects.zidimail.dialect import ZidiMail
from edge.dialects.zidimail.openapi import document
from edge.errors import handlers
from edge.middleware.access_log import AccessLog
from edge.middleware.cors import Cors
from edge.middleware.credential import Credential
from edge.middleware.security_headers import SecurityHeaders
from edge.pages import Descriptors, File, Health, OpenApi, Readiness, Sources
from edge.rates import RateLimiter
from edge.settings import Settings
from edge.transcoding.asgi import PrefixMount
from edge.transcoding.capacity import Capacity
from edge.transcoding.invoke import admission, direct
from edge.transcoding.routes import routes_of, services_of
from edge.transcoding.sources import archive_of, descriptors_of
from edge.transcoding.upload import upload

_PACKAGE = zidimail.v1.__name__
_EMAIL_SERVICE = f"{_PACKAGE}.EmailService"


def application(settings: Settings) -> Starlette:
    """Builds the edge. Its `state.dialect` renders errors that are found before there is a request.

    Raises BadRoute and BadTemplate: a contract that cannot be served is found before serving.
    """
    channel = Channel(settings.server, settings.secret, settings.server_tls)
    dialect = ZidiMail(routes_of(services_of(zidimail.v1)))
    v1 = _endpoint(dialect, channel, settings, Capacity(settings.requests_limit, settings.bodies_limit))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with channel:
            yield

    app = Starlette(
        routes=[
            Page("/v1/openapi.json", OpenApi),
            Page("/v1/protos.binpb", Descriptors),
            Page("/v1/protos.zip", Sources),
            PrefixMount("/v1", v1),
            Page("/healthz", Health),
            Page("/readyz", Readiness),
            # Mounts and pages of other packages stand here.
            # Last, because it takes every path: /v1 without its prefix, and 404.
            PrefixMount("/", v1),
        ],
        middleware=[
            # Outermost first.
            Middleware(AccessLog),
            Middleware(SecurityHeaders),
            Middleware(Cors, app_url=settings.app_url),
            Middleware(Credential, app_url=settings.app_url),
        ],
        exception_handlers=handlers(dialect),
        lifespan=lifespan,
    )
    app.state.dialect = dialect
    app.state.openapi = document(dialect, settings.app_url)
    app.state.downloads = {
        Descriptors.filename: File(descriptors_of(_PACKAGE), "application/octet-stream"),
        Sources.filename: File(archive_of(_PACKAGE), "application/zip"),
    }
    app.state.health = channel.unary("grpc.health.v1.Health.Check", Readiness.RESPONSE)
    return app


def _endpoint(dialect: Dialect, channel: Channel, settings: Settings, capacity: Capacity) -> Endpoint:
    limits = Limits(settings.deadline_s, settings.body_limit, settings.send_body_limit)
    return Endpoint(
        dialect,
        _methods(dialect, channel, settings.waiting_limit),
        limits,
        capacity,
        ClientIps(settings.trusted_proxies, socket=settings.trusted_socket),
        None if settings.ip_limit is None else RateLimiter(settings.ip_limit),
    )


def _methods(dialect: Dialect, channel: Channel, waiting_limit: int) -> dict[str, Method]:
    """The calls behind a dialect's routes, by full name."""
    methods = {}
    get_caller = channel.unary("zidimail.v1.AccessService.GetCaller", GetCallerResponse)
    for method in {route.method.full_name: route.method for route in dialect.routes}.values():
        name, response = method.full_name, GetMessageClass(method.output_type)
        call = (
            upload(channel.client_stream(name, response))
            if method.client_streaming
            else direct(channel.unary(name, response))
        )
        path = f"/{method.containing_service.full_name}/{method.name}"
        methods[name] = Method(call, admission(get_caller, path))
    batch = channel.unary_of_bytes(f"{_EMAIL_SERVICE}.BatchSendEmails", emails.BatchSendEmailsResponse)
    send = f"{_EMAIL_SERVICE}.SendEmail"
    together = coalesced(Coalescer(batch, waiting_limit), methods[send].invoke)
    methods[send] = methods[send]._replace(invoke=together)
    return methods
