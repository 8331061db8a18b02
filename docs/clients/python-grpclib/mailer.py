"""Sends email by ZidiMail's gRPC API and follows what becomes of it."""

import asyncio
import os
import ssl
import uuid
from collections.abc import AsyncIterator, Awaitable
from contextlib import aclosing
from typing import NamedTuple

from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from grpclib import GRPCError, Status
from grpclib.client import Channel
from grpclib.exceptions import StreamTerminatedError
from grpclib.health.v1.health_grpc import HealthStub
from grpclib.health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from zidimail.v1.email_service_grpc import EmailServiceStub
from zidimail.v1.email_service_pb2 import (
    BATCH_MODE_PERMISSIVE,
    BATCH_MODE_STRICT,
    BatchSendEmailsRequest,
    GetEmailRequest,
    ListEmailsRequest,
    SendEmailRequest,
)
from zidimail.v1.event_pb2 import Event, EventType
from zidimail.v1.event_service_grpc import EventServiceStub
from zidimail.v1.event_service_pb2 import ListEventsRequest, WatchEventsRequest

FROM = os.environ["ZIDIMAIL_FROM"]
AUTH = {"authorization": f"Bearer {os.environ['ZIDIMAIL_API_KEY']}"}
# The deadline of a call, in seconds. Every call but a stream should have one: without, it may wait for ever.
DEADLINE = 10


def connect() -> Channel:
    """A channel to the server: with TLS if there is a CA to trust, and without if not."""
    host, port = os.environ["ZIDIMAIL_TARGET"].rsplit(":", 1)
    context = None
    if ca := os.environ.get("ZIDIMAIL_CA"):
        context = ssl.create_default_context(cafile=ca)
        context.set_alpn_protocols(["h2"])
    return Channel(host, int(port), ssl=context)


class Refusal(NamedTuple):
    """An error of the API: the name of its code, and its details, empty if it has none."""

    code: str
    info: ErrorInfo
    bad_request: BadRequest


async def refusal(call: Awaitable[object]) -> Refusal:
    """Awaits a call that is going to fail."""
    try:
        await call
    except TimeoutError:  # grpclib's word for a deadline that passed in the client
        return Refusal(Status.DEADLINE_EXCEEDED.name, ErrorInfo(), BadRequest())
    except GRPCError as error:
        details = {type(detail): detail for detail in error.details or ()}
        info, bad_request = (details.get(kind, kind()) for kind in (ErrorInfo, BadRequest))
        return Refusal(error.status.name, info, bad_request)
    raise AssertionError("The call did not fail.")


async def follow(events: EventServiceStub, cursor: str) -> AsyncIterator[Event]:
    """The events behind a cursor as they happen, until the caller leaves the loop.

    Goes on by itself when the server restarts. A program that keeps the last cursor misses nothing, even when
    it is restarted itself.
    """
    while True:
        try:
            # Leaving the block cancels the call.
            async with events.WatchEvents.open(metadata=AUTH) as stream:
                await stream.send_message(WatchEventsRequest(after=cursor), end=True)
                async for answer in stream:
                    yield answer.event
                    cursor = answer.event.cursor
        except (OSError, StreamTerminatedError):
            pass
        except GRPCError as error:
            if error.status is not Status.UNAVAILABLE:
                raise
        await asyncio.sleep(1)


async def events_of(events: EventServiceStub, email_id: str, cursor: str, count: int) -> list[Event]:
    """The first `count` events of an email behind a cursor."""
    seen: list[Event] = []
    async with aclosing(follow(events, cursor)) as log:
        async for event in log:
            if event.email_id == email_id:
                seen.append(event)
            if len(seen) == count:
                break
    return seen


async def end_of_log(events: EventServiceStub) -> str:
    """The cursor behind the newest event."""
    request = ListEventsRequest(limit=100)
    while True:
        page = await events.ListEvents(request, metadata=AUTH, timeout=DEADLINE)
        if not page.has_more:
            return page.next_cursor
        request.after = page.next_cursor


async def run(emails: EmailServiceStub, events: EventServiceStub, health: HealthStub) -> None:
    """Every step prints one line."""
    start = await end_of_log(events)

    email = SendEmailRequest(
        **{"from": FROM},  # a keyword of Python, hence the detour
        to=["delivered@simulator.test"],
        subject="Hello from grpclib",
        text="It works.",
        # Repeat the call as often as you like, after a timeout for instance: it sends once.
        idempotency_key=str(uuid.uuid4()),
    )
    sent = await emails.SendEmail(email, metadata=AUTH, timeout=DEADLINE)
    print("send", sent.id)
    again = await emails.SendEmail(email, metadata=AUTH, timeout=DEADLINE)
    print("repeat", again.id, "replayed" if again.replayed else "sent again")

    batch = BatchSendEmailsRequest(mode=BATCH_MODE_PERMISSIVE)
    for address in ("delivered@simulator.test", "not-an-address", "delivered+2@simulator.test"):
        batch.emails.add(**{"from": FROM}, to=[address], subject="Batch", text="It works.")
    results = (await emails.BatchSendEmails(batch, metadata=AUTH, timeout=DEADLINE)).results
    print("batch-permissive", ",".join(result.WhichOneof("outcome") for result in results))
    batch.mode = BATCH_MODE_STRICT
    refused = await refusal(emails.BatchSendEmails(batch, metadata=AUTH, timeout=DEADLINE))
    print("batch-strict", refused.code, refused.info.reason, refused.info.metadata["index"])

    wanted = GetEmailRequest(id=sent.id, without_bodies=True)
    read = (await emails.GetEmail(wanted, metadata=AUTH, timeout=DEADLINE)).email
    print("get", read.id, read.subject)

    # The newest emails, page by page.
    listed = []
    listing = ListEmailsRequest(limit=2)
    for _ in range(3):
        page = await emails.ListEmails(listing, metadata=AUTH, timeout=DEADLINE)
        listed.extend(page.data)
        if not page.has_more:
            break
        listing.after = page.next_cursor
    print("pages", len(listed))

    nameless = SendEmailRequest(to=["delivered@simulator.test"], subject="From nobody", text="?")
    refused = await refusal(emails.SendEmail(nameless, metadata=AUTH, timeout=DEADLINE))
    print("invalid", refused.code, refused.info.reason, refused.bad_request.field_violations[0].field)

    wrong = {"authorization": "Bearer wrong"}
    refused = await refusal(emails.SendEmail(email, metadata=wrong, timeout=DEADLINE))
    print("unauthenticated", refused.code, refused.info.reason)

    seen = await events_of(events, sent.id, start, 2)
    print("watch", EventType.Name(seen[0].type), len(seen))
    resumed = await events_of(events, sent.id, seen[0].cursor, 1)
    assert resumed[0].id == seen[1].id, "The stream skipped an event."
    print("resume", resumed[0].id)

    refused = await refusal(events.WatchEvents(WatchEventsRequest(), metadata=AUTH, timeout=0.1))
    print("deadline", refused.code)

    nowhere = ListEventsRequest(after="nonsense")
    refused = await refusal(events.ListEvents(nowhere, metadata=AUTH, timeout=DEADLINE))
    print("bad-cursor", refused.code, refused.bad_request.field_violations[0].field)

    answer = await health.Check(HealthCheckRequest(service="zidimail.v1.EmailService"), timeout=DEADLINE)
    print("health", HealthCheckResponse.ServingStatus.Name(answer.status))


async def main() -> None:
    """All stubs share one channel."""
    async with connect() as channel:
        await run(EmailServiceStub(channel), EventServiceStub(channel), HealthStub(channel))


if __name__ == "__main__":
    asyncio.run(main())
