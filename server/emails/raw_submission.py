"""Finished messages: each is read into a draft, and all of one call are accepted at once."""

from collections.abc import Sequence

from zidimail.v1 import email_service_pb2 as pb

from server.clock import Clock
from server.emails.batch import Batch, Result
from server.emails.draft import Draft
from server.emails.judging import guarded
from server.emails.memory import taken
from server.emails.raw_draft import Arrival, raw_draft
from server.emails.sizes import LARGE_BYTES
from server.emails.submission import MAX_BATCH, Submission
from server.faults import Fault, ValidationFailed, Violation
from server.message.received import Trace
from server.turns import Turns
from server.wire.caller import OrganisationCaller
from server.wire.contents import content_of
from server.work.long_work import LongWork

# The memory for large messages while they are read and stored, of which organisations have shares: each at
# most as much as stays free. Bodies are not copied, but a message with LF line ends is written anew.
_BUDGET = 512 * 2**20
_GREED = 1
_COPIES = 2


class RawSubmission:
    """Accepts finished messages; `host` is this installation's name in their Received fields."""

    def __init__(self, submission: Submission, long_work: LongWork, clock: Clock, host: str) -> None:
        self._submission = submission
        self._long_work = long_work
        self._clock = clock
        self._host = host
        self._memory = Turns(_BUDGET, greed=_GREED)

    async def send(
        self, request: pb.SendRawEmailRequest, caller: OrganisationCaller, *, is_traced: bool
    ) -> Result:
        """The result of one message. With `is_traced` what it says about its way is believed.

        Raises `Unavailable`.
        """
        [result] = await self._accept([request], caller, is_traced=is_traced)
        return result

    async def send_all(
        self, requests: Sequence[pb.SendRawEmailRequest], caller: OrganisationCaller, *, is_traced: bool
    ) -> Sequence[Result]:
        """A result for each message, as if it were sent alone. Raises `ValidationFailed`, `Unavailable`."""
        if not 1 <= len(requests) <= MAX_BATCH:
            raise ValidationFailed(
                [Violation("emails", f"must hold 1 to {MAX_BATCH} emails; it holds {len(requests)}")]
            )
        return await self._accept(requests, caller, is_traced=is_traced)

    async def _accept(
        self, requests: Sequence[pb.SendRawEmailRequest], caller: OrganisationCaller, *, is_traced: bool
    ) -> Sequence[Result]:
        # The content of a large message is no part of the request.
        sizes = [max(request.ByteSize(), len(content_of(request.content))) for request in requests]
        if max(sizes) <= LARGE_BYTES:
            return await self._answer(self._drafts(requests, caller, is_traced), caller)
        async with taken(self._memory, caller.org_id, _COPIES * sum(sizes)):
            # One of them would hold up everybody.
            drafts = await self._long_work.run(
                caller.org_id, lambda: self._drafts(requests, caller, is_traced)
            )
            return await self._answer(drafts, caller)

    def _drafts(
        self, requests: Sequence[pb.SendRawEmailRequest], caller: OrganisationCaller, is_traced: bool
    ) -> list[Draft | Fault]:
        now_ms = self._clock.now_ms()
        drafts = []
        for request in requests:
            arrival = Arrival(self._host, _trace(request) if is_traced else Trace(), now_ms)
            drafts.append(guarded(lambda: raw_draft(request, caller, arrival)))  # noqa: B023  called at once
        return drafts

    async def _answer(self, drafts: Sequence[Draft | Fault], caller: OrganisationCaller) -> Sequence[Result]:
        batch = Batch(caller.org_id, drafts, strict=False, records_suppressed=False, test=caller.test)
        answer = await self._submission.accept(batch)
        if isinstance(answer, Fault):
            raise answer
        assert isinstance(answer, Sequence)
        return answer


def _trace(request: pb.SendRawEmailRequest) -> Trace:
    given = request.trace
    return Trace(given.helo, given.address, given.protocol, given.tls_version, given.tls_cipher)


def raw_response(result: pb.SendEmailResponse) -> pb.SendRawEmailResponse:
    """The answer to one finished message: the same fields."""
    return pb.SendRawEmailResponse.FromString(result.SerializeToString())
