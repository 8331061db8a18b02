"""B9: binding one send and rendering its answer, against json_format.

Both get the same JSON and give the same messages and values. Ours does more: it checks types strictly,
accepts the other forms that callers may write, and gives the documented answer alone.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import orjson
import zidimail.v1
from google.protobuf import json_format
from zidimail.v1 import email_service_pb2 as pb

from edge.dialects.zidimail.dialect import ZidiMail
from edge.dialects.zidimail.shapes import EMAILS
from edge.transcoding.binding import compile_request
from edge.transcoding.rendering import Renderers
from edge.transcoding.routes import routes_of, services_of
from tests.bench.figure import Figure, Target, table

ROUNDS = 31
LOOPS = 200

SEND = EMAILS + "SendEmail"

BODY = orjson.dumps(
    {
        "from": "Acme <hello@mail.example.com>",
        "to": ["ada@example.net", "Grace <grace@example.org>"],
        "reply_to": ["support@mail.example.com"],
        "subject": "Your order 4711 is on its way",
        "html": "<p>Hello Ada, your order is on its way.</p>" * 40,
        "text": "Hello Ada, your order is on its way.\n" * 40,
        "headers": {"X-Order": "4711"},
        "tags": [{"name": "kind", "value": "shipping"}, {"name": "shop", "value": "7"}],
    }
)
RESPONSE = pb.SendEmailResponse(id="0123456789abcdef01234567")


def measure() -> list[Figure]:
    """Medians of interleaved rounds of one run; the ratio says how many times faster ours is."""
    ours, peers = _ours(), _peers()
    assert ours()[0] == peers()[0]
    times: dict[Callable[[], Any], list[float]] = {ours: [], peers: []}
    for _ in range(ROUNDS):
        for act, rounds in times.items():
            begin = time.perf_counter()
            for _ in range(LOOPS):
                act()
            rounds.append((time.perf_counter() - begin) / LOOPS * 1e6)
    ours_us, peers_us = statistics.median(times[ours]), statistics.median(times[peers])
    return [
        Figure(
            number="B9",
            what="binding and rendering one send",
            measured=ours_us,
            unit="µs",
            peer="json_format",
            peer_measured=peers_us,
            ratio=peers_us / ours_us,
            target=Target(6),
        )
    ]


def _ours() -> Callable[[], tuple[Any, Any]]:
    dialect = ZidiMail(routes_of(services_of(zidimail.v1)))
    route = next(route for route in dialect.routes if route.method.full_name == SEND)
    read = dialect.requests.body_reader(route)
    assert read is not None
    bind = compile_request(route, dialect.names, dialect.queries, dialect.requests.hidden)
    render = Renderers(dialect.names, dialect.responses).response(route)

    def act() -> tuple[Any, Any]:
        return bind(read(orjson.loads(BODY)), b"", ()), render(RESPONSE)

    return act


def _peers() -> Callable[[], tuple[Any, Any]]:
    def act() -> tuple[Any, Any]:
        request = json_format.ParseDict(orjson.loads(BODY), pb.SendEmailRequest())
        return request, json_format.MessageToDict(RESPONSE, preserving_proto_field_name=True)

    return act


def main() -> None:
    """Prints the figure."""
    print(table(measure()))


if __name__ == "__main__":
    main()
