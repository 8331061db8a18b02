"""Finished messages over gRPC, on both engines: SendRawEmail, BatchSendRawEmails and CheckEnvelope (F-12)."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from zidimail.v1 import (
    api_key_service_pb2,
    api_key_service_pb2_grpc,
    email_pb2,
    email_service_pb2_grpc,
    suppression_service_pb2,
    suppression_service_pb2_grpc,
)
from zidimail.v1 import email_service_pb2 as pb

from tests.harness.finished_messages import CONTENTS, TEXT, body_of, message
from tests.harness.organisations import Kind, Organisation
from tests.harness.stack import Stack
from tests.harness.waiting import until

Metadata = tuple[tuple[str, str], ...]


def bearer(token: str) -> Metadata:
    return (("authorization", f"Bearer {token}"),)


def reason_of(status: status_pb2.Status) -> str:
    """The reason of an error, empty for success."""
    if not status.code:
        return ""
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return info.reason


class Sender:
    """One organisation on one engine, with a key to send with."""

    def __init__(self, channel: grpc.aio.Channel, stack: Stack, org: Organisation) -> None:
        self.channel = channel
        self.stack = stack
        self.org = org
        self.emails = email_service_pb2_grpc.EmailServiceStub(channel)
        self.key = bearer(org.api_key)

    def message(self, *fields: str, content: bytes = TEXT, to: str = "ada@example.org") -> bytes:
        return message(content, f"Shop <shop@{self.org.domain}>", *fields, to=to)

    async def send(self, content: bytes, **fields: Any) -> pb.SendRawEmailResponse:
        return await self.emails.SendRawEmail(
            pb.SendRawEmailRequest(content=content, **fields), metadata=self.key
        )

    async def send_all(self, *requests: pb.SendRawEmailRequest) -> Sequence[pb.BatchSendResult]:
        request = pb.BatchSendRawEmailsRequest(emails=requests)
        return (await self.emails.BatchSendRawEmails(request, metadata=self.key)).results

    async def email(self, id: str) -> email_pb2.Email:
        request = pb.GetEmailRequest(id=id)
        return (await self.emails.GetEmail(request, metadata=bearer(self.org.jwt))).email

    async def check(self, sender: str, *recipients: str, key: Metadata | None = None) -> list[str]:
        """The reasons for the sender and each recipient."""
        request = pb.CheckEnvelopeRequest(mail_from=sender, recipients=recipients)
        answer = await self.emails.CheckEnvelope(request, metadata=key or self.key)
        return [reason_of(answer.sender), *map(reason_of, answer.recipients)]

    async def arrived(self, id: str, no: int = 1) -> bytes:
        """The message as it was captured for a recipient."""
        path = self.stack.captured / f"{id}.{no}.eml"
        await until(path.exists)
        return path.read_bytes()


@pytest.fixture
async def sender(either: Stack) -> AsyncIterator[Sender]:
    async with either.channel() as channel:
        yield Sender(channel, either, either.owner)


@pytest.mark.parametrize("name", ["mixed", "pgp", "8-bit", "no trailing newline"])
async def test_a_message_arrives_with_its_body(sender: Sender, name: str) -> None:
    content = sender.message("Bcc: hidden@example.org", content=CONTENTS[name])
    id = (await sender.send(content)).id
    for no in (1, 2):
        assert body_of(await sender.arrived(id, no)).removesuffix(b"\r\n") == body_of(content).removesuffix(
            b"\r\n"
        )
    assert list((await sender.email(id)).bcc) == ["hidden@example.org"]


async def test_only_a_program_of_the_installation_says_how_a_message_came(sender: Sender) -> None:
    """C-91: another caller's word is not repeated."""
    trace = pb.Trace(
        helo="client.example",
        address="192.0.2.7",
        protocol="ESMTPSA",
        tls_version="TLSv1.3",
        tls_cipher="X_Y",
    )
    own = (await sender.send(sender.message(), trace=trace)).id
    assert b"192.0.2.7" not in await sender.arrived(own)
    sender.key = (*sender.key, ("x-zidimail-edge", sender.stack.edge_secret))
    relayed = (await sender.send(sender.message(), trace=trace)).id
    head = (await sender.arrived(relayed)).partition(b"From:")[0]
    assert (
        b"Received: from client.example ([192.0.2.7])\r\n by localhost with ESMTPSA\r\n (TLSv1.3 X_Y)\r\n id "
        in head
    )


async def test_each_message_of_a_batch_is_as_if_sent_alone(sender: Sender) -> None:
    suppressions = suppression_service_pb2_grpc.SuppressionServiceStub(sender.channel)
    request = suppression_service_pb2.CreateSuppressionRequest(email="gone@example.org")
    await suppressions.CreateSuppression(request, metadata=sender.key)
    good = pb.SendRawEmailRequest(content=sender.message(), idempotency_key=f"batch-{sender.stack.grpc}")
    both = pb.SendRawEmailRequest(
        content=sender.message(), recipients=["gone@example.org", "ada@example.org"]
    )
    results = await sender.send_all(
        good,
        good,
        both,
        pb.SendRawEmailRequest(content=sender.message(to="gone@example.org")),
        pb.SendRawEmailRequest(content=b"no message"),
        pb.SendRawEmailRequest(content=sender.message(), mail_from="a@nowhere.example"),
    )
    assert [reason_of(result.error) for result in results] == [
        *("", "", ""),
        *("ALL_RECIPIENTS_SUPPRESSED", "VALIDATION_FAILED", "DOMAIN_NOT_VERIFIED"),
    ]
    first, again, skipped = (result.sent for result in results[:3])
    assert (again.id, again.replayed, first.replayed) == (first.id, True, False)
    # C-32: the suppressed recipient is skipped, and the event says so.
    assert "gone@example.org" in skipped.warning
    statuses = {row.address: row.status for row in (await sender.email(skipped.id)).recipients}
    assert statuses["gone@example.org"] == email_pb2.EMAIL_STATUS_SUPPRESSED
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await sender.send_all(*[good] * 101)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_scheduled_message_can_be_canceled(sender: Sender) -> None:
    """F-2."""
    sent = await sender.send(sender.message("X-ZidiMail-Scheduled-At: in 1 hour"))
    assert sent.HasField("scheduled_at")
    await sender.emails.CancelEmail(pb.CancelEmailRequest(id=sent.id), metadata=sender.key)
    assert (await sender.email(sent.id)).status == email_pb2.EMAIL_STATUS_CANCELED


async def test_a_test_key_sends_nothing_out(sender: Sender) -> None:
    """F-5."""
    keys = api_key_service_pb2_grpc.ApiKeyServiceStub(sender.channel)
    request = api_key_service_pb2.CreateApiKeyRequest(name="test", test=True)
    sender.key = bearer((await keys.CreateApiKey(request, metadata=bearer(sender.org.jwt))).key)
    id = (await sender.send(sender.message(to="bounced@simulator.test"))).id

    async def has_bounced() -> bool:
        return (await sender.email(id)).status == email_pb2.EMAIL_STATUS_BOUNCED

    await until(has_bounced)
    assert (await sender.email(id)).test
    assert not list(sender.stack.captured.glob(f"{id}.*"))


async def test_an_envelope_is_checked_before_its_message(sender: Sender) -> None:
    """C-31: the sender's domain, and the form of each address."""
    domain = sender.org.domain
    assert await sender.check(
        f"a@{domain}", "ada@example.org", "root", "a b@x.test", "<ada@example.org>"
    ) == [
        *("", "", "VALIDATION_FAILED", "VALIDATION_FAILED", "VALIDATION_FAILED"),
    ]
    assert await sender.check("") == [""]
    assert await sender.check("root") == ["VALIDATION_FAILED"]
    assert await sender.check("a@nowhere.example", "ada@example.org") == ["DOMAIN_NOT_VERIFIED", ""]
    keys = api_key_service_pb2_grpc.ApiKeyServiceStub(sender.channel)
    request = api_key_service_pb2.CreateApiKeyRequest(name="bound", allowed_domains=[domain])
    bound = bearer((await keys.CreateApiKey(request, metadata=bearer(sender.org.jwt))).key)
    assert await sender.check(f"a@{domain}", key=bound) == [""]
    assert await sender.check(f"a@other.{domain}", key=bound) == ["DOMAIN_NOT_ALLOWED"]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await sender.check(f"a@{domain}", *["ada@example.org"] * 101)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with organisations that may not send, or only to their owner."""
    kinds = {
        "sandbox": Kind(["--plan", "free", "--sandbox"]),
        "paused": Kind(["--plan", "pro"], {"state": "paused"}),
    }
    with Stack(tmp_path_factory.mktemp("limited"), kinds=kinds) as stack:
        yield stack


async def test_the_sandbox_and_the_account_are_checked_with_the_envelope(limited: Stack) -> None:
    """C-31, Z-25, S-19; the send decides alike."""
    async with limited.channel() as channel:
        sandboxed = Sender(channel, limited, limited.orgs["sandbox"])
        domain = sandboxed.org.domain
        checked = await sandboxed.check(f"a@{domain}", f"owner@{domain}", "ada@example.org")
        assert checked == ["", "", "SANDBOX_RECIPIENT"]
        results = await sandboxed.send_all(
            pb.SendRawEmailRequest(content=sandboxed.message(to=f"owner@{domain}")),
            pb.SendRawEmailRequest(content=sandboxed.message()),
        )
        assert [reason_of(result.error) for result in results] == ["", "SANDBOX_RECIPIENT"]
        paused = Sender(channel, limited, limited.orgs["paused"])
        assert await paused.check(f"a@{paused.org.domain}", "ada@example.org") == ["ACCOUNT_PAUSED", ""]
