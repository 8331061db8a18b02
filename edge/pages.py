"""Public pages: health checks, the description of the API, and the contract as files."""

from __future__ import annotations

from hashlib import sha256
from typing import ClassVar

import grpc.aio
from grpc_health.v1 import health_pb2
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

# The metadata in which a server says what an operator should know.
WARNING_KEY = "zidimail-warning"
# Seconds in which a server that is ready says so.
READY_TIMEOUT_S = 1.0
# Seconds for which a downloaded file need not be asked for again.
FRESH_S = 3600


class Health(HTTPEndpoint):
    """Says that the edge lives."""

    async def get(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})


class Readiness(HTTPEndpoint):
    """Says whether the edge reaches a server that serves, and what that warns of; 503 if not."""

    RESPONSE = health_pb2.HealthCheckResponse

    async def get(self, request: Request) -> Response:
        check = request.app.state.health(
            health_pb2.HealthCheckRequest(), timeout=READY_TIMEOUT_S, metadata=()
        )
        try:
            health = await check
            is_ready = health.status == health_pb2.HealthCheckResponse.SERVING
            trailers = await check.trailing_metadata()
        except grpc.aio.AioRpcError:
            is_ready = False
        if is_ready:
            warnings = [text for key, text in trailers or () if key == WARNING_KEY]
            return JSONResponse({"status": "ok", **({"warnings": warnings} if warnings else {})})
        return JSONResponse({"status": "unavailable"}, status_code=503, headers={"Retry-After": "1"})


class OpenApi(HTTPEndpoint):
    """The OpenAPI document of a dialect."""

    async def get(self, request: Request) -> Response:
        return Response(request.app.state.openapi[request.url.path], media_type="application/json")


class File:
    """A file to download; it changes with the version of the edge and never while one runs."""

    def __init__(self, content: bytes, media_type: str) -> None:
        self.content = content
        self.media_type = media_type
        self.etag = f'"{sha256(content).hexdigest()}"'

    def is_known(self, if_none_match: str) -> bool:
        """True if the client has the file: its If-None-Match names it (RFC 9110 13.1.2)."""
        tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
        return not tags.isdisjoint({"*", self.etag})


class Download(HTTPEndpoint):
    """Answers with one of the application's `downloads`."""

    filename: ClassVar[str]

    async def get(self, request: Request) -> Response:
        file: File = request.app.state.downloads[self.filename]
        headers = {"ETag": file.etag, "Cache-Control": f"public, max-age={FRESH_S}"}
        if file.is_known(",".join(request.headers.getlist("if-none-match"))):
            return Response(status_code=304, headers=headers)
        headers["Content-Disposition"] = f'attachment; filename="{self.filename}"'
        return Response(file.content, headers=headers, media_type=file.media_type)


class Descriptors(Download):
    """The descriptors of the contract, for `protoc --descriptor_set_in` and `buf generate`."""

    filename = "protos.binpb"


class Sources(Download):
    """The `.proto` files of the contract."""

    filename = "protos.zip"
