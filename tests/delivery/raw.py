"""Finished messages in the queue of a store."""

from typing import Any

from zidimail.v1 import email_service_pb2 as pb

from server.db.writer import Writer
from server.emails.draft import Draft
from server.emails.raw_draft import Arrival, raw_draft
from server.ids import new_id
from server.message.received import Trace
from server.wire.caller import KeyCaller
from tests.delivery.queued import Queued, domain_of, enqueue, new_org
from tests.harness.clock import START_MS
from tests.harness.finished_messages import message

HOST = "mail.zidimail.test"
TRACE = Trace("client.example", "192.0.2.7", "ESMTPSA", "TLSv1.3", "TLS_AES_256_GCM_SHA384")


def drafted(org_id: str, content: bytes, now_ms: int = START_MS, **fields: Any) -> Draft:
    """The rows of a finished message. `fields` are others of the request."""
    request = pb.SendRawEmailRequest(content=content, **fields)
    made = raw_draft(request, KeyCaller(org_id, new_id(), "full"), Arrival(HOST, TRACE, now_ms))
    assert isinstance(made, Draft), made
    return made


async def enqueue_raw(writer: Writer, content: bytes, *fields: str, **others: Any) -> Queued:
    """Accepts a message with this header and body, and further fields of its header."""
    org_id = await new_org(writer)
    whole = message(
        content, f"Shop <shop@{domain_of(org_id)}>", *fields, to=others.pop("to", "ok@receiver.test")
    )
    return (await enqueue(writer, drafted(org_id, whole, **others)))[0]
