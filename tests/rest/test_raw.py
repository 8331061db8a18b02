"""Finished messages over REST: the body is the message, the query its envelope (F-12, C-64)."""

import httpx

from tests.harness.finished_messages import CONTENTS, message
from tests.rest.golden import Golden

MESSAGE = {"content-type": "message/rfc822"}
SENDER = "Shop <hello@mail.example.com>"


def test_a_message_is_sent_as_it_is(api: httpx.Client, golden: Golden) -> None:
    """F-12 and F-1: its header says to whom, and its tags are taken out of it."""
    content = message(
        CONTENTS["plain"],
        SENDER,
        "X-ZidiMail-Tag: kind=receipt",
        "Idempotency-Key: raw-1",
        to="ada@example.org",
    )
    golden.check("emails/send-raw", api.post("/v1/emails/raw", content=content, headers=MESSAGE))
    golden.check("emails/send-raw-again", api.post("/v1/emails/raw", content=content, headers=MESSAGE))
