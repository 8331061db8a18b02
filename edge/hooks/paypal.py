"""`POST /inbound/paypal`: the events of PayPal (contract row C-79)."""

from __future__ import annotations

import asyncio

from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from zidimail.v1.billing_service_pb2 import RecordPayPalEventRequest, RecordPayPalEventResponse

from edge.channel import Channel
from edge.client_ip import ClientIps
from edge.dialects.answers import closing, counted
from edge.dialects.dialect import Dialect
from edge.rates import RateLimiter
from edge.transcoding.asgi import Answer, Exchange, exchange_of_request
from edge.transcoding.body import Body, ClientGone
from edge.transcoding.capacity import BodyShare, Capacity
from edge.transcoding.invoke import Caller, direct
from edge.transcoding.status import REQUEST_TIMEOUT, Failure

PATH = "/inbound/paypal"
# Bytes of an event; PayPal's have a few thousand.
BODY_LIMIT = 256 * 1024
_METHOD = "zidimail.v1.BillingService.RecordPayPalEvent"


class PayPalHook:
    """Passes events on as they came, byte by byte: what is signed is the body."""

    def __init__(
        self,
        channel: Channel,
        secret: str,
        dialect: Dialect,
        capacity: Capacity,
        client_ips: ClientIps,
        rate_limiter: RateLimiter | None,
        deadline_s: float,
    ) -> None:
        """`secret` is that of the edge, by which the server knows its own programs; errors are answered in
        the form of `dialect`."""
        self._record = direct(channel.unary(_METHOD, RecordPayPalEventResponse))
        self._authorization = f"Internal {secret}"
        self._dialect = dialect
        self._capacity = capacity
        self._client_ips = client_ips
        self._rate_limiter = rate_limiter
        self._deadline_s = deadline_s

    async def answer(self, request: Request) -> Response:
        """The answer to a request: 200 once the event is taken, so that PayPal repeats it until then."""
        exchange = exchange_of_request(request)
        assert exchange is not None
        exchange.route = PATH
        body = Body(request.receive, exchange.headers)
        self._capacity.requests += 1
        try:
            event_id = await self._take(exchange, body)
        except ClientGone:
            return Response(status_code=400)
        except Failure as failure:
            answer = self._dialect.failure(failure, exchange.request_id)
            if failure.reason == REQUEST_TIMEOUT or not await body.drain():
                answer = closing(answer)
            return _response(answer)
        finally:
            self._capacity.requests -= 1
        return JSONResponse({"event_id": event_id})

    async def _take(self, exchange: Exchange, body: Body) -> str:
        client = self._client_ips.of(exchange)
        rate = counted(self._rate_limiter, client)
        if rate is not None and rate.remaining < 0:
            raise Failure("TOO_MANY_REQUESTS", retry_after_s=rate.reset_s)
        self._capacity.check_requests()
        deadline = asyncio.get_running_loop().time() + self._deadline_s
        caller = Caller(self._authorization, exchange.request_id, deadline, client.address)
        share = BodyShare(self._capacity, body.most(BODY_LIMIT))
        try:
            async with asyncio.timeout_at(deadline):
                content = await body.read(BODY_LIMIT, share.grow)
            response = await self._record(_request(exchange, content), caller)
        except TimeoutError:
            raise Failure(REQUEST_TIMEOUT) from None
        finally:
            share.release()
        assert isinstance(response, RecordPayPalEventResponse)
        return response.event_id


class PayPalEvents(HTTPEndpoint):
    """The route of the application's `paypal_hook`."""

    async def post(self, request: Request) -> Response:
        hook: PayPalHook = request.app.state.paypal_hook
        return await hook.answer(request)


def _request(exchange: Exchange, body: bytes) -> RecordPayPalEventRequest:
    def header(name: str) -> str:
        return exchange.headers.get(f"paypal-{name}".encode(), b"").decode("latin-1")

    return RecordPayPalEventRequest(
        body=body,
        transmission_id=header("transmission-id"),
        transmission_time=header("transmission-time"),
        transmission_sig=header("transmission-sig"),
        cert_url=header("cert-url"),
        auth_algo=header("auth-algo"),
    )


def _response(answer: Answer) -> Response:
    headers = {name.decode(): value.decode("latin-1") for name, value in answer.headers}
    return Response(answer.body, answer.status, headers, media_type="application/json")
