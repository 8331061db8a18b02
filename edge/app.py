"""The edge as a Starlette application: the one place that puts its parts together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

import zidimail.v1
from google.protobuf.message_factory import GetMessageClass
from limits import RateLimitItem
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route as LinkRoute
from zidimail.v1 import email_service_pb2 as emails
from zidimail.v1.access_service_pb2 import GetCallerResponse
from zidimail.v1.contacts_service_pb2 import UnsubscribeResponse

from edge.channel import Channel
from edge.client_ip import ClientIps
from edge.coalesce import Coalescer, coalesced
from edge.dialects.dialect import Dialect
from edge.dialects.endpoint import Endpoint
from edge.dialects.openapi import Described, Description, document
from edge.dialects.operation import Limits, Method
from edge.dialects.zidimail.dialect import PREFIX, ZidiMail
from edge.dialects.zidimail.openapi import DESCRIPTION as ZIDIMAIL
from edge.dialects.zsend.dialect import ZSend
from edge.dialects.zsend.openapi import DESCRIPTION as ZSEND
from edge.dialects.zsend.routes import PREFIX as ZSEND_PREFIX
from edge.errors import handlers
from edge.exports import Exports
from edge.hooks.paypal import PATH, PayPalEvents, PayPalHook
from edge.links import unsubscribe
from edge.middleware.access_log import AccessLog
from edge.middleware.cors import Cors
from edge.middleware.credential import Credential
from edge.middleware.security_headers import SecurityHeaders
from edge.pages import Descriptors, File, Health, OpenApi, Readiness, Sources
from edge.rates import RateLimiter
from edge.settings import Settings
from edge.transcoding.asgi import PathRoute as Page
from edge.transcoding.asgi import PrefixMount
from edge.transcoding.capacity import Capacity
from edge.transcoding.invoke import admission, direct
from edge.transcoding.routes import Route, routes_of, services_of
from edge.transcoding.sources import archive_of, descriptors_of
from edge.transcoding.upload import upload

_PACKAGE = zidimail.v1.__name__
_EMAIL_SERVICE = f"{_PACKAGE}.EmailService"


def application(settings: Settings) -> Starlette:
    """Builds the edge. Its `state.dialect` renders errors that are found before there is a request.

    Raises BadRoute and BadTemplate: a contract that cannot be served is found before serving.
    """
    channel = Channel(settings.server, settings.secret, settings.server_tls)
    dialect = ZidiMail(routes_of(services_of(zidimail.v1)), has_https=settings.app_url.startswith("https:"))
    dialects: Mapping[str, tuple[Described, Description]] = {
        PREFIX: (dialect, ZIDIMAIL),
        ZSEND_PREFIX: (ZSend(), ZSEND),
    }
    spoken = {prefix: each for prefix, (each, _) in dialects.items()}
    capacity = Capacity(settings.requests_limit, settings.bodies_limit)
    client_ips = ClientIps(settings.trusted_proxies, socket=settings.trusted_socket)
    rate_limiter = _limiter(settings.ip_limit)
    shared = (capacity, client_ips, rate_limiter)
    endpoints = _endpoints(spoken, channel, settings, *shared)
    paypal_hook = PayPalHook(channel, settings.secret, dialect, *shared, settings.deadline_s)
    exports = Exports(channel, client_ips, rate_limiter)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with channel:
            yield

    app = Starlette(
        routes=[
            *(Page(f"{prefix}/openapi.json", OpenApi) for prefix in dialects),
            Page("/v1/protos.binpb", Descriptors),
            Page("/v1/protos.zip", Sources),
            LinkRoute("/v1/exports/{id}/file", exports.file),
            *(PrefixMount(prefix, endpoint) for prefix, endpoint in endpoints.items()),
            Page("/healthz", Health),
            Page("/readyz", Readiness),
            Page(PATH, PayPalEvents),
            LinkRoute(unsubscribe.PATH, unsubscribe.Unsubscribe),
            # Mounts and pages of other packages stand here.
            # Last, because it takes every path: /v1 without its prefix, and 404.
            PrefixMount("/", endpoints[PREFIX]),
        ],
        middleware=[
            # Outermost first.
            Middleware(AccessLog),
            Middleware(SecurityHeaders),
            Middleware(Cors, app_url=settings.app_url),
            Middleware(Credential, app_url=settings.app_url),
        ],
        exception_handlers=handlers(spoken, dialect),
        lifespan=lifespan,
    )
    app.state.dialect = dialect
    app.state.openapi = {
        f"{prefix}/openapi.json": document(each, about, settings.app_url)
        for prefix, (each, about) in dialects.items()
    }
    app.state.downloads = {
        Descriptors.filename: File(descriptors_of(_PACKAGE), "application/octet-stream"),
        Sources.filename: File(archive_of(_PACKAGE), "application/zip"),
    }
    app.state.paypal_hook = paypal_hook
    app.state.unsubscribe = channel.unary(unsubscribe.METHOD, UnsubscribeResponse)
    app.state.health = channel.unary("grpc.health.v1.Health.Check", Readiness.RESPONSE)
    return app


def _endpoints(
    dialects: Mapping[str, Dialect],
    channel: Channel,
    settings: Settings,
    capacity: Capacity,
    client_ips: ClientIps,
    rate_limiter: RateLimiter | None,
) -> dict[str, Endpoint]:
    """The endpoints of the dialects by their prefix. What is limited is limited for all together."""
    limits = Limits(settings.deadline_s, settings.body_limit, settings.send_body_limit)
    routes = [route for dialect in dialects.values() for route in dialect.routes]
    methods = _methods(routes, channel, settings.waiting_limit)
    limiters = (rate_limiter, _limiter(settings.sign_in_ip_limit))
    return {
        prefix: Endpoint(dialect, methods, limits, capacity, client_ips, *limiters)
        for prefix, dialect in dialects.items()
    }


def _limiter(limit: RateLimitItem | None) -> RateLimiter | None:
    return None if limit is None else RateLimiter(limit)


def _methods(routes: Iterable[Route], channel: Channel, waiting_limit: int) -> dict[str, Method]:
    """The calls behind routes, by full name."""
    methods = {}
    get_caller = channel.unary("zidimail.v1.AccessService.GetCaller", GetCallerResponse)
    for method in {route.method.full_name: route.method for route in routes}.values():
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
