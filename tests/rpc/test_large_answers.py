"""An email with large bodies is read by clients with the limits that gRPC gives them (4 MiB)."""

import grpc
import pytest
from zidimail.v1 import email_service_pb2 as pb
from zidimail.v1 import email_service_pb2_grpc

from tests.harness.stack import Stack

MIB = 2**20
# The largest that is accepted.
HTML = "x" * (5 * MIB)


def authorised(stack: Stack) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {stack.api_key}"),)


async def send(stack: Stack) -> str:
    """Sends an email with an HTML body of 5 MiB; returns its id."""
    request = pb.SendEmailRequest(
        **{"from": f"a@{stack.domain}"}, to=["ok@example.net"], subject="Large", html=HTML, text="Small."
    )
    async with stack.channel() as channel:
        emails = email_service_pb2_grpc.EmailServiceStub(channel)
        return (await emails.SendEmail(request, metadata=authorised(stack))).id


async def test_a_default_client_reads_a_large_email_without_its_bodies_only(stack: Stack) -> None:
    email_id = await send(stack)
    async with grpc.aio.insecure_channel(stack.grpc) as channel:
        emails = email_service_pb2_grpc.EmailServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await emails.GetEmail(pb.GetEmailRequest(id=email_id), metadata=authorised(stack))
        assert failed.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        request = pb.GetEmailRequest(id=email_id, without_bodies=True)
        email = (await emails.GetEmail(request, metadata=authorised(stack))).email
    assert (email.id, email.subject) == (email_id, "Large")
    assert (email.html, email.text) == ("", "")
    assert [recipient.address for recipient in email.recipients] == ["ok@example.net"]


async def test_a_client_with_the_option_of_the_comment_reads_a_large_email_whole(stack: Stack) -> None:
    email_id = await send(stack)
    options = [("grpc.max_receive_message_length", 64 * MIB)]
    async with grpc.aio.insecure_channel(stack.grpc, options=options) as channel:
        emails = email_service_pb2_grpc.EmailServiceStub(channel)
        email = (await emails.GetEmail(pb.GetEmailRequest(id=email_id), metadata=authorised(stack))).email
    assert (email.html, email.text) == (HTML, "Small.")
