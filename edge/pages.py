"""Public pages: health checks, and the description of the API."""

from __future__ import annotations

import grpc.aio
from grpc_health.v1 import health_pb2
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

# Seconds in which a server that is ready says so.
READY_TIMEOUT_S = 1.0


class Health(HTTPEndpoint):
    """Says that the edge lives."""

    async def get(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})


class Readiness(HTTPEndpoint):
    """Says whether the edge reaches a server that serves; 503 if not."""

    RESPONSE = health_pb2.HealthCheckResponse

    async def get(self, request: Request) -> Response:
        check = request.app.state.health
        try:
            health = await check(health_pb2.HealthCheckRequest(), timeout=READY_TIMEOUT_S, metadata=())
            is_ready = health.status == health_pb2.HealthCheckResponse.SERVING
        except grpc.aio.AioRpcError:
            is_ready = False
        if is_ready:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "unavailable"}, status_code=503)


class OpenApi(HTTPEndpoint):
    """The OpenAPI document of `/v1`."""

    async def get(self, request: Request) -> Response:
        return Response(request.app.state.openapi, media_type="application/json")
