"""FeedbackService: what receiving systems tell, as the parts of the platform that hear of it report it."""

from collections.abc import Callable

from zidimail.v1 import feedback_service_pb2 as pb
from zidimail.v1 import feedback_service_pb2_grpc

from server.addresses import NotAMailbox, mailbox
from server.clock import Clock
from server.db.writer import Writer
from server.faults import EmailNotFound, ValidationFailed, Violation
from server.ids import is_id
from server.inbound.feedback import Feedback, What, record
from server.suppressions.rules import is_permanent
from server.wire.interceptors import Context

# More of a report's text would only help somebody who wants to fill our store.
MAX_TEXT = 1000
DEFAULT_FEEDBACK_TYPE = "abuse"  # RFC 5965 section 3.1


class FeedbackServicer(feedback_service_pb2_grpc.FeedbackServiceServicer):
    """Records feedback; `on_event` is called after each commit."""

    def __init__(self, writer: Writer, clock: Clock, on_event: Callable[[], None]) -> None:
        self._writer = writer
        self._clock = clock
        self._on_event = on_event

    async def RecordComplaint(
        self, request: pb.RecordComplaintRequest, context: Context
    ) -> pb.RecordComplaintResponse:
        """A recipient reported an email as unwanted."""
        text = request.feedback_type or DEFAULT_FEEDBACK_TYPE
        feedback = _feedback(request, "complained", text, None)
        return pb.RecordComplaintResponse(event_id=await self._record(feedback))

    async def RecordBounce(
        self, request: pb.RecordBounceRequest, context: Context
    ) -> pb.RecordBounceResponse:
        """An email bounced after it was taken."""
        feedback = _feedback(request, "bounced", request.diagnostic, request.enhanced_status)
        return pb.RecordBounceResponse(event_id=await self._record(feedback))

    async def _record(self, feedback: Feedback) -> str:
        now_ms = self._clock.now_ms()
        event_id = await self._writer.run(lambda connection: record(connection, feedback, now_ms))
        self._on_event()
        return event_id


def _feedback(
    request: pb.RecordComplaintRequest | pb.RecordBounceRequest,
    what: What,
    text: str,
    enhanced_status: str | None,
) -> Feedback:
    violations = []
    if not is_id(request.org_id):
        violations.append(Violation("org_id", "must be the id of an organisation"))
    key = ""
    try:
        key = mailbox(request.recipient).key
    except NotAMailbox as error:
        violations.append(Violation("recipient", str(error)))
    if enhanced_status is not None and not is_permanent(enhanced_status):
        violations.append(Violation("enhanced_status", "must be a permanent failure, such as 5.1.1"))
    if violations:
        raise ValidationFailed(violations)
    if not is_id(request.email_id):
        raise EmailNotFound(request.email_id)
    # PostgreSQL stores no NUL.
    text = text.replace("\x00", "")[:MAX_TEXT]
    return Feedback(request.org_id, request.email_id, key, what, text, enhanced_status)
