"""An envelope before its message: would mail from this sender to these recipients be accepted (C-31)?"""

from google.rpc import status_pb2
from zidimail.v1 import email_service_pb2 as pb

from server.db.tx import Tx
from server.emails.admission import Admission
from server.emails.candidate import Candidate
from server.emails.facts import read_facts
from server.emails.raw_draft import bare_mailbox
from server.faults import Fault, ValidationFailed, Violation
from server.wire.caller import OrganisationCaller
from server.wire.status import status_of

MAX_RECIPIENTS = 100


class Envelope:
    """The addresses of an envelope, read; those that are none have faults already."""

    def __init__(self, request: pb.CheckEnvelopeRequest, caller: OrganisationCaller) -> None:
        """Raises `ValidationFailed` for too many recipients."""
        if len(request.recipients) > MAX_RECIPIENTS:
            problem = f"holds {len(request.recipients)} addresses, and at most {MAX_RECIPIENTS} are allowed"
            raise ValidationFailed([Violation("recipients", problem)])
        self._caller = caller
        self._sender: Candidate | Fault | None = None
        if request.mail_from:
            self._sender = self._candidate("mail_from", request.mail_from, is_sender=True)
        self._recipients = [
            self._candidate(f"recipients[{position}]", text)
            for position, text in enumerate(request.recipients)
        ]

    def _candidate(self, field: str, text: str, *, is_sender: bool = False) -> Candidate | Fault:
        box, problem = bare_mailbox(text)
        if box is None:
            return ValidationFailed([Violation(field, problem)])
        return Candidate(
            org_id=self._caller.org_id,
            domain=box.domain if is_sender else "",
            addresses=[] if is_sender else [box.key],
            allowed_domains=self._caller.allowed_domains,
            test=self._caller.test,
        )

    def checked(self, tx: Tx, now_ms: int) -> pb.CheckEnvelopeResponse:
        """The answer, by the stored facts of now."""
        senders = [self._sender] if isinstance(self._sender, Candidate) else []
        admission = Admission(read_facts(tx, "sender", senders, [self._caller.org_id], now_ms))
        sender = self._sender
        if isinstance(sender, Candidate):
            sender = admission.fault(sender, "sender")
        recipients = [
            admission.fault(each, "recipient") if isinstance(each, Candidate) else each
            for each in self._recipients
        ]
        return pb.CheckEnvelopeResponse(sender=_status(sender), recipients=map(_status, recipients))


def _status(fault: Fault | None) -> status_pb2.Status:
    """The status of a fault; that of success without one."""
    return status_pb2.Status() if fault is None else status_of(fault)
