"""The gRPC server as a service: its limits, its port, TLS, reflection, and the way it drains."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import grpc
import structlog
from google.protobuf.descriptor import ServiceDescriptor

from server.settings import Settings, SettingsError
from server.wire.health import Health
from server.wire.interceptors import Pipeline
from server.wire.reflection import add_reflection
from server.wire.registration import Recorder, add_servicer

_MIB = 2**20
# One message holds at most a batch of 100 or one email with the largest attachments that any plan allows.
MAX_MESSAGE_BYTES = 64 * _MIB
# Bounds the memory that one connection's metadata can take.
MAX_METADATA_BYTES = 64 * 1024
MAX_CONCURRENT_STREAMS = 1_000
_KEEPALIVE_MS = 60_000
_MIN_PING_INTERVAL_MS = 20_000

_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_metadata_size", MAX_METADATA_BYTES),
    ("grpc.max_concurrent_streams", MAX_CONCURRENT_STREAMS),
    ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
    # Clients may keep idle connections alive through NATs; by default they would get `too_many_pings`.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", _MIN_PING_INTERVAL_MS),
    ("grpc.keepalive_permit_without_calls", 1),
    # Two servers on one port would share its calls by accident.
    ("grpc.so_reuseport", 0),
)
_log = structlog.get_logger()


class GrpcServer:
    """Serves the servicers of each service.

    `health` is a service of its own: stopped before this one, so that load balancers send calls elsewhere
    while the calls in progress finish.
    """

    def __init__(
        self,
        settings: Settings,
        pipeline: Pipeline,
        servicers: Mapping[ServiceDescriptor, Sequence[object]],
        recorder: Recorder | None = None,
    ) -> None:
        """Calls of the methods that `recorder` asks for are recorded.

        Raises `SettingsError` if the port cannot be listened on, TypeError for an incomplete servicer."""
        self._settings = settings
        self._server = grpc.aio.server(interceptors=[pipeline], options=_OPTIONS)
        for service, parts in servicers.items():
            add_servicer(self._server, service, *parts, recorder=recorder)
        names = [service.full_name for service in servicers]
        self.health = Health(names)
        self.health.add_to(self._server)
        add_reflection(self._server, [*names, "grpc.health.v1.Health"])
        self.port = _listen(self._server, settings)

    async def start(self) -> None:
        """Begins to serve."""
        await self._server.start()
        _log.info("serving", listen=self._settings.grpc_listen)

    async def stop(self) -> None:
        """Takes no more calls, and lets those in progress finish within the drain time."""
        await self._server.stop(self._settings.drain_s)


def _listen(server: grpc.aio.Server, settings: Settings) -> int:
    try:
        port = _add_port(server, settings)
        if settings.grpc_listen.startswith("unix:"):
            os.chmod(settings.grpc_listen.removeprefix("unix:"), settings.socket_mode)
    except (RuntimeError, OSError) as error:
        raise SettingsError(
            f"ZIDIMAIL_GRPC_LISTEN: cannot listen on {settings.grpc_listen}: {error}"
        ) from error
    return port


def _add_port(server: grpc.aio.Server, settings: Settings) -> int:
    if settings.tls_certificate is None or settings.tls_private_key is None:
        return server.add_insecure_port(settings.grpc_listen)
    client_ca = _read(settings.tls_client_ca)
    credentials = grpc.ssl_server_credentials(
        [(settings.tls_private_key.read_bytes(), settings.tls_certificate.read_bytes())],
        root_certificates=client_ca,
        require_client_auth=client_ca is not None,
    )
    return server.add_secure_port(settings.grpc_listen, credentials)


def _read(path: Path | None) -> bytes | None:
    return None if path is None else path.read_bytes()
