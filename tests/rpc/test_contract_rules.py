"""Rules that hold for every method: lists, numbers of enums, bytes that are no message (C-63)."""

from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
import pytest
from google.protobuf import field_mask_pb2
from google.rpc import error_details_pb2, status_pb2
from zidimail.v1 import (
    email_service_pb2,
    email_service_pb2_grpc,
    event_pb2,
    event_service_pb2,
    event_service_pb2_grpc,
    suppression_service_pb2,
    suppression_service_pb2_grpc,
    webhook_service_pb2,
    webhook_service_pb2_grpc,
)

from tests.harness.stack import Stack

UNKNOWN = 99
BOUNCED = event_pb2.EVENT_TYPE_EMAIL_BOUNCED


@pytest.fixture
async def channel(stack: Stack) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(stack.grpc) as channel:
        yield channel


@pytest.fixture
def metadata(stack: Stack) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {stack.other.api_key}"),)


async def violated(call: Any) -> list[str]:
    """The fields that a call is refused for."""
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await call
    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    trailers: dict[str, Any] = dict(refusal.value.trailing_metadata() or ())  # type: ignore[arg-type]
    bad_request = error_details_pb2.BadRequest()
    details = status_pb2.Status.FromString(trailers["grpc-status-details-bin"]).details
    assert any(detail.Unpack(bad_request) for detail in details)
    return [violation.field for violation in bad_request.field_violations]


async def test_list_is_walked_by_next_cursor_whatever_counts_as_absent(
    channel: grpc.aio.Channel, metadata: Any
) -> None:
    """A client whose language always sets fields sends 0 and the empty text."""
    stub = suppression_service_pb2_grpc.SuppressionServiceStub(channel)
    emails = [f"rule-{number}@example.org" for number in range(5)]
    added = suppression_service_pb2.BatchAddSuppressionsRequest(emails=emails)
    await stub.BatchAddSuppressions(added, metadata=metadata)

    async def listed(**fields: Any) -> suppression_service_pb2.ListSuppressionsResponse:
        request = suppression_service_pb2.ListSuppressionsRequest(search="rule-", **fields)
        return await stub.ListSuppressions(request, metadata=metadata)

    whole = await listed(limit=0, page=0, after="", before="")
    assert (whole.limit, whole.page, whole.total, whole.next_cursor) == (50, 1, 5, "")
    walked, cursor = [], ""
    for _ in range(3):
        page = await listed(limit=2, after=cursor)
        walked += [suppression.id for suppression in page.data]
        cursor = page.next_cursor
    assert cursor == ""
    assert walked == [suppression.id for suppression in whole.data]
    # A page of newer entries is followed by the one that it began at.
    upward = await listed(limit=2, before=walked[4])
    assert [suppression.id for suppression in upward.data] == walked[2:4]
    following = await listed(limit=2, after=upward.next_cursor)
    assert [suppression.id for suppression in following.data] == walked[4:]


async def test_log_without_events_has_a_cursor_from_which_the_stream_goes_on(
    channel: grpc.aio.Channel, metadata: Any, stack: Stack
) -> None:
    events = event_service_pb2_grpc.EventServiceStub(channel)
    # No email has this id, so that the list is empty whatever other tests send.
    request = event_service_pb2.ListEventsRequest(email_id="0" * 24)
    page = await events.ListEvents(request, metadata=metadata)
    assert not page.data
    assert page.next_cursor
    emails = email_service_pb2_grpc.EmailServiceStub(channel)
    new = email_service_pb2.SendEmailRequest(
        **{"from": f"a@{stack.other.domain}"}, to=["you@example.org"], subject="x", text="x"
    )
    sent = await emails.SendEmail(new, metadata=metadata)
    for start in ({"after": page.next_cursor}, {"from_beginning": True}):
        watch = events.WatchEvents(
            event_service_pb2.WatchEventsRequest(**start), metadata=metadata, timeout=30
        )  # type: ignore[arg-type]
        async for response in watch:
            if response.event.email_id == sent.id:
                break
        watch.cancel()


async def test_number_that_an_enum_does_not_define_is_refused_wherever_it_stands(
    channel: grpc.aio.Channel, metadata: Any, stack: Stack
) -> None:
    emails = email_service_pb2_grpc.EmailServiceStub(channel)
    new = email_service_pb2.SendEmailRequest(
        **{"from": f"a@{stack.other.domain}"}, to=["you@example.org"], subject="x", text="x"
    )
    batch = email_service_pb2.BatchSendEmailsRequest(emails=[new], mode=UNKNOWN)  # type: ignore[arg-type]
    assert await violated(emails.BatchSendEmails(batch, metadata=metadata)) == ["mode"]
    lists = email_service_pb2.ListEmailsRequest(status=[1, UNKNOWN])  # type: ignore[list-item]
    assert await violated(emails.ListEmails(lists, metadata=metadata)) == ["status[1]"]


async def test_bytes_that_are_no_message_are_refused_with_the_name_of_a_field(
    channel: grpc.aio.Channel, metadata: Any
) -> None:
    call = channel.unary_unary("/zidimail.v1.EmailService/SendEmail")
    assert await violated(call(b"\xff\xff\xff", metadata=metadata)) == ["request"]


async def test_mask_empties_the_events_of_a_webhook_and_names_only_its_fields(
    channel: grpc.aio.Channel, metadata: Any
) -> None:
    stub = webhook_service_pb2_grpc.WebhookServiceStub(channel)
    new = webhook_service_pb2.CreateWebhookRequest(url="https://127.0.0.1:1/rules", events=[BOUNCED])
    id = (await stub.CreateWebhook(new, metadata=metadata)).id

    async def update(*paths: str, **fields: Any) -> Any:
        mask = field_mask_pb2.FieldMask(paths=paths) if paths else None
        request = webhook_service_pb2.UpdateWebhookRequest(id=id, update_mask=mask, **fields)
        return (await stub.UpdateWebhook(request, metadata=metadata)).webhook

    kept = await update(url="https://127.0.0.1:1/moved")
    assert (kept.url, list(kept.events)) == ("https://127.0.0.1:1/moved", [BOUNCED])
    emptied = await update("events", url="https://127.0.0.1:1/ignored")
    assert (emptied.url, list(emptied.events)) == ("https://127.0.0.1:1/moved", [])
    assert await violated(update("secret")) == ["update_mask"]
    assert await violated(update("url")) == ["url"]
