"""The standard health service (grpc.health.v1), NOT_SERVING as soon as the server stops."""

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer


class Health:
    """Answers `Check` and `Watch`: SERVING until `stopping`, for the server and each of its services."""

    def __init__(self, service_names: list[str]) -> None:
        self._servicer = HealthServicer()
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

    async def stop(self) -> None:
        """Sets all services to NOT_SERVING for good, so that load balancers use other servers."""
        await self._servicer.enter_graceful_shutdown()
