"""The dialect of `/v1`: routes from the protos' annotations, documented names, both families of errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from google.protobuf.descriptor import EnumDescriptor

from edge.dialects.dialect import Files, HeaderField, PartialList, RouteRules
from edge.dialects.sends import KEY_HEADERS, send_headers
from edge.dialects.zidimail.contacts import RULES, further_routes, response_of
from edge.dialects.zidimail.errors import failure_answer, failure_body
from edge.dialects.zidimail.permissive import drop_invalid, report_invalid
from edge.dialects.zidimail.shapes import EMAILS, JOBS, LIST, QUERIES, REQUESTS, RESPONSES
from edge.dialects.zidimail.sign_in import sign_in_rules
from edge.transcoding.asgi import Answer
from edge.transcoding.names import short_names
from edge.transcoding.request_shape import RequestShapes
from edge.transcoding.response_shape import Form, ResponseShapes
from edge.transcoding.routes import Route
from edge.transcoding.schema import TEXT
from edge.transcoding.status import Failure, failure_of_status
from edge.transcoding.template import parse

PREFIX = "/v1"
PACKAGE = "zidimail.v1"

_SEND = RouteRules(request_headers=KEY_HEADERS, response_headers=send_headers)
_CREATE = RouteRules(status=201)

METHODS: Mapping[str, RouteRules] = {
    # C-1, F-1
    EMAILS + "SendEmail": replace(_SEND, files=Files(("attachments",), "content")),
    # C-64, F-12
    EMAILS + "SendRawEmail": replace(_SEND, media_types=("message/rfc822", "message/global")),
    # C-4
    EMAILS + "BatchSendEmails": replace(
        _SEND,
        request_headers={**KEY_HEADERS, b"x-batch-validation": HeaderField("mode", str.lower)},
        partial=PartialList(drop_invalid, report_invalid),
    ),
    JOBS + "CreateBatchJob": replace(_SEND, status=201, files=Files(("emails", "attachments"), "content")),
    **RULES,
}


# Values that JSON requests do not have: one that only the log of a webhook shows, one that only edges use.
_NOT_IN_REQUESTS = {"EVENT_TYPE_WEBHOOK_TEST", "BATCH_MODE_SEPARATE"}
_UPPER_CASE = {"zidimail.v1.DnsRecordPurpose", "zidimail.v1.DnsRecordType"}


class ZidiMail:
    """The dialect of `/v1`."""

    def __init__(self, routes: Sequence[Route], *, has_https: bool = True) -> None:
        """`has_https` is true if our pages are served over https."""
        self._methods = {**METHODS, **sign_in_rules(has_https=has_https)}
        self.documented = routes
        served = [*routes, *_of_the_oldest_client(routes), *further_routes(routes)]
        self.routes = [*served, *map(_at_the_root, served)]
        self.requests = RequestShapes({f"{PACKAGE}.{name}": shape for name, shape in REQUESTS.items()})
        self.responses = ResponseShapes(
            {f"{PACKAGE}.{name}": shape for name, shape in RESPONSES.items()},
            lists=LIST,
            forms={"google.rpc.Status": Form(_message, TEXT)},
        )
        self.queries = QUERIES

    def names(self, descriptor: EnumDescriptor) -> Mapping[int, str]:
        """Short names in lower case; of an event its subject, a dot, and what happened to it. Those of DNS
        records are in upper case, as in zone files."""
        names = short_names(descriptor)
        if descriptor.full_name in _UPPER_CASE:
            return {number: name.upper() for number, name in names.items()}
        if descriptor.full_name == "zidimail.v1.EventType":
            return {number: name.replace("_", ".", 1) for number, name in names.items()}
        return names

    def request_names(self, descriptor: EnumDescriptor) -> Mapping[int, str]:
        """As `names`, without the values that a request may not have."""
        values = descriptor.values_by_number
        return {
            number: name
            for number, name in self.names(descriptor).items()
            if values[number].name not in _NOT_IN_REQUESTS
        }

    def rules(self, route: Route) -> RouteRules:
        """Creations are answered 201, all else 200 and never 204: clients of Resend choke on it (C-16)."""
        method = route.method
        usual = _CREATE if method.name.startswith("Create") else RouteRules()
        rules = self._methods.get(method.full_name, usual)
        response = response_of(route, LIST)
        return rules if response is None else replace(rules, response=response)

    def failure(self, failure: Failure, request_id: str) -> Answer:
        return failure_answer(failure, request_id)


def _of_the_oldest_client(routes: Sequence[Route]) -> list[Route]:
    """`POST /v1/email`, where Resend's first clients send."""
    path = f"{PREFIX}/email"
    return [
        replace(route, path=path, segments=parse(path))
        for route in routes
        if route.method.full_name == EMAILS + "SendEmail"
    ]


def _at_the_root(route: Route) -> Route:
    """The route without the prefix: Resend's Rust and .NET clients keep of a base URL the host alone, and its
    Go client does so unless the URL ends in a slash (section D)."""
    return replace(route, path=route.path.removeprefix(PREFIX), segments=route.segments[1:])


def _message(status: Any) -> str:
    message: str = failure_body(failure_of_status(status))["message"]
    return message
