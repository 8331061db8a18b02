"""Sends of one credential share calls, and nothing else (DESIGN 2.2)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc.aio
import pytest
import pytest_asyncio
from google.rpc import code_pb2
from zidimail.v1 import email_service_pb2 as pb

from edge.channel import Channel
from edge.coalesce import Coalescer, LineFull
from edge.transcoding.invoke import Caller
from tests.harness.waiting import until
from tests.unit.edge.server import EmailServer, sent, status

pytestmark = pytest.mark.asyncio(loop_scope="module")

WAITING_LIMIT = 300


@asynccontextmanager
async def coalescer_of(target: str) -> AsyncIterator[Coalescer]:
    channel = Channel(target)
    call = channel.unary_of_bytes("zidimail.v1.EmailService.BatchSendEmails", pb.BatchSendEmailsResponse)
    async with channel:
        yield Coalescer(call, WAITING_LIMIT)


@pytest_asyncio.fixture(loop_scope="module")
async def coalescer(emails: EmailServer) -> AsyncIterator[Coalescer]:
    async with coalescer_of(emails.target) as coalescer:
        yield coalescer


class Sender:
    """Sends emails by their subjects."""

    def __init__(self, coalescer: Coalescer, credential: str = "Bearer key") -> None:
        self._coalescer = coalescer
        self._credential = credential
        self.callers: dict[str, Caller] = {}

    def send(
        self, subject: str, *, body: str = "", within: float = 20, client: str = ""
    ) -> asyncio.Task[pb.BatchSendResult]:
        deadline = asyncio.get_running_loop().time() + within
        caller = Caller(self._credential, f"request-{subject}", deadline, client)
        self.callers[subject] = caller
        return asyncio.create_task(
            self._coalescer.send(pb.SendEmailRequest(subject=subject, text=body), caller)
        )


@pytest.fixture
def sender(coalescer: Coalescer) -> Sender:
    return Sender(coalescer)


async def fill(emails: EmailServer, sender: Sender) -> list[asyncio.Task[pb.BatchSendResult]]:
    """Two calls in flight that do not end before the gate opens."""
    emails.gate.clear()
    tasks = []
    for number in (1, 2):
        tasks.append(sender.send(f"first {number}"))
        await until(lambda number=number: len(emails.batches) == number)
    return tasks


async def test_idle_queue_sends_at_once_as_a_batch_of_one(emails: EmailServer, sender: Sender) -> None:
    result = await sender.send("alone")
    assert result.sent.id == "alone"
    assert emails.subjects == [["alone"]]
    assert emails.batches[0].mode == pb.BATCH_MODE_SEPARATE


async def test_sends_during_two_calls_in_flight_share_the_next_call(
    emails: EmailServer, sender: Sender
) -> None:
    tasks = await fill(emails, sender)
    later = [sender.send(f"later {number}") for number in range(5)]
    await asyncio.sleep(0)
    emails.gate.set()
    results = await asyncio.gather(*tasks, *later)
    assert emails.subjects == [["first 1"], ["first 2"], [f"later {number}" for number in range(5)]]
    assert [result.sent.id for result in results[2:]] == [f"later {number}" for number in range(5)]
    assert emails.most_in_flight == 2


async def test_a_second_call_is_no_small_one(emails: EmailServer, sender: Sender) -> None:
    """A call costs about the same whatever it carries: a few emails wait for the one that is under way."""
    emails.gate.clear()
    tasks = [sender.send(f"first {number}") for number in range(8)]
    await until(lambda: len(emails.batches) == 1)
    tasks += [sender.send(f"later {number}") for number in range(3)]
    await asyncio.sleep(0)
    assert len(emails.batches) == 1
    tasks.append(sender.send("later 3"))
    await until(lambda: len(emails.batches) == 2)
    assert emails.subjects[1] == [f"later {number}" for number in range(4)]
    emails.gate.set()
    await asyncio.gather(*tasks)


async def test_few_emails_go_when_the_call_in_flight_has_landed(emails: EmailServer, sender: Sender) -> None:
    emails.gate.clear()
    tasks = [sender.send(f"first {number}") for number in range(8)]
    await until(lambda: len(emails.batches) == 1)
    tasks.append(sender.send("later"))
    emails.gate.set()
    await asyncio.gather(*tasks)
    assert emails.subjects == [[f"first {number}" for number in range(8)], ["later"]]


async def test_a_call_carries_a_hundred_emails_at_most(emails: EmailServer, sender: Sender) -> None:
    tasks = await fill(emails, sender)
    tasks += [sender.send(str(number)) for number in range(250)]
    await asyncio.sleep(0)
    emails.gate.set()
    await asyncio.gather(*tasks)
    assert sorted(len(batch) for batch in emails.subjects[2:]) == [50, 100, 100]


async def test_a_call_carries_sixteen_mebibytes_unless_one_email_is_larger(
    emails: EmailServer, sender: Sender
) -> None:
    tasks = await fill(emails, sender)
    tasks += [sender.send(f"medium {number}", body="x" * (6 << 20)) for number in range(3)]
    tasks.append(sender.send("huge", body="x" * (17 << 20)))
    await asyncio.sleep(0)
    emails.gate.set()
    await asyncio.gather(*tasks)
    assert sorted(emails.subjects[2:]) == [["huge"], ["medium 0", "medium 1"], ["medium 2"]]


async def test_credentials_never_share_a_call(emails: EmailServer, coalescer: Coalescer) -> None:
    one, other = Sender(coalescer, "Bearer one"), Sender(coalescer, "Bearer other")
    await asyncio.gather(one.send("a"), other.send("b"), one.send("c"), other.send("d"))
    called = sorted(
        (str(metadata["authorization"]), subjects)
        for metadata, subjects in zip(emails.metadata, emails.subjects, strict=True)
    )
    assert called == [("Bearer one", ["a", "c"]), ("Bearer other", ["b", "d"])]


async def test_refused_email_does_not_fail_others(emails: EmailServer, sender: Sender) -> None:
    emails.outcome = lambda email: (
        pb.BatchSendResult(error=status("VALIDATION_FAILED")) if email.subject == "bad" else sent(email)
    )
    good, bad, other = await asyncio.gather(sender.send("good"), sender.send("bad"), sender.send("other"))
    assert emails.subjects == [["good", "bad", "other"]]
    assert (good.sent.id, other.sent.id) == ("good", "other")
    assert bad.error.code == code_pb2.INVALID_ARGUMENT


async def test_failed_call_fails_each_of_its_emails(emails: EmailServer, sender: Sender) -> None:
    emails.refusal = status("INVALID_CREDENTIALS", code_pb2.UNAUTHENTICATED)
    results = await asyncio.gather(sender.send("a"), sender.send("b"), return_exceptions=True)
    assert len(emails.batches) == 1
    for error in results:
        assert isinstance(error, grpc.aio.AioRpcError)
        assert error.code() == grpc.StatusCode.UNAUTHENTICATED


async def test_missing_results_are_an_error_for_each_email(emails: EmailServer, sender: Sender) -> None:
    emails.left_out = 1
    results = await asyncio.gather(sender.send("a"), sender.send("b"))
    assert [result.error.code for result in results] == [code_pb2.INTERNAL, code_pb2.INTERNAL]


async def test_an_email_whose_caller_gave_up_before_a_call_took_it_is_not_sent(
    emails: EmailServer, sender: Sender
) -> None:
    tasks = await fill(emails, sender)
    gone, stays = sender.send("gone"), sender.send("stays")
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    emails.gate.set()
    assert (await stays).sent.id == "stays"
    await asyncio.gather(*tasks)
    assert emails.subjects[2:] == [["stays"]]


async def test_cancelled_caller_does_not_fail_others_of_its_call(emails: EmailServer, sender: Sender) -> None:
    emails.gate.clear()
    gone, stays = sender.send("gone"), sender.send("stays")
    await until(lambda: emails.subjects == [["gone", "stays"]])
    gone.cancel()
    await asyncio.wait([gone])
    assert gone.cancelled()
    emails.gate.set()
    assert (await stays).sent.id == "stays"


async def test_call_that_nobody_waits_for_is_cancelled(emails: EmailServer, sender: Sender) -> None:
    """C-94: the server drops what it has not begun."""
    emails.gate.clear()
    tasks = [sender.send("gone", within=300), sender.send("gone too", within=300)]
    await until(lambda: emails.subjects == [["gone", "gone too"]])
    for task in tasks:
        task.cancel()
    await until(lambda: emails.in_flight == 0, within=10)
    emails.gate.set()
    assert (await sender.send("next")).sent.id == "next"


async def test_call_has_the_latest_deadline_of_its_emails(emails: EmailServer, sender: Sender) -> None:
    await asyncio.gather(sender.send("hasty", within=5), sender.send("patient", within=300))
    assert emails.seconds_left[0] > 200


async def test_full_queue_refuses_sends(emails: EmailServer, sender: Sender) -> None:
    tasks = await fill(emails, sender)
    tasks += [sender.send(str(number)) for number in range(WAITING_LIMIT)]
    await asyncio.sleep(0)
    with pytest.raises(LineFull):
        await sender.send("one too many")
    emails.gate.set()
    await asyncio.gather(*tasks)
    assert (await sender.send("again")).sent.id == "again"


async def test_idle_credentials_use_no_memory(emails: EmailServer, coalescer: Coalescer) -> None:
    senders = [Sender(coalescer, f"Bearer {number}") for number in range(20)]
    emails.gate.clear()
    tasks = [sender.send("x") for sender in senders]
    await until(lambda: coalescer.lines == 20)
    for task in tasks[:5]:
        task.cancel()
    emails.gate.set()
    await asyncio.wait(tasks)
    await until(lambda: coalescer.lines == 0)
    emails.refusal = status("INVALID_CREDENTIALS", code_pb2.UNAUTHENTICATED)
    await asyncio.gather(*(sender.send("x") for sender in senders), return_exceptions=True)
    await until(lambda: coalescer.lines == 0)


async def test_unreachable_server_is_an_error() -> None:
    async with coalescer_of("127.0.0.1:1") as coalescer:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await Sender(coalescer).send("a")
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
