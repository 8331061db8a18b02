"""Finished messages: what arrives has the body that was handed in, octet for octet (F-12, C-73)."""

import time

import dkim
import pytest

from server.db.database import Database
from server.db.writer import Writer
from tests.delivery.conftest import StartEngine
from tests.delivery.queued import DOMAIN_ID, domain_of, has_status, keys_of
from tests.delivery.raw import enqueue_raw
from tests.harness.finished_messages import CONTENTS, body_of
from tests.harness.smtp_sink import SmtpSink
from tests.harness.waiting import until


@pytest.mark.parametrize("name", CONTENTS)
async def test_the_body_arrives_as_it_was_handed_in(
    database: Database, writer: Writer, start_engine: StartEngine, sink: SmtpSink, name: str
) -> None:
    """F-12: a message always ends in a line break, and nothing else is added; both signatures cover it."""
    content = CONTENTS[name]
    # Accepted now by the real clock, as the judge of the signatures looks at it.
    sent = await enqueue_raw(writer, content, now_ms=time.time_ns() // 1_000_000)
    await start_engine(f"smtp://127.0.0.1:{sink.port}")
    await until(has_status(database, sent, "delivered"))
    [received] = sink.messages
    body = body_of(content)
    assert body_of(received.data) == (body if not body or body.endswith(b"\r\n") else body + b"\r\n")
    place = f"_domainkey.{domain_of(sent.org_id)}."
    published = {
        f"{key.selector}.{place}": f"v=DKIM1; k={key.algorithm}; p={key.public_key}"
        for key in keys_of(DOMAIN_ID)
    }
    for number in range(2):
        assert dkim.DKIM(received.data).verify(
            number, lambda name, timeout: published[name.decode()].encode()
        )
