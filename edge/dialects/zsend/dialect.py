"""The dialect of `/api/v1/zsend`: routes from a table, documented names, its own errors and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from google.protobuf.descriptor import EnumDescriptor

from edge.dialects.dialect import Files, RouteRules
from edge.dialects.sends import KEY_HEADERS, send_headers
from edge.dialects.zsend import limits, routes, shapes
from edge.dialects.zsend.errors import failure_answer
from edge.transcoding.asgi import Answer
from edge.transcoding.names import short_names
from edge.transcoding.request_shape import RequestShapes
from edge.transcoding.response_shape import ResponseShapes
from edge.transcoding.routes import Route
from edge.transcoding.status import Failure

_PACKAGE = "zidimail.v1"

_SEND = RouteRules(
    request_headers=KEY_HEADERS,
    response_headers=send_headers,
    body_limit=16 * limits.MIB,
    files=Files(("attachments",), "content", limits_rest=False),
    check=limits.check_email,
)
"""C-22."""

RULES: Mapping[Route, RouteRules] = {
    routes.SEND: _SEND,
    routes.SCHEDULE: replace(
        _SEND, request=shapes.SCHEDULE_REQUEST, response=shapes.SCHEDULED, check=limits.check_scheduled
    ),
    routes.CREATE_JOB: replace(
        _SEND,
        body_limit=64 * limits.MIB,
        files=Files(("emails", "attachments"), "content", limits_rest=False),
        check=limits.check_job,
    ),
    routes.LIST: RouteRules(query=shapes.EMAILS_QUERY),
    routes.LIST_SCHEDULED: RouteRules(query=shapes.SCHEDULED_QUERY, response=shapes.LIST_SCHEDULED),
    routes.GET_SCHEDULED: RouteRules(query=shapes.SCHEDULED_ALONE, response=shapes.GET_SCHEDULED),
    routes.CANCEL: RouteRules(query=shapes.SCHEDULED_ALONE),
}
_DEFAULT = RouteRules()


class ZSend:
    """The dialect of `/api/v1/zsend`. Every success is 200 (S-2)."""

    def __init__(self) -> None:
        self.documented = routes.ROUTES
        self.routes = routes.ROUTES
        self.requests = RequestShapes({f"{_PACKAGE}.{name}": row for name, row in shapes.REQUESTS.items()})
        self.responses = ResponseShapes({f"{_PACKAGE}.{name}": row for name, row in shapes.RESPONSES.items()})
        self.queries = shapes.QUERIES

    def names(self, descriptor: EnumDescriptor) -> Mapping[int, str]:
        """Short names in lower case. Those of an email's state are changed by the shapes."""
        return short_names(descriptor)

    def request_names(self, descriptor: EnumDescriptor) -> Mapping[int, str]:
        """As `names`."""
        return short_names(descriptor)

    def rules(self, route: Route) -> RouteRules:
        return RULES.get(route, _DEFAULT)

    def failure(self, failure: Failure, request_id: str) -> Answer:
        return failure_answer(failure, request_id)
