"""The generated Python stub sends, reads back, and follows the log."""

import asyncio
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2, status_pb2
from zidimail.v1 import (
    email_pb2,
    email_service_pb2,
    email_service_pb2_grpc,
    event_pb2,
    event_service_pb2,
    event_service_pb2_grpc,
)

from tests.harness.stack import Stack
from tests.harness.waiting import until


def authorised(stack: Stack) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {stack.api_key}"),)


def an_email(
    stack: Stack, to: str = "you@example.org", subject: str = "By stub"
) -> email_service_pb2.SendEmailRequest:
    return email_service_pb2.SendEmailRequest(
        **{"from": f"a@{stack.domain}", "to": [to], "subject": subject, "text": "x"}
    )


async def test_a_mail_is_sent_and_read_back_by_the_generated_stub(stack: Stack) -> None:
    async with stack.channel() as channel:
        stub = email_service_pb2_grpc.EmailServiceStub(channel)
        sent = await stub.SendEmail(an_email(stack), metadata=authorised(stack))

        async def read() -> email_pb2.Email | None:
            request = email_service_pb2.GetEmailRequest(id=sent.id)
            email = (await stub.GetEmail(request, metadata=authorised(stack))).email
            return email if email.status == email_pb2.EMAIL_STATUS_DELIVERED else None

        email = await until(read, message="never delivered")
    assert [event.type for event in email.events] == [
        event_pb2.EVENT_TYPE_EMAIL_SENT,
        event_pb2.EVENT_TYPE_EMAIL_DELIVERED,
    ]


async def test_permissive_batch_sends_valid_items_and_reports_the_others(
    stack: Stack,
) -> None:
    request = email_service_pb2.BatchSendEmailsRequest(
        emails=[an_email(stack), an_email(stack, to="not an address"), an_email(stack)],
        mode=email_service_pb2.BATCH_MODE_PERMISSIVE,
    )
    async with stack.channel() as channel:
        stub = email_service_pb2_grpc.EmailServiceStub(channel)
        answer = await stub.BatchSendEmails(request, metadata=authorised(stack))
        assert [result.WhichOneof("outcome") for result in answer.results] == ["sent", "error", "sent"]
        info = error_details_pb2.ErrorInfo()
        assert any(detail.Unpack(info) for detail in answer.results[1].error.details)
        assert (info.domain, info.reason) == ("zidimail", "VALIDATION_FAILED")
        request.mode = email_service_pb2.BATCH_MODE_STRICT
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.BatchSendEmails(request, metadata=authorised(stack))
    trailers: dict[str, Any] = dict(refused.value.trailing_metadata() or ())  # type: ignore[arg-type]
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    assert any(detail.Unpack(info) for detail in status.details)
    assert (info.reason, info.metadata["index"]) == ("VALIDATION_FAILED", "1")


async def test_event_stream_follows_the_log_and_resumes_without_a_gap(stack: Stack) -> None:
    """F-8: every event in order, none skipped, resumable by cursor."""
    async with stack.channel() as channel:
        emails = email_service_pb2_grpc.EmailServiceStub(channel)
        events = event_service_pb2_grpc.EventServiceStub(channel)
        page = await events.ListEvents(
            event_service_pb2.ListEventsRequest(limit=1), metadata=authorised(stack)
        )
        while page.has_more:
            request = event_service_pb2.ListEventsRequest(limit=100, after=page.next_cursor)
            page = await events.ListEvents(request, metadata=authorised(stack))
        start = page.next_cursor
        watch = events.WatchEvents(
            event_service_pb2.WatchEventsRequest(after=start), metadata=authorised(stack)
        )
        sent = [(await emails.SendEmail(an_email(stack), metadata=authorised(stack))).id for _ in range(3)]
        seen: list[event_pb2.Event] = []
        async with asyncio.timeout(20):
            while sum(event.type == event_pb2.EVENT_TYPE_EMAIL_DELIVERED for event in seen) < 3:
                event = (await watch.read()).event
                # Mail of other tests may still be under way.
                if event.email_id in sent:
                    seen.append(event)
        watch.cancel()
        assert {event.email_id for event in seen} == set(sent)
        assert len(seen) == 6
        # The list equals the stream: after each cursor exactly the rest.
        for index, event in enumerate(seen):
            request = event_service_pb2.ListEventsRequest(limit=100, after=event.cursor)
            rest = await events.ListEvents(request, metadata=authorised(stack))
            listed = [entry.id for entry in rest.data if entry.email_id in sent]
            assert listed == [entry.id for entry in seen[index + 1 :]]
