"""The cost of an email follows its size: twice the input never takes four times as long (C-41)."""

from time import thread_time
from typing import Any

import pytest
from zidimail.v1 import email_service_pb2 as pb

from server.emails.draft import draft
from server.faults import Fault
from server.wire.caller import KeyCaller

CALLER = KeyCaller("org", "key", "full")
# Each makes the fields of an email of about `size` bytes.
HOSTILE = {
    "subject of half words": lambda size: {"subject": "=?a?q?x " * (size // 8)},
    "subject of words": lambda size: {"subject": "=?utf-8?q?x?= " * (size // 14)},
    "header of half words": lambda size: {"headers": {"X-A": "=?a?q?x " * (size // 8)}},
    "sender of separators": lambda size: {"from": "@," * (size // 2)},
    "recipients in one text": lambda size: {"to": ["a@b.test," * (size // 9)]},
    "separators": lambda size: {"to": ["@;" * 32_000] * (size // 64_000)},
    "brackets": lambda size: {"to": ["<," * (size // 2)]},
    "quotes": lambda size: {"to": ['"\\' * (size // 2) + ","]},
    "recipients": lambda size: {"to": ["ü@bücher.test"] * (size // 16)},
    "tags": lambda size: {"tags": [{"name": "t", "value": "v"}] * (size // 8)},
    "headers": lambda size: {"headers": {f"X-{number}": "v" for number in range(size // 10)}},
    "file name of words": lambda size: {
        "attachments": [{"filename": "=?a?q?x " * (size // 8), "content": b"a"}]
    },
    "media type": lambda size: {
        "attachments": [{"filename": "a", "content": b"a", "content_type": "a/b" + '; a="' * (size // 5)}]
    },
}
SMALL, TIMES = 2**17, 8
# Linear work takes 8 times as long for 8 times the size, quadratic work 64 times.
MOST = 24
# Seconds that are too short to be compared.
SHORT_S = 0.002


def request_of(fields: dict[str, Any]) -> pb.SendEmailRequest:
    """A request with these fields instead of its own."""
    return pb.SendEmailRequest(
        **{"from": "a@x.test", "to": ["b@y.test"], "subject": "s", "text": "t", **fields}
    )


def seconds(request: pb.SendEmailRequest) -> float:
    """The shortest time of three in which an email is judged."""
    times = []
    for _ in range(3):
        begun = thread_time()
        draft(request, CALLER, 0)
        times.append(thread_time() - begun)
    return min(times)


@pytest.mark.parametrize("name", HOSTILE)
def test_cost_follows_the_size(name: str) -> None:
    small, large = (request_of(HOSTILE[name](size)) for size in (SMALL, SMALL * TIMES))
    assert seconds(large) < MOST * max(seconds(small), SHORT_S)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"to": ["a@b.test"] * 51}, "to, cc and bcc hold 51 addresses"),
        ({"cc": ["a@b.test," * 501]}, "more than 500 commas and semicolons"),
        ({"reply_to": ["a@b.test"] * 51}, "holds 51 addresses"),
        ({"subject": "=?utf-8?q?=C3=BC?=" * 1_000 + "x" * 18_000}, "exceeds maximum (998 characters)"),
    ],
)
def test_counts_are_checked_before_the_items(fields: dict[str, Any], problem: str) -> None:
    refused = draft(request_of(fields), CALLER, 0)
    assert isinstance(refused, Fault)
    assert problem in refused.message
