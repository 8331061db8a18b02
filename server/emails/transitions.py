"""The only writer of the states of emails and recipients, and of the events that belong to them.

Lock order: rows of the queue first (`server.queue.store`), then emails, then the rest.
"""

from collections.abc import Collection, Iterable, Sequence, Set
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import delete

from server.account_health.rules import CountsAs
from server.db.keys import KeyType, in_keys
from server.db.statements import BulkInsert, Change, Statement
from server.db.tables.emails import attachment_parts, emails, recipients
from server.db.tx import Tx
from server.emails.lifecycle import EMAIL_EVENTS, RECIPIENT_EVENTS, Effect, Status, effect_of
from server.emails.waiting import stop_waiting
from server.events import log
from server.events.statuses import OPEN, email_status

# (organisation, email)
EmailKey: TypeAlias = tuple[str, str]
# The values of one row by the names of its columns, whose types differ.
Row: TypeAlias = dict[str, Any]


class Reply(NamedTuple):
    """The reply of a receiving server, or the reason why there was none; `status` is that of RFC 3463."""

    code: int | None = None
    status: str | None = None
    text: str | None = None
    host: str | None = None


NO_REPLY = Reply()


class Transition(NamedTuple):
    """A new status for one recipient.

    `attempts` counts the attempts so far; if it is None, the recipient keeps its attempts and last reply, and
    `reply` goes into the event only. `counts_as` is the part of its event in the health of the account, None
    for none. `is_locked` says that the transaction already keeps other changes of
    the email away: it has locked the email, or the row of the queue of the email's only recipient.
    """

    org_id: str
    email_id: str
    no: int
    status: Status
    attempts: int | None = None
    reply: Reply = NO_REPLY
    possible_duplicate: bool = False
    is_locked: bool = False
    counts_as: CountsAs | None = None


class Result(NamedTuple):
    """The effect of a transition, and the id of the event that it led to, if any."""

    effect: Effect
    event_id: str | None = None


class NewEmail(NamedTuple):
    """An accepted email: its row and those of its recipients, to which `begin` adds their statuses.

    `suppressed` are the numbers of the recipients to whom nothing is sent.
    """

    row: Row
    recipients: Sequence[Row]
    is_scheduled: bool
    suppressed: Set[int]


class _EmailKey(NamedTuple):
    org_id: str
    email_id: str


class _Recipient(NamedTuple):
    org_id: str
    email_id: str
    no: int
    address: str
    status: Status
    has_content: bool


_KEYS: dict[str, KeyType] = {"org_id": "text", "email_id": "text"}
_EMAILS = BulkInsert(emails)
_NEW_RECIPIENTS = BulkInsert(recipients)
# Locks emails, in the order of their ids. A transaction that changes another recipient of the same email at
# this moment waits here, and then sees what this one wrote.
_LOCK = Statement(
    _EmailKey,
    """
    SELECT e.org_id, e.id AS email_id FROM {keys} AS k CROSS JOIN emails AS e
    WHERE e.org_id = k.org_id AND e.id = k.email_id ORDER BY e.id
    {postgresql: FOR UPDATE OF e}
    """,
    keys=_KEYS,
)
# All recipients of emails, and whether attachments of the email still have their content. LIMIT keeps
# PostgreSQL from reading all attachments into a hash table.
_RECIPIENTS = Statement(
    _Recipient,
    """
    SELECT r.org_id, r.email_id, r.no, r.address, r.status,
        (SELECT p.no FROM attachment_parts AS p
            WHERE p.org_id = r.org_id AND p.email_id = r.email_id LIMIT 1) IS NOT NULL AS has_content
    FROM {keys} AS k CROSS JOIN recipients AS r
    WHERE r.org_id = k.org_id AND r.email_id = k.email_id
    """,
    keys=_KEYS,
)
_OF_RECIPIENT = "WHERE org_id = :org_id AND email_id = :email_id AND no = :no"
# A new status after an attempt, or after the decision not to make one.
_SET_ATTEMPT = Change(
    f"""
    UPDATE recipients SET status = :status, attempts = :attempts, reply_code = :reply_code,
        reply_status = :reply_status, reply_text = :reply_text, remote_host = :remote_host, updated_at = :now
    {_OF_RECIPIENT}
    """
)
# A new status that leaves the record of the last attempt as it is.
_SET_STATUS = Change(f"UPDATE recipients SET status = :status, updated_at = :now {_OF_RECIPIENT}")
_SET_EMAIL = Change("UPDATE emails SET status = :status WHERE org_id = :org_id AND id = :email_id")


def begin(tx: Tx, accepted: Sequence[NewEmail]) -> None:
    """Stores accepted emails with their recipients, their first states and events."""
    entries: list[log.Entry] = []
    for email in accepted:
        status: Status = "scheduled" if email.is_scheduled else "queued"
        email.row["status"] = status
        for row in email.recipients:
            row["status"] = status
        if len(email.suppressed) < len(email.recipients):
            entries.append(_first_entry(email, EMAIL_EVENTS[status]))
        if email.suppressed:
            entries += _suppress(email)
    _EMAILS.rows(tx, [email.row for email in accepted])
    _NEW_RECIPIENTS.rows(tx, [row for email in accepted for row in email.recipients])
    log.append(tx, entries)


def lock(tx: Tx, keys: Iterable[EmailKey]) -> None:
    """Locks emails until the transaction ends. Rows of the queue are locked before."""
    if not tx.is_sqlite:
        _LOCK.all(tx, keys=sorted(keys))


def apply(tx: Tx, transitions: Sequence[Transition], now: int) -> list[Result]:
    """Makes the transitions that are legal, one after the other; a result for each, in order.

    Recipients, emails and events are written, and the content of attachments is deleted once nothing of an
    email is left to be sent (Z-23). `now` is in milliseconds since 1970 UTC.
    """
    if not transitions:
        return []
    keys = {(change.org_id, change.email_id) for change in transitions}
    shared = {(change.org_id, change.email_id) for change in transitions if not change.is_locked}
    if shared:
        lock(tx, shared)
    states = _States(_RECIPIENTS.all(tx, keys=sorted(keys)), now)
    results = [states.change(transition) for transition in transitions]
    states.write(tx)
    return results


class _States:
    """The recipients of some emails, and what transitions change of them."""

    def __init__(self, rows: Iterable[_Recipient], now: int) -> None:
        self._now = now
        self._addresses: dict[tuple[str, str, int], str] = {}
        self._statuses: dict[EmailKey, dict[int, Status]] = {}
        self._with_content: set[EmailKey] = set()
        for row in rows:
            key = (row.org_id, row.email_id)
            self._statuses.setdefault(key, {})[row.no] = row.status
            self._addresses[row.org_id, row.email_id, row.no] = row.address
            if row.has_content:
                self._with_content.add(key)
        self._before = {key: email_status(set(of.values())) for key, of in self._statuses.items()}
        # The new values of recipients.
        self._rows: dict[tuple[str, str, int], Row] = {}
        self._entries: list[log.Entry] = []
        # The events of emails as a whole, which all recipients that make the transition share.
        self._of_emails: dict[tuple[EmailKey, str], log.Entry] = {}

    def change(self, transition: Transition) -> Result:
        """Makes one transition, unless it is repeated or illegal."""
        key = (transition.org_id, transition.email_id)
        statuses = self._statuses.get(key, {})
        present = statuses.get(transition.no)
        effect = Effect.ILLEGAL if present is None else effect_of(present, transition.status)
        if effect is not Effect.APPLIED:
            return Result(effect)
        statuses[transition.no] = transition.status
        self._set(transition)
        entry = self._entry(transition)
        return Result(effect, None if entry is None else entry.id)

    def write(self, tx: Tx) -> None:
        """Writes recipients, emails, attachments and the log."""
        _SET_ATTEMPT.run(tx, [row for row in self._rows.values() if "attempts" in row])
        _SET_STATUS.run(tx, [row for row in self._rows.values() if "attempts" not in row])
        after = {key: email_status(set(of.values())) for key, of in self._statuses.items()}
        _SET_EMAIL.run(
            tx,
            [
                {"org_id": key[0], "email_id": key[1], "status": status}
                for key, status in after.items()
                if status != self._before[key]
            ],
        )
        stop_waiting(tx, [key for key, status in self._before.items() if status == "scheduled" != after[key]])
        _drop_content(tx, [key for key in self._with_content if after[key] not in OPEN])
        log.append(tx, self._entries)

    def _set(self, transition: Transition) -> None:
        of = (transition.org_id, transition.email_id, transition.no)
        row = self._rows.get(of)
        if row is None:
            row = {"org_id": of[0], "email_id": of[1], "no": of[2], "now": self._now}
            self._rows[of] = row
        row["status"] = transition.status
        if transition.attempts is not None:
            row["attempts"] = transition.attempts
            row["reply_code"], row["reply_status"], row["reply_text"], row["remote_host"] = transition.reply

    def _entry(self, transition: Transition) -> log.Entry | None:
        org_id, email_id = transition.org_id, transition.email_id
        if (type_ := EMAIL_EVENTS.get(transition.status)) is not None:
            shared = ((org_id, email_id), type_)
            if shared not in self._of_emails:
                entry = log.Entry(org_id=org_id, email_id=email_id, type=type_, created_at=self._now)
                self._of_emails[shared] = entry
                self._entries.append(entry)
            return self._of_emails[shared]
        if (type_ := RECIPIENT_EVENTS.get(transition.status)) is None:
            return None
        code, status, text, host = transition.reply
        entry = log.Entry(
            org_id=org_id,
            email_id=email_id,
            type=type_,
            created_at=self._now,
            recipient=self._addresses[org_id, email_id, transition.no],
            attempt=transition.attempts or 0,
            reply_code=code,
            reply_status=status,
            reply_text=text,
            remote_host=host,
            possible_duplicate=transition.possible_duplicate,
            counts_as=transition.counts_as,
        )
        self._entries.append(entry)
        return entry


def _suppress(email: NewEmail) -> Iterable[log.Entry]:
    """Gives the recipients to whom nothing is sent their status; an event for each."""
    for row in email.recipients:
        if row["no"] in email.suppressed:
            row["status"] = "suppressed"
            yield _first_entry(email, RECIPIENT_EVENTS["suppressed"], row["address"])
    email.row["status"] = email_status({row["status"] for row in email.recipients})


def _first_entry(email: NewEmail, type_: str, recipient: str = "") -> log.Entry:
    row = email.row
    return log.Entry(
        org_id=row["org_id"],
        email_id=row["id"],
        type=type_,
        created_at=row["created_at"],
        recipient=recipient,
    )


def _drop_content(tx: Tx, keys: Collection[EmailKey]) -> None:
    """Deletes the content of the attachments of these emails; the rows that describe the files stay."""
    if keys:
        owner = (attachment_parts.c.org_id, attachment_parts.c.email_id)
        tx.change(delete(attachment_parts).where(in_keys(tx, owner, keys)))
