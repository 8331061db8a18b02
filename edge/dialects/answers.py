"""Requests counted by their clients, and what answers say beside their bodies."""

from __future__ import annotations

from edge.client_ip import ClientIp
from edge.rates import Rate, RateLimiter
from edge.transcoding.asgi import Answer


def counted(limiter: RateLimiter | None, client: ClientIp) -> Rate | None:
    """Counts a request; None where it is not counted."""
    return None if limiter is None or not client.network else limiter.count(client.network)


def closing(answer: Answer) -> Answer:
    """The answer to a request whose body still comes: what follows on the connection is not a request."""
    return answer._replace(headers=(*answer.headers, (b"connection", b"close")))


def with_rate(answer: Answer, rate: Rate) -> Answer:
    """The answer with the limit of requests, unless it names one that matters more (F-9)."""
    for name, _ in answer.headers:
        if name == b"ratelimit-limit":
            return answer
    return Answer(answer.status, answer.body, (*answer.headers, *rate.headers))
