"""FeedbackService: reports of receiving systems, recorded by the parts of the platform that receive them."""

from zidimail.v1 import feedback_service_pb2 as pb
from zidimail.v1 import feedback_service_pb2_grpc

from server.addresses import NotAMailbox, mailbox
from server.clock import Clock
from server.db.writer import Writer
from server.emails.faults import EmailNotFound
from server.faults import ValidationFailed, Violation
from server.ids import is_id
from server.inbound.feedback import Feedback, Kind, record
from server.suppressions.rules import is_permanent
from server.wire.interceptors import Context
from server.work.notifier import Notifier

# Longer texts would only fill the store.
MAX_TEXT = 1000
# The names of RFC 5965 section 7.3.
_FEEDBACK_TYPES = {
    pb.FEEDBACK_TYPE_UNSPECIFIED: "abuse",
    pb.FEEDBACK_TYPE_ABUSE: "abuse",
    pb.FEEDBACK_TYPE_FRAUD: "fraud",
    pb.FEEDBACK_TYPE_VIRUS: "virus",
    pb.FEEDBACK_TYPE_OTHER: "other",
}


class FeedbackServicer(feedback_service_pb2_grpc.FeedbackServiceServicer):
    """Records feedback; `events_appended` is notified after each commit."""

    def __init__(self, writer: Writer, clock: Clock, events_appended: Notifier) -> None:
        self._writer = writer
        self._clock = clock
        self._events_appended = events_appended

    async def RecordComplaint(
        self, request: pb.RecordComplaintRequest, context: Context
    ) -> pb.RecordComplaintResponse:
        """A recipient reported an email as unwanted."""
        if request.feedback_type == pb.FEEDBACK_TYPE_NOT_SPAM:
            raise ValidationFailed([Violation("feedback_type", "is no complaint")])
        text = _FEEDBACK_TYPES[request.feedback_type]
        feedback = _feedback(request, "complained", text, None)
        return pb.RecordComplaintResponse(event_id=await self._record(feedback))

    async def RecordBounce(
        self, request: pb.RecordBounceRequest, context: Context
    ) -> pb.RecordBounceResponse:
        """An email bounced after the receiving system had accepted it."""
        feedback = _feedback(request, "bounced", request.diagnostic, request.enhanced_status)
        return pb.RecordBounceResponse(event_id=await self._record(feedback))

    async def _record(self, feedback: Feedback) -> str:
        now_ms = self._clock.now_ms()
        event_id = await self._writer.run(record, feedback, now_ms)
        self._events_appended.notify()
        return event_id


def _feedback(
    request: pb.RecordComplaintRequest | pb.RecordBounceRequest,
    kind: Kind,
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
    return Feedback(request.org_id, request.email_id, key, kind, text, enhanced_status)
