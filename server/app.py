"""The processes of the server: a list of packages, and the order in which their services run."""

import asyncio
import gc
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial

import structlog
import zidimail.v1
from google.protobuf.descriptor import ServiceDescriptor
from prometheus_client import start_http_server

from server.account_health import wiring as account_health
from server.accounts import wiring as accounts
from server.admin import wiring as admin
from server.billing import wiring as billing
from server.contacts import wiring as contacts
from server.db.time import clock_of
from server.delivery import wiring as delivery
from server.domains import wiring as domains
from server.emails import wiring as emails
from server.emails.sizes import MessageSizes
from server.events import wiring as events
from server.events.standstill import Standstill, followers_among
from server.inbound import wiring as inbound
from server.kernel import Kernel
from server.keys import wiring as keys
from server.net.descriptors import raise_limit
from server.privacy import wiring as privacy
from server.quotas import wiring as quotas
from server.readiness import Readiness
from server.retention import wiring as retention
from server.settings import Settings, SettingsError
from server.stats import wiring as stats
from server.suppressions import wiring as suppressions
from server.timekeeping import timekeeping
from server.webhooks import wiring as webhooks
from server.wire.access import access_rules
from server.wire.admission import Admission
from server.wire.interceptors import Pipeline
from server.wire.registration import services_of
from server.wire.server import GrpcServer
from server.wire.sign_in_limit import SignInLimit
from server.wire.sizes import RequestSizes
from server.work.memory import MemoryReturn
from server.work.service import Service, running

# Seconds that a thread may compute while others wait for the interpreter. With Python's own 5 ms, a thread
# that computes long adds as much to each step of every call and transaction.
_SWITCH_S = 0.0005
# New objects after which Python looks for cycles.
_GC_THRESHOLD = 20_000
_log = structlog.get_logger()


def worker(kernel: Kernel) -> list[Service]:
    """The services of a process that only delivers, in the order of their start."""
    packages = [webhooks.build(kernel), stats.build(kernel), delivery.build(kernel), emails.build(kernel)]
    delivering = [service for package in packages for service in package.delivering]
    return [
        kernel,
        *timekeeping(kernel.clock, kernel.database),
        *delivering,
        Standstill(followers_among(delivering)),
    ]


def server(kernel: Kernel) -> list[Service]:
    """The services of a process that serves gRPC and delivers, in the order of their start.

    They stop in reverse: streams end, calls in progress finish, then deliveries do. Raises TypeError for a
    service of the contract without a servicer.
    """
    published = services_of(zidimail.v1)
    rules = access_rules(published)
    api_keys = keys.build(kernel)
    sending = emails.build(kernel)
    identities = accounts.build(kernel, api_keys.authenticator, rules, sending.system_mail)
    packages = [
        webhooks.build(kernel),
        stats.build(kernel),
        delivery.build(kernel),
        sending,
        domains.build(kernel),
        events.build(kernel),
        inbound.build(kernel),
        contacts.build(kernel),
        billing.build(kernel),
        quotas.build(kernel),
        suppressions.build(kernel),
        account_health.build(kernel),
        admin.build(kernel, identities.tokens, identities.sessions, sending.system_mail, identities.letters),
        retention.build(kernel),
        identities,
        privacy.build(kernel),
        api_keys,
    ]
    servicers: dict[ServiceDescriptor, list[object]] = {}
    for package in packages:
        for service, parts in package.servicers.items():
            servicers.setdefault(service, []).extend(parts if isinstance(parts, tuple) else [parts])
    if missing := [service.full_name for service in published if service not in servicers]:
        raise TypeError(f"no package serves {', '.join(missing)}")
    settings = kernel.settings
    limit = None if settings.sign_in_limit is None else SignInLimit(settings.sign_in_limit)
    pipeline = Pipeline(
        rules,
        Admission(identities.authenticator, settings.edge_secret, settings.tls_edge_names, limit),
        RequestSizes(published, MessageSizes(kernel.database).check),
    )
    grpc_server = GrpcServer(settings, pipeline, servicers, identities.audit)
    delivering = [service for package in packages for service in package.delivering]
    warn = grpc_server.health.warn
    return [
        kernel,
        *timekeeping(kernel.clock, kernel.database, partial(warn, "clock")),
        *delivering,
        Standstill(followers_among(delivering), partial(warn, "log")),
        *(service for package in packages for service in package.serving),
        grpc_server,
        *(service for package in packages for service in package.streams),
        grpc_server.health,
        Readiness(grpc_server.health, kernel.database, kernel.writer),
    ]


async def run(settings: Settings, build: Callable[[Kernel], Sequence[Service]]) -> None:
    """Runs the services of `build` until SIGTERM or SIGINT. Raises `SettingsError`."""
    raise_limit()
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if settings.metrics_listen is not None:
        _show_metrics(settings.metrics_listen)
    kernel = Kernel(settings, await clock_of(settings.database_url))
    async with running([*build(kernel), MemoryReturn()]):
        # Objects made until now stay, and those of a call mostly go by themselves: looking for cycles as
        # often as Python does by default took 5 % of the time under load.
        gc.freeze()
        sys.setswitchinterval(_SWITCH_S)
        gc.set_threshold(_GC_THRESHOLD)
        await stopping.wait()
        _log.info("stopping")
        kernel.hurry()
    _log.info("stopped")


def _show_metrics(listen: str) -> None:
    host, _, port = listen.rpartition(":")
    try:
        start_http_server(int(port), host.strip("[]"))
    except OSError as error:
        raise SettingsError(
            f"ZIDIMAIL_METRICS_LISTEN: cannot listen on {listen}: {error.strerror}."
        ) from error
