"""The page behind List-Unsubscribe: a POST unsubscribes, a GET asks first (RFC 8058).

Mail programs POST with one click, and recipients by the button of the page. Programs that look at each link
of a mail GET it: that alone changes nothing.
"""

from __future__ import annotations

import asyncio
from html import escape

import grpc.aio
import structlog
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from zidimail.v1 import contacts_service_pb2 as contacts

from edge.links.page import HEADERS, page
from edge.transcoding.asgi import exchange_of_request
from edge.transcoding.body import Body, ClientGone
from edge.transcoding.invoke import Caller
from edge.transcoding.status import failure_of_error

PATH = "/unsubscribe/{token}"
METHOD = "zidimail.v1.ContactsService.Unsubscribe"
_BUTTON = '<form method="post"><button>Unsubscribe</button></form>'
_DEADLINE_S = 20.0
_log = structlog.get_logger("edge")


class Unsubscribe(HTTPEndpoint):
    """Unsubscribes the recipient of an email to a list, by the token in the path."""

    async def get(self, request: Request) -> Response:
        """The question, with a button."""
        return await _answered(request, dry_run=True)

    async def post(self, request: Request) -> Response:
        """Unsubscribes. The body, `List-Unsubscribe=One-Click` or an empty form, says nothing more."""
        exchange = exchange_of_request(request)
        assert exchange is not None
        try:
            is_read = await Body(request.receive, exchange.headers).drain()
        except ClientGone:
            return Response(status_code=400)
        answer = await _answered(request, dry_run=False)
        if not is_read:
            answer.headers["connection"] = "close"
        return answer


async def _answered(request: Request, *, dry_run: bool) -> Response:
    exchange = exchange_of_request(request)
    assert exchange is not None
    caller = Caller("", exchange.request_id, asyncio.get_running_loop().time() + _DEADLINE_S)
    asked = contacts.UnsubscribeRequest(token=request.path_params["token"], dry_run=dry_run)
    try:
        found: contacts.UnsubscribeResponse = await request.app.state.unsubscribe(
            asked, timeout=caller.seconds_left, metadata=caller.metadata
        )
    except grpc.aio.AioRpcError as error:
        return _failed(failure_of_error(error).reason)
    recipient = f"<b>{escape(found.email)}</b>"
    sender = escape(getattr(found, "from")) or "The sender"
    if dry_run and not found.unsubscribed:
        text = f"{sender} writes to {recipient}, as to others on a list. Should that end?"
        return _page("Unsubscribe", f"<p>{text}</p>{_BUTTON}")
    text = f"{sender} will not write to {recipient} any more when it writes to its lists."
    return _page("You are unsubscribed", f"<p>{text}</p>")


def _failed(reason: str) -> Response:
    # A token with a NUL is refused as every text with one is.
    if reason in ("LINK_NOT_VALID", "VALIDATION_FAILED"):
        text = "<p>The link is not complete. Follow it in the mail again, or copy all of it.</p>"
        return _page("This link does not work", text, 404)
    if reason not in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "OUTCOME_UNKNOWN"):
        _log.error("a recipient could not be unsubscribed", reason=reason)
    answer = _page("Please try again", "<p>This does not work just now. Try again in a minute.</p>", 503)
    answer.headers["retry-after"] = "60"
    return answer


def _page(title: str, content: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(page(title, content), status, HEADERS)
