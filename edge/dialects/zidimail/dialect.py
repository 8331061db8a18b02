"""The dialect of `/v1` as the rest of the edge sees it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

import orjson
from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.message import Message
from zidimail.v1.email_service_pb2 import SendEmailResponse

from edge.dialects.dialect import Spared
from edge.dialects.zidimail.errors import failure_answer, failure_body
from edge.dialects.zidimail.shapes import (
    API_KEYS,
    DOMAINS,
    EMAILS,
    REQUEST_SHAPES,
    RESPONSE_SHAPES,
    SUPPRESSIONS,
    WEBHOOKS,
    without_files,
)
from edge.dialects.zidimail.sparing import restore, spare
from edge.rates import Rate
from edge.transcoding.asgi import Answer, Header
from edge.transcoding.names import short_names
from edge.transcoding.rendering import Render
from edge.transcoding.routes import BadRoute, Route
from edge.transcoding.status import Failure, failure_of_status

CREATED = frozenset(
    {
        DOMAINS + "CreateDomain",
        API_KEYS + "CreateApiKey",
        WEBHOOKS + "CreateWebhook",
        SUPPRESSIONS + "CreateSuppression",
    }
)
"""The methods that are answered 201; every other 200, and none 204: clients of Resend choke on it (C-16)."""

IDEMPOTENT = frozenset({EMAILS + "SendEmail", EMAILS + "BatchSendEmails"})
"""The methods that an Idempotency-Key makes safe to repeat (F-1)."""

PREFIX = "/v1"

_REPLAYED: tuple[Header, ...] = ((b"idempotent-replayed", b"true"),)


class ZidiMail:
    """Routes from the protos' annotations, documented names, both families of errors."""

    def __init__(self, routes: Sequence[Route]) -> None:
        """Raises BadRoute when a method has no response shape: nothing is shown by accident."""
        self.documented = routes
        self.routes = [*routes, *map(_at_the_root, routes)]
        self.special: Mapping[str, Render] = {
            "google.rpc.Status": lambda status: failure_body(failure_of_status(status))["message"]
        }
        for route in routes:
            if route.method.full_name not in RESPONSE_SHAPES:
                raise BadRoute(f"{route.method.full_name} has no response shape")

    def names(self, descriptor: EnumDescriptor) -> Mapping[int, str]:
        """Short names in lower case; of an event its subject, a dot, and what happened to it."""
        names = short_names(descriptor)
        if descriptor.full_name == "zidimail.v1.EventType":
            return {number: name.replace("_", ".", 1) for number, name in names.items()}
        return names

    def takes_files(self, method: str) -> bool:
        return method == EMAILS + "SendEmail"

    def without_files(self, body: Any) -> Any:
        return without_files(body)

    def widen(self, method: str, body: Any, headers: Mapping[bytes, bytes]) -> Any:
        shape = REQUEST_SHAPES.get(method)
        if shape is None:
            return body
        body = shape(body)
        mode = headers.get(b"x-batch-validation")
        if mode is not None and method == EMAILS + "BatchSendEmails" and type(body) is dict:
            body["mode"] = mode.decode("latin-1").lower()
        return body

    def complete(self, method: str, request: Message, headers: Mapping[bytes, bytes]) -> None:
        if method in IDEMPOTENT and (key := headers.get(b"idempotency-key")) is not None:
            request.idempotency_key = key.decode("latin-1")  # type: ignore[attr-defined]

    def spare(self, method: str, body: Any, failure: Failure) -> Spared:
        if method != EMAILS + "BatchSendEmails" or body.get("mode") != "permissive":
            return {}
        return spare(body, failure)

    def restore(self, response: Any, spared: Spared) -> None:
        restore(response, spared)

    def answer(self, method: str, response: Message, rendered: Any) -> Answer:
        shaped = RESPONSE_SHAPES[method](rendered)
        status = 201 if method in CREATED else 200
        headers = _said_of_sends(response) if method in IDEMPOTENT else ()
        return Answer(status, orjson.dumps(shaped), headers)

    def failure(self, failure: Failure, request_id: str) -> Answer:
        return failure_answer(failure, request_id)


def _at_the_root(route: Route) -> Route:
    """The route without the prefix: Resend's Rust and .NET clients keep of a base URL the host alone, and its
    Go client does so unless the URL ends in a slash (section D)."""
    return replace(route, path=route.path.removeprefix(PREFIX), segments=route.segments[1:])


def _said_of_sends(response: Any) -> tuple[Header, ...]:
    """What stands in headers: that it is an earlier answer (F-1), and the quota that is nearest (F-9)."""
    headers = _REPLAYED if response.replayed else ()
    sent = [response] if isinstance(response, SendEmailResponse) else [it.sent for it in response.results]
    quotas = [it.rate_limit for it in sent if it.HasField("rate_limit")]
    if not quotas:
        return headers
    nearest = min(quotas, key=attrgetter("remaining"))
    reset_s = max(0, math.ceil(nearest.resets_at.seconds - time.time()))
    return (*headers, *Rate(nearest.limit, nearest.remaining, reset_s).headers)
