"""Answers to errors that are raised outside of an endpoint: by routing, by pages, by middleware."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from edge.dialects.dialect import Dialect
from edge.middleware.security_headers import with_security_headers
from edge.transcoding.asgi import Answer, exchange_of_request, new_id
from edge.transcoding.status import Failure

_log = structlog.get_logger("edge")


# Any: Starlette's handlers are for status codes and for exception classes.
def handlers(dialects: Mapping[str, Dialect], other: Dialect) -> Mapping[Any, ExceptionHandler]:
    """Starlette's exception handlers, which answer every error in the form of a dialect: the one under whose
    prefix the request was made, or else `other`."""

    def rendered(request: Request, failure: Failure) -> Answer:
        path = request.url.path
        found = (dialect for prefix, dialect in dialects.items() if path.startswith(f"{prefix}/"))
        return next(found, other).failure(failure, _request_id(request))

    async def not_found(request: Request, error: Exception) -> Response:
        return _response(rendered(request, Failure("ROUTE_NOT_FOUND", {"path": request.url.path})))

    async def wrong_method(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        allow = sorted((error.headers or {})["Allow"].split(", "))
        metadata = {"method": request.method, "allow": ", ".join(allow)}
        return _response(rendered(request, Failure("METHOD_NOT_ALLOWED", metadata)))

    async def failed(request: Request, error: Exception) -> Response:
        assert isinstance(error, Failure)
        return _response(rendered(request, error))

    async def crashed(request: Request, error: Exception) -> Response:
        id = _request_id(request)
        _log.error("request failed", request_id=id, method=request.method, exc_info=error)
        answer = rendered(request, Failure("INTERNAL", {"request_id": id}))
        # Starlette runs this handler around all middleware, so no other sets these headers.
        headers = with_security_headers([*answer.headers, (b"x-request-id", id.encode())])
        return _response(answer._replace(headers=tuple(headers)))

    return {404: not_found, 405: wrong_method, Failure: failed, Exception: crashed}


def _request_id(request: Request) -> str:
    exchange = exchange_of_request(request)
    return new_id() if exchange is None else exchange.request_id


def _response(answer: Answer) -> Response:
    headers = {name.decode(): value.decode("latin-1") for name, value in answer.headers}
    return Response(answer.body, answer.status, headers, media_type="application/json")
