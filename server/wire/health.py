"""The standard health service (grpc.health.v1), NOT_SERVING as soon as the server stops."""

from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer

# The metadata of an answer that says what an operator should know of a server that serves.
WARNING_KEY = "zidimail-warning"


class _Servicer(HealthServicer):  # type: ignore[misc]  # the package has no types
    """Sends warnings with the status, as trailing metadata."""

    def __init__(self) -> None:
        super().__init__()
        self.warnings: dict[str, str] = {}

    # Any: the types of gRPC's context, which have no public name.
    async def Check(self, request: health_pb2.HealthCheckRequest, context: Any) -> Any:
        context.set_trailing_metadata(tuple((WARNING_KEY, text) for text in self.warnings.values()))
        return await super().Check(request, context)


class Health:
    """Answers `Check` and `Watch`: SERVING until `stopping`, for the server and each of its services."""

    def __init__(self, service_names: list[str]) -> None:
        self._servicer = _Servicer()
        self._names = ["", *service_names]

    def add_to(self, server: grpc.aio.Server) -> None:
        """Registers the service."""
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    async def start(self) -> None:
        """Sets all services to SERVING."""
        await self.say(ready=True)

    async def say(self, *, ready: bool) -> None:
        """Sets all services to SERVING or NOT_SERVING; does nothing after `stop`."""
        status = health_pb2.HealthCheckResponse
        for name in self._names:
            await self._servicer.set(name, status.SERVING if ready else status.NOT_SERVING)

    def warn(self, subject: str, text: str) -> None:
        """Says a sentence in ASCII about a subject with each status; empty, nothing more about it."""
        if text:
            self._servicer.warnings[subject] = text
        else:
            self._servicer.warnings.pop(subject, None)

    async def stop(self) -> None:
        """Sets all services to NOT_SERVING for good, so that load balancers use other servers."""
        await self._servicer.enter_graceful_shutdown()
