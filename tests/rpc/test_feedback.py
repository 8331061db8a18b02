"""Feedback, lists and statistics over gRPC, on both engines (Z-24, Z-27, Z-29, F-6)."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from zidimail.v1 import (
    email_pb2,
    email_service_pb2,
    email_service_pb2_grpc,
    feedback_service_pb2,
    feedback_service_pb2_grpc,
    suppression_pb2,
    suppression_service_pb2,
    suppression_service_pb2_grpc,
)

from tests.harness.stack import Organisation, Stack
from tests.harness.waiting import until

DELIVERED, COMPLAINED, BOUNCED = (
    email_pb2.EMAIL_STATUS_DELIVERED,
    email_pb2.EMAIL_STATUS_COMPLAINED,
    email_pb2.EMAIL_STATUS_BOUNCED,
)
NUMBERS = itertools.count(1)


class Client:
    """The services as one organisation sees them, and feedback as the platform reports it about its mail."""

    def __init__(self, channel: grpc.aio.Channel, organisation: Organisation, secret: str) -> None:
        self._metadata = (("authorization", f"Bearer {organisation.api_key}"),)
        self._internal = (("authorization", f"Internal {secret}"),)
        self._org_id = organisation.org_id
        self._sender = f"a@{organisation.domain}"
        self._emails = email_service_pb2_grpc.EmailServiceStub(channel)
        self._feedback = feedback_service_pb2_grpc.FeedbackServiceStub(channel)
        self._suppressions = suppression_service_pb2_grpc.SuppressionServiceStub(channel)

    async def send(self, *to: str, **fields: Any) -> email_service_pb2.SendEmailResponse:
        given = {"from": self._sender, "subject": "Feedback", "text": "x", **fields}
        request = email_service_pb2.SendEmailRequest(to=to, **given)
        return await self._emails.SendEmail(request, metadata=self._metadata)

    async def delivered(self, *to: str, **fields: Any) -> str:
        """The id of an email, once it is delivered."""
        id = (await self.send(*to, **fields)).id

        async def is_delivered() -> bool:
            return (await self.get(id)).status == DELIVERED

        await until(is_delivered)
        return id

    async def get(self, id: str) -> email_pb2.Email:
        request = email_service_pb2.GetEmailRequest(id=id)
        return (await self._emails.GetEmail(request, metadata=self._metadata)).email

    async def list(self, **fields: Any) -> email_service_pb2.ListEmailsResponse:
        request = email_service_pb2.ListEmailsRequest(**fields)
        return await self._emails.ListEmails(request, metadata=self._metadata)

    async def stats(self, **fields: Any) -> email_service_pb2.GetEmailStatsResponse:
        request = email_service_pb2.GetEmailStatsRequest(**fields)
        return await self._emails.GetEmailStats(request, metadata=self._metadata)

    async def complain(self, email_id: str, recipient: str, **fields: Any) -> str:
        request = feedback_service_pb2.RecordComplaintRequest(
            **{"org_id": self._org_id, "email_id": email_id, "recipient": recipient, **fields}
        )
        return (await self._feedback.RecordComplaint(request, metadata=self._internal)).event_id

    async def bounce(self, email_id: str, recipient: str, enhanced_status: str) -> str:
        request = feedback_service_pb2.RecordBounceRequest(
            org_id=self._org_id,
            email_id=email_id,
            recipient=recipient,
            enhanced_status=enhanced_status,
            diagnostic="no such user",
        )
        return (await self._feedback.RecordBounce(request, metadata=self._internal)).event_id

    async def suppression(self, address: str) -> suppression_pb2.Suppression:
        request = suppression_service_pb2.GetSuppressionRequest(id_or_email=address)
        return (await self._suppressions.GetSuppression(request, metadata=self._metadata)).suppression


@pytest.fixture
async def client(either: Stack) -> AsyncIterator[Client]:
    async with either.channel() as channel:
        yield Client(channel, either.owner, either.edge_secret)


@pytest.fixture
async def other(either: Stack) -> AsyncIterator[Client]:
    async with either.channel() as channel:
        yield Client(channel, either.other, either.edge_secret)


def address() -> str:
    """One that no other test uses."""
    return f"feedback-{next(NUMBERS)}@receiver.test"


async def refused(call: Any) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await call
    trailers = dict(refusal.value.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    return info.reason


async def test_complaint_suppresses_the_recipient(client: Client) -> None:
    ada, bob = address(), address()
    id = await client.delivered(ada, bob)
    event_id = await client.complain(id, ada.upper(), feedback_type=feedback_service_pb2.FEEDBACK_TYPE_FRAUD)
    assert await client.complain(id, ada) == event_id
    email = await client.get(id)
    assert [person.status for person in email.recipients] == [COMPLAINED, DELIVERED]
    assert email.status == COMPLAINED
    assert [event.id for event in email.events].count(event_id) == 1
    suppression = await client.suppression(ada)
    assert (suppression.origin, suppression.source_id) == (suppression_pb2.SUPPRESSION_ORIGIN_COMPLAINT, id)

    assert await refused(client.send(ada)) == "ALL_RECIPIENTS_SUPPRESSED"
    sent = await client.send(ada, bob)
    assert ada in sent.warning


async def test_a_late_hard_bounce_suppresses(client: Client) -> None:
    ada = address()
    id = await client.delivered(ada)
    await client.bounce(id, ada, "5.7.1")
    assert await refused(client.suppression(ada)) == "SUPPRESSION_NOT_FOUND"
    assert (await client.get(id)).status == BOUNCED

    other_id = await client.delivered(ada)
    event_id = await client.bounce(other_id, ada, "5.1.1")
    assert (await client.suppression(ada)).source_id == other_id
    [event] = [event for event in (await client.get(other_id)).events if event.id == event_id]
    assert (event.reply.enhanced_status, event.reply.diagnostic) == ("5.1.1", "no such user")


async def test_feedback_about_an_unknown_email_or_recipient_is_not_found(
    client: Client, other: Client
) -> None:
    ada = address()
    id = await client.delivered(ada)
    for unknown in (
        client.complain("0" * 24, ada),
        client.complain("nonsense", ada),
        client.complain(id, address()),
        other.complain(id, ada),
        other.bounce(id, ada, "5.1.1"),
    ):
        assert await refused(unknown) == "EMAIL_NOT_FOUND"


@pytest.mark.parametrize("status", ["", "4.2.2", "550", "5.1"])
async def test_reported_bounce_must_be_a_permanent_failure(client: Client, status: str) -> None:
    assert await refused(client.bounce("0" * 24, "ada@receiver.test", status)) == "VALIDATION_FAILED"


async def test_report_needs_a_valid_address(client: Client) -> None:
    assert await refused(client.complain("0" * 24, "nobody")) == "VALIDATION_FAILED"


@pytest.mark.parametrize("org_id", ["", "nonsense", "\x00"])
async def test_report_needs_an_organisation(client: Client, org_id: str) -> None:
    call = client.complain("0" * 24, "ada@receiver.test", org_id=org_id)
    assert await refused(call) == "VALIDATION_FAILED"


async def test_a_list_is_filtered(either: Stack, client: Client) -> None:
    ada = address()
    tag = ada.partition("@")[0]
    tags = [email_pb2.Tag(name=tag, value="1")]
    first = await client.delivered(ada, tags=tags)
    second = await client.delivered(ada)
    await client.bounce(second, ada, "5.7.1")

    async def ids(**fields: Any) -> list[str]:
        return [email.id for email in (await client.list(**fields)).data]

    assert await ids(search=ada) == [second, first]
    assert await ids(tag=tag) == await ids(tag=f"{tag}:1") == [first]
    assert await ids(search=ada, status=[BOUNCED]) == [second]
    assert await ids(search=ada, status=[BOUNCED, DELIVERED]) == [second, first]
    assert await ids(search=ada, domain=either.domain.upper()) == [second, first]
    assert await ids(search=ada, domain="nowhere.test") == []
    since = (await client.get(second)).created_at
    assert await ids(search=ada, since=since) == [second]
    assert await ids(search=ada, until=since) == [first]


@pytest.mark.parametrize(
    "fields",
    [
        {"limit": -1},
        {"after": "x"},
        {"status": [0]},
        {"status": [99]},
        {"domain": "no host"},
        {"tag": "x" * 514},
        {"search": "\x00"},
        {"since": {"seconds": -(10**12)}},
    ],
)
async def test_invalid_list_request_is_refused(client: Client, fields: dict[str, Any]) -> None:
    assert await refused(client.list(**fields)) == "VALIDATION_FAILED"


async def test_statistics_count_events(client: Client) -> None:
    before = await client.stats(days=1)
    ada = address()
    id = await client.delivered(ada, address())
    await client.complain(id, ada)

    async def counted() -> bool:
        now = await client.stats(days=1)
        return (
            now.totals.sent >= before.totals.sent + 2
            and now.totals.delivered >= before.totals.delivered + 2
            and now.totals.complained == before.totals.complained + 1
            and now.by_status["complained"] == before.by_status["complained"] + 1
        )

    await until(counted)
    now = await client.stats(days=1)
    assert [day.sent for day in now.daily] == [now.totals.sent]
    assert 0 < now.rates.delivery <= 1
    assert 0 < now.rates.complaint <= 1


@pytest.mark.parametrize(("asked", "answered"), [({}, 30), ({"days": 7}, 7), ({"days": 1000}, 90)])
async def test_the_days_of_statistics_are_at_most_90(
    client: Client, asked: dict[str, int], answered: int
) -> None:
    """C-20, C-46."""
    found = await client.stats(**asked)
    assert (found.days, len(found.daily)) == (answered, answered)
    assert [day.date for day in found.daily] == sorted(day.date for day in found.daily)


async def test_statistics_of_less_than_a_day_are_refused(client: Client) -> None:
    assert await refused(client.stats(days=-1)) == "VALIDATION_FAILED"
