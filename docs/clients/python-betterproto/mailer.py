"""Sends email by ZidiMail's gRPC API and follows what becomes of it."""

import asyncio
import os
import ssl
import uuid
from collections.abc import AsyncIterator, Awaitable
from contextlib import aclosing
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import betterproto2
from grpclib import GRPCError, Status
from grpclib.client import Channel, UnaryUnaryMethod
from grpclib.encoding.base import StatusDetailsCodecBase
from grpclib.exceptions import StreamTerminatedError
from stubs.google import rpc
from stubs.zidimail import v1

FROM = os.environ["ZIDIMAIL_FROM"]
AUTH = {"authorization": f"Bearer {os.environ['ZIDIMAIL_API_KEY']}"}
# The deadline of a call, in seconds. Every call but a stream should have one: without, it may wait for ever.
DEADLINE = 10


class StatusDetailsCodec(StatusDetailsCodecBase):
    """Lets grpclib decode error details by betterproto2's classes: it knows only protobuf's own."""

    def encode(self, status: Status, message: str | None, details: object) -> bytes:
        """Only servers send details."""
        raise NotImplementedError

    def decode(self, status: Status, message: str | None, data: bytes) -> list[betterproto2.Message | None]:
        """The messages inside the `google.rpc.Status` of the trailer `grpc-status-details-bin`."""
        return [detail.unpack() for detail in rpc.Status.parse(data).details]


def connect() -> Channel:
    """A channel to the server: with TLS if there is a CA to trust, and without if not."""
    host, port = os.environ["ZIDIMAIL_TARGET"].rsplit(":", 1)
    context = None
    if ca := os.environ.get("ZIDIMAIL_CA"):
        context = ssl.create_default_context(cafile=ca)
        context.set_alpn_protocols(["h2"])
    return Channel(host, int(port), ssl=context, status_details_codec=StatusDetailsCodec())


class Refusal(NamedTuple):
    """An error of the API: the name of its code, and its details, empty if it has none."""

    code: str
    info: rpc.ErrorInfo
    bad_request: rpc.BadRequest


async def refusal(call: Awaitable[object]) -> Refusal:
    """Awaits a call that is going to fail."""
    try:
        await call
    except TimeoutError:  # grpclib's word for a deadline that passed in the client
        return Refusal(Status.DEADLINE_EXCEEDED.name, rpc.ErrorInfo(), rpc.BadRequest())
    except GRPCError as error:
        details = {type(detail): detail for detail in error.details or ()}
        info, bad_request = (details.get(kind, kind()) for kind in (rpc.ErrorInfo, rpc.BadRequest))
        return Refusal(error.status.name, info, bad_request)
    raise AssertionError("The call did not fail.")


async def follow(channel: Channel, cursor: str) -> AsyncIterator[v1.Event]:
    """The events behind a cursor as they happen, until the caller leaves the loop.

    Goes on by itself when the server restarts. A program that keeps the last cursor misses nothing, even when
    it is restarted itself.
    """
    log = v1.EventServiceStub(channel, metadata=AUTH)  # without a deadline
    while True:
        try:
            # Leaving the block cancels the call.
            async with aclosing(log.watch_events(v1.WatchEventsRequest(after=cursor))) as answers:
                async for answer in answers:
                    yield answer.event
                    cursor = answer.event.cursor
        except (OSError, StreamTerminatedError):
            pass
        except GRPCError as error:
            if error.status is not Status.UNAVAILABLE:
                raise
        await asyncio.sleep(1)


async def events_of(channel: Channel, email_id: str, cursor: str, count: int) -> list[v1.Event]:
    """The first `count` events of an email behind a cursor."""
    seen: list[v1.Event] = []
    async with aclosing(follow(channel, cursor)) as log:
        async for event in log:
            if event.email_id == email_id:
                seen.append(event)
            if len(seen) == count:
                break
    return seen


async def end_of_log(events: v1.EventServiceStub) -> str:
    """The cursor behind the newest event."""
    page = await events.list_events(v1.ListEventsRequest(limit=100))
    while page.has_more:
        page = await events.list_events(v1.ListEventsRequest(limit=100, after=page.next_cursor))
    return page.next_cursor


# grpclib has health checks for protobuf's classes only. These are grpc.health.v1 for betterproto2.


class ServingStatus(IntEnum):
    """`grpc.health.v1.HealthCheckResponse.ServingStatus`."""

    UNKNOWN = 0
    SERVING = 1
    NOT_SERVING = 2


@dataclass
class HealthCheckRequest(betterproto2.Message):
    """The name of a service."""

    service: str = betterproto2.field(1, betterproto2.TYPE_STRING)


@dataclass
class HealthCheckResponse(betterproto2.Message):
    """The number of a ServingStatus."""

    status: int = betterproto2.field(1, betterproto2.TYPE_INT32)


async def run(channel: Channel) -> None:
    """Every step prints one line."""
    emails = v1.EmailServiceStub(channel, timeout=DEADLINE, metadata=AUTH)
    events = v1.EventServiceStub(channel, timeout=DEADLINE, metadata=AUTH)
    start = await end_of_log(events)

    email = v1.SendEmailRequest(
        from_=FROM,  # `from` is a keyword of Python
        to=["delivered@simulator.test"],
        subject="Hello from betterproto2",
        text="It works.",
        # Repeat the call as often as you like, after a timeout for instance: it sends once.
        idempotency_key=str(uuid.uuid4()),
    )
    sent = await emails.send_email(email)
    print("send", sent.id)
    again = await emails.send_email(email)
    print("repeat", again.id, "replayed" if again.replayed else "sent again")

    batch = v1.BatchSendEmailsRequest(
        mode=v1.BatchMode.PERMISSIVE,
        emails=[
            v1.SendEmailRequest(from_=FROM, to=[address], subject="Batch", text="It works.")
            for address in ("delivered@simulator.test", "not-an-address", "delivered+2@simulator.test")
        ],
    )
    results = (await emails.batch_send_emails(batch)).results
    outcomes = [betterproto2.which_one_of(result, "outcome")[0] for result in results]
    print("batch-permissive", ",".join(outcomes))
    batch.mode = v1.BatchMode.STRICT
    refused = await refusal(emails.batch_send_emails(batch))
    print("batch-strict", refused.code, refused.info.reason, refused.info.metadata["index"])

    wanted = v1.GetEmailRequest(id=sent.id, without_bodies=True)
    read = (await emails.get_email(wanted)).email
    print("get", read.id, read.subject)

    # The newest emails, page by page.
    listed = []
    listing = v1.ListEmailsRequest(limit=2)
    for _ in range(3):
        page = await emails.list_emails(listing)
        listed.extend(page.data)
        if not page.has_more:
            break
        listing.after = page.next_cursor
    print("pages", len(listed))

    nameless = v1.SendEmailRequest(to=["delivered@simulator.test"], subject="From nobody", text="?")
    refused = await refusal(emails.send_email(nameless))
    print("invalid", refused.code, refused.info.reason, refused.bad_request.field_violations[0].field)

    refused = await refusal(emails.send_email(email, metadata={"authorization": "Bearer wrong"}))
    print("unauthenticated", refused.code, refused.info.reason)

    seen = await events_of(channel, sent.id, start, 2)
    print("watch", seen[0].type.proto_name, len(seen))
    resumed = await events_of(channel, sent.id, seen[0].cursor, 1)
    assert resumed[0].id == seen[1].id, "The stream skipped an event."
    print("resume", resumed[0].id)

    refused = await refusal(anext(events.watch_events(v1.WatchEventsRequest(), timeout=0.1)))
    print("deadline", refused.code)

    refused = await refusal(events.list_events(v1.ListEventsRequest(after="nonsense")))
    print("bad-cursor", refused.code, refused.bad_request.field_violations[0].field)

    check = UnaryUnaryMethod(channel, "/grpc.health.v1.Health/Check", HealthCheckRequest, HealthCheckResponse)
    health = await check(HealthCheckRequest(service="zidimail.v1.EmailService"), timeout=DEADLINE)
    print("health", ServingStatus(health.status).name)


async def main() -> None:
    """All stubs share one channel."""
    async with connect() as channel:
        await run(channel)


if __name__ == "__main__":
    asyncio.run(main())
