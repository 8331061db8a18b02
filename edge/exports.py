"""Downloads of exports: what the server streams is passed on as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc.aio
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from zidimail.v1 import account_pb2
from zidimail.v1 import account_service_pb2 as pb

from edge.channel import Channel
from edge.client_ip import ClientIps
from edge.dialects.answers import counted
from edge.rates import RateLimiter
from edge.transcoding.access import checked
from edge.transcoding.asgi import exchange_of_request
from edge.transcoding.invoke import Caller
from edge.transcoding.status import Failure, Violation, failure_of_error

# Seconds of a download, which no deadline of other requests fits.
LONGEST_S = 3600.0
_FORMATS: Mapping[str, tuple[account_pb2.ExportFormat, str]] = {
    "ndjson": (account_pb2.EXPORT_FORMAT_NDJSON, "application/x-ndjson"),
    "zip": (account_pb2.EXPORT_FORMAT_ZIP, "application/zip"),
}


class Exports:
    """The route of downloads, which is no JSON and therefore none of a dialect."""

    def __init__(self, channel: Channel, client_ips: ClientIps, limiter: RateLimiter | None) -> None:
        """`limiter` is None where requests are not counted."""
        self._get_file = channel.server_stream(
            "zidimail.v1.AccountService.GetExportFile", pb.GetExportFileResponse
        )
        self._get_export = channel.unary("zidimail.v1.AccountService.GetExport", pb.GetExportResponse)
        self._client_ips = client_ips
        self._limiter = limiter

    async def file(self, request: Request) -> Response:
        """The content of an export as an attachment. Raises Failure."""
        exchange = exchange_of_request(request)
        assert exchange is not None
        client = self._client_ips.of(exchange)
        rate = counted(self._limiter, client)
        if rate is not None and rate.remaining < 0:
            raise Failure("TOO_MANY_REQUESTS", retry_after_s=rate.reset_s)
        name = request.query_params.get("format") or "ndjson"
        deadline = asyncio.get_running_loop().time() + LONGEST_S
        caller = Caller(checked(exchange.authorization), exchange.request_id, deadline, client.address)
        format, media_type = _FORMATS.get(name, (account_pb2.EXPORT_FORMAT_UNSPECIFIED, ""))
        id = request.path_params["id"]
        if not media_type or request.method == "HEAD":
            # Nothing is sent, and the audit log has downloads: the file is not asked for.
            await self._check(id, caller)
        if not media_type:
            raise Failure("VALIDATION_FAILED", violations=[Violation("format", "must be ndjson or zip")])
        headers = {"Content-Disposition": f'attachment; filename="export-{id}.{name}"'}
        if rate is not None:
            headers |= {key.decode(): value.decode() for key, value in rate.headers}
        if request.method == "HEAD":
            return Response(headers=headers, media_type=media_type)
        wanted = pb.GetExportFileRequest(export_id=id, format=format)
        call = self._get_file(wanted, timeout=caller.seconds_left, metadata=caller.metadata)
        try:
            # The first piece decides: what comes later cannot change the status any more.
            first: Any = await call.read()
        except grpc.aio.AioRpcError as error:
            raise failure_of_error(error) from None
        return StreamingResponse(_pieces(first, call), headers=headers, media_type=media_type)

    async def _check(self, id: str, caller: Caller) -> None:
        """Raises Failure, as a download would, if the export cannot be downloaded."""
        wanted = pb.GetExportRequest(id=id)
        try:
            found = await self._get_export(wanted, timeout=caller.seconds_left, metadata=caller.metadata)
        except grpc.aio.AioRpcError as error:
            raise failure_of_error(error) from None
        if not found.data_export.HasField("completed_at"):
            raise Failure("EXPORT_NOT_READY", {"id": id})


async def _pieces(first: Any, call: Any) -> AsyncIterator[bytes]:
    """The content of a call. Its break breaks the connection: the client sees an incomplete file."""
    piece = first
    try:
        while isinstance(piece, pb.GetExportFileResponse):
            yield piece.content
            piece = await call.read()
    finally:
        call.cancel()
