"""Mail of the platform itself (contract row C-78): that of an organisation that nobody signs in to.

The sender's domain is the operator's, and may be verified by an organisation of theirs. So the organisation
sends from a domain with a reserved name (RFC 2606), which is always verified and has no DKIM keys.
"""

from collections.abc import Sequence

import structlog
from zidimail.v1 import email_service_pb2 as pb

from server.accounts.letters import SystemEmail
from server.clock import Clock
from server.db.statements import Change
from server.db.tx import Tx
from server.db.writer import Writer
from server.emails.accept import Acceptor
from server.emails.batch import Batch
from server.emails.draft import Draft, draft
from server.faults import Fault
from server.ids import SYSTEM_ORG_ID
from server.wire.caller import SessionCaller

_DOMAIN = "system.invalid"
_PLAN = "enterprise"
# It sends by itself, without a user and without an API key.
_CALLER = SessionCaller(SYSTEM_ORG_ID, SYSTEM_ORG_ID, "owner", 0)
_ADD_ORGANISATION = Change(
    """
    INSERT INTO organisations (org_id, name, plan, profile, sandbox, owner_email, state, created_at)
    VALUES (:org_id, :name, :plan, 'plan', FALSE, :sender, 'healthy', :now) ON CONFLICT DO NOTHING
    """
)
_ADD_DOMAIN = Change(
    """
    INSERT INTO domains (org_id, id, domain, status, verified, spf, dkim, dmarc, return_path,
        open_tracking, click_tracking, tls_enforced, created_at)
    VALUES (:org_id, :org_id, :domain, 'verified', TRUE, 'verified', 'verified', 'pending', 'pending',
        FALSE, FALSE, FALSE, :now) ON CONFLICT DO NOTHING
    """
)
_log = structlog.get_logger()


def add_system_organisation(tx: Tx, sender: str, now_ms: int) -> None:
    """Stores the organisation of the platform itself, unless it is there."""
    row = {"org_id": SYSTEM_ORG_ID, "now": now_ms}
    _ADD_ORGANISATION.run(tx, [{**row, "name": "ZidiMail", "plan": _PLAN, "sender": sender}])
    _ADD_DOMAIN.run(tx, [{**row, "domain": _DOMAIN}])


class SystemMail:
    """Accepts mail of the platform as a part of the transaction that it belongs to. A service."""

    def __init__(self, writer: Writer, clock: Clock, acceptor: Acceptor, sender: str) -> None:
        """`sender` is the address in From."""
        self._writer = writer
        self._clock = clock
        self._acceptor = acceptor
        self._sender = sender

    async def start(self) -> None:
        """Makes the organisation on the first start."""
        await self._writer.run(add_system_organisation, self._sender, self._clock.now_ms())

    async def stop(self) -> None:
        """Holds nothing."""

    def write(self, tx: Tx, mails: Sequence[SystemEmail], now_ms: int) -> None:
        """Accepts the mails; one that is refused, as its recipient bounced before, is logged."""
        if not mails:
            return
        items = [self._draft(mail, now_ms) for mail in mails]
        [answer] = self._acceptor.act(tx, [Batch(SYSTEM_ORG_ID, items, strict=False)])
        results = answer if isinstance(answer, Sequence) else [answer]
        for result in results:
            if isinstance(result, Fault):
                _log.warning("a mail of the platform was refused", reason=result.reason)

    def written(self) -> None:
        """Lets what was committed be delivered."""
        self._acceptor.notify()

    def _draft(self, mail: SystemEmail, now_ms: int) -> Draft | Fault:
        request = pb.SendEmailRequest(
            to=[mail.to],
            subject=mail.subject,
            text=mail.text,
            html=mail.html,
            headers={"Auto-Submitted": "auto-generated"},
        )
        setattr(request, "from", self._sender)
        item = draft(request, _CALLER, now_ms)
        if not isinstance(item, Fault):
            item.domain = _DOMAIN
        return item
