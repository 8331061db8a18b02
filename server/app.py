"""Builds the server from its rooms: the only place that knows all of them."""

import asyncio
import gc
import signal
from collections.abc import Callable
from pathlib import Path

import grpc
import structlog
from grpc_reflection.v1alpha import reflection
from prometheus_client import start_http_server
from zidimail.v1 import (
    access_service_pb2,
    api_key_service_pb2,
    attachment_service_pb2,
    domain_service_pb2,
    email_service_pb2,
    event_service_pb2,
    feedback_service_pb2,
    suppression_service_pb2,
    usage_service_pb2,
    webhook_service_pb2,
)

from server.accounts.authentication import TokenAuthenticator
from server.accounts.banned import Banned
from server.accounts.rpc import AccessServicer
from server.accounts.sessions import Sessions
from server.clock import Clock, SystemClock
from server.db.database import Database
from server.db.installation import check_secret
from server.db.migrate import is_current
from server.db.writer import Writer
from server.delivery.engine import Engine
from server.delivery.transports.choose import transport_of
from server.domains.rpc import DomainServicer
from server.domains.verify import Verifier
from server.emails.accept import Acceptor
from server.emails.attachments import FETCH_S, Links
from server.emails.files import AttachmentServicer
from server.emails.release import Releaser
from server.emails.rpc import EmailServicer
from server.emails.sweep import Sweeper
from server.events.rpc import EventServicer
from server.inbound.rpc import FeedbackServicer
from server.keys.authenticate import ApiKeyAuthenticator
from server.keys.rpc import ApiKeyServicer
from server.keys.uses import KeyUses
from server.net.dns import Resolver
from server.net.http import GuardedClient
from server.quotas.rpc import UsageServicer
from server.sealing import Seal
from server.settings import Settings, SettingsError
from server.stats.counting import Counting
from server.suppressions.rpc import SuppressionServicer
from server.webhooks.dispatch import Dispatcher
from server.webhooks.fan_out import FanOut
from server.webhooks.rpc import WebhookServicer
from server.webhooks.sweep import Sweeper as WebhookSweeper
from server.wire.access import access_rules
from server.wire.admission import Admission
from server.wire.health import Health
from server.wire.interceptors import Pipeline
from server.wire.registration import add_servicer
from server.work.backpressure import AcceptLoad, Backpressure
from server.work.notifier import Notifier

_log = structlog.get_logger()

SERVICES = tuple(
    service
    for file in (
        access_service_pb2,
        api_key_service_pb2,
        attachment_service_pb2,
        domain_service_pb2,
        email_service_pb2,
        event_service_pb2,
        feedback_service_pb2,
        suppression_service_pb2,
        usage_service_pb2,
        webhook_service_pb2,
    )
    for service in file.DESCRIPTOR.services_by_name.values()
)

# So many new objects are looked through for cycles together.
_COLLECTED_AT = 20_000

_MIB = 2**20
# One message holds at most a batch of 100 or one email with the largest attachments that any plan allows.
MAX_MESSAGE_BYTES = 64 * _MIB
# Bounds the memory that one connection's metadata can take.
MAX_METADATA_BYTES = 64 * 1024
MAX_CONCURRENT_STREAMS = 1_000
_KEEPALIVE_MS = 60_000
_LEAST_PING_INTERVAL_MS = 20_000

# How the hosts that attachments are fetched from get to know us.
LINKS_USER_AGENT = "ZidiMail-Attachments/1"

_GRPC_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_metadata_size", MAX_METADATA_BYTES),
    ("grpc.max_concurrent_streams", MAX_CONCURRENT_STREAMS),
    ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
    # Clients may keep idle connections alive through NATs; by default they would be told `too_many_pings`.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", _LEAST_PING_INTERVAL_MS),
    ("grpc.keepalive_permit_without_calls", 1),
    # Two servers on one port would share its calls by accident.
    ("grpc.so_reuseport", 0),
)


class Delivering:
    """What every process that delivers runs: the store, the engine, and the webhooks' readers."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.database = Database(settings.database_url)
        self.writer = Writer(self.database)
        self.mail_queued = Notifier()
        self.events_appended = Notifier()
        self.webhook_calls_due = Notifier()
        self.accept_load = AcceptLoad()
        backpressure = Backpressure(self.accept_load, settings.background_share)
        self.seal = Seal(settings.secret)
        self.resolver = Resolver(settings)
        self.engine = Engine(
            self.database,
            self.writer,
            settings,
            clock,
            self.seal,
            transport_of(settings, self.resolver),
            self.mail_queued,
            self.events_appended,
            backpressure,
        )
        self.dispatcher = Dispatcher(
            self.database, self.writer, settings, clock, self.seal, self.resolver, self.webhook_calls_due
        )
        self.counting = Counting(self.database, self.writer, self.events_appended, backpressure)
        self.forgetting = WebhookSweeper(self.database, self.writer, clock)
        self.fan_out = FanOut(
            self.database, self.writer, clock, self.events_appended, self.webhook_calls_due, backpressure
        )
        self.releaser = Releaser(
            self.database, self.writer, clock, self.mail_queued, self.events_appended, settings.slow_start
        )

    async def start(self) -> None:
        """Begins to deliver."""
        if not await asyncio.to_thread(is_current, self.settings.database_url):
            raise SettingsError("The store's schema is not current. Run `python -m server migrate` first.")
        self.writer.start()
        await self.writer.run(check_secret, self.seal)
        await self.engine.start()
        await self.fan_out.start()
        await self.counting.start()
        await self.dispatcher.start()
        await self.forgetting.start()
        self.releaser.start()

    async def stop(self) -> None:
        """Finishes what is in flight, gives the leases back, and closes the store."""
        await self.releaser.stop()
        await self.engine.stop()
        await self.fan_out.stop()
        await self.counting.stop()
        await self.dispatcher.stop()
        await self.forgetting.stop()
        await self.resolver.close()
        await self.writer.close()
        await self.database.close()


class Serving:
    """The gRPC server, with a `Delivering` in the same process."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._delivering = delivering = Delivering(settings, clock)
        database, writer = delivering.database, delivering.writer
        events_appended = delivering.events_appended
        self._uses = KeyUses(writer)
        self._sweeper = Sweeper(database, writer, clock)
        keys = ApiKeyAuthenticator(database, clock, self._uses)
        sessions = Sessions(settings.secret, clock)
        self._events = EventServicer(database, events_appended)
        self._links = Links(
            database,
            clock,
            GuardedClient(
                delivering.resolver,
                allow_private_networks=settings.allow_private_networks,
                user_agent=LINKS_USER_AGENT,
                total_s=FETCH_S,
            ),
        )
        acceptor = Acceptor(
            writer,
            clock,
            delivering.accept_load,
            delivering.mail_queued,
            events_appended,
            settings.slow_start,
        )
        verifier = Verifier(database, writer, clock, delivering.resolver, settings)
        authenticator = TokenAuthenticator(keys, sessions, Banned(database, clock))
        rules = access_rules(SERVICES)
        self._server = grpc.aio.server(
            interceptors=[Pipeline(rules, Admission(authenticator, settings.edge_secret))],
            options=_GRPC_OPTIONS,
        )
        servicers = {
            "AccessService": AccessServicer(rules),
            "ApiKeyService": ApiKeyServicer(database, writer, clock, keys),
            "AttachmentService": AttachmentServicer(database),
            "DomainService": DomainServicer(database, writer, clock, delivering.seal, verifier, settings),
            "EmailService": EmailServicer(database, writer, acceptor, self._links, clock, events_appended),
            "EventService": self._events,
            "FeedbackService": FeedbackServicer(writer, clock, events_appended),
            "SuppressionService": SuppressionServicer(database, writer, clock),
            "UsageService": UsageServicer(database, clock, settings),
            "WebhookService": WebhookServicer(
                database, writer, settings, clock, delivering.seal, delivering.webhook_calls_due
            ),
        }
        for service in SERVICES:
            add_servicer(self._server, service, servicers[service.name])
        names = [service.full_name for service in SERVICES]
        self._health = Health(names)
        self._health.add_to(self._server)
        reflection.enable_server_reflection(
            [*names, reflection.SERVICE_NAME, "grpc.health.v1.Health"], self._server
        )
        self.port = _listen(self._server, settings)

    async def start(self) -> None:
        """Begins to serve and to deliver."""
        await self._delivering.start()
        self._uses.start()
        self._sweeper.start()
        await self._server.start()
        await self._health.serving()
        _log.info("serving", listen=self._settings.grpc_listen, store=self._delivering.database.engine)

    async def stop(self) -> None:
        """Drains: health says NOT_SERVING first, calls in flight finish, then deliveries do."""
        await self._health.stopping()
        self._events.stop()
        await self._server.stop(self._settings.drain_s)
        await self._links.close()
        await self._sweeper.stop()
        await self._uses.close()
        await self._delivering.stop()


def _listen(server: grpc.aio.Server, settings: Settings) -> int:
    try:
        if settings.tls_certificate is None or settings.tls_private_key is None:
            return server.add_insecure_port(settings.grpc_listen)
        client_ca = _read(settings.tls_client_ca)
        credentials = grpc.ssl_server_credentials(
            [(settings.tls_private_key.read_bytes(), settings.tls_certificate.read_bytes())],
            root_certificates=client_ca,
            require_client_auth=client_ca is not None,
        )
        return server.add_secure_port(settings.grpc_listen, credentials)
    except (RuntimeError, OSError) as error:
        raise SettingsError(
            f"ZIDIMAIL_GRPC_LISTEN: cannot listen on {settings.grpc_listen}: {error}"
        ) from error


def _read(path: Path | None) -> bytes | None:
    return None if path is None else path.read_bytes()


def _show_metrics(listen: str) -> None:
    host, _, port = listen.rpartition(":")
    try:
        start_http_server(int(port), host.strip("[]"))
    except OSError as error:
        raise SettingsError(
            f"ZIDIMAIL_METRICS_LISTEN: cannot listen on {listen}: {error.strerror}."
        ) from error


async def run(settings: Settings, build: Callable[[Settings, Clock], Serving | Delivering]) -> None:
    """Runs what `build` makes until SIGTERM or SIGINT, then stops it in good order.

    Raises `SettingsError`.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if settings.metrics_listen is not None:
        _show_metrics(settings.metrics_listen)
    program = build(settings, SystemClock())
    await program.start()
    # What was made until now stays, and what a call makes mostly goes by itself: looking for cycles as often
    # as Python does by default took 5 % of the time under load.
    gc.freeze()
    gc.set_threshold(_COLLECTED_AT)
    await stopping.wait()
    _log.info("stopping")
    await program.stop()
    _log.info("stopped")
