"""The record of an attempt: from its outcome to what the store keeps."""

from dataclasses import dataclass

from server.delivery.verdict import Outcome, RetryPolicy, Stage, Verdict
from server.emails.lifecycle import Status
from server.queue.rows import Claimed, LeaseKey
from server.queue.rules import chance_of


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt for one recipient; `attempts` and `uncertain` are those of the attempts before it.

    `accepted_at` is later by the time that it was held: its lifetime stood still (C-86). `site` is the site
    that its mail goes to, as the transport names it.
    """

    key: LeaseKey
    address: str
    accepted_at: int
    attempts: int
    uncertain: bool
    alone: bool
    site: str = ""

    @classmethod
    def of(cls, row: Claimed, address: str, accepted_at: int, site: str, *, alone: bool) -> "Attempt":
        """The attempt for a claimed row."""
        began_at = accepted_at + row.held_ms
        return cls(row.key, address, began_at, row.attempts, row.uncertain, alone, site)


@dataclass(frozen=True, slots=True)
class Settlement:
    """The record of one attempt for one recipient; times are milliseconds since 1970 UTC.

    `due_at` is when the next attempt is due, None if there is none. `alone` says that the email has no
    other recipient, so that no other transaction can change it; `simulated` that no server was asked;
    `of_mailbox` that the reply was one to RCPT, which alone may blame the address (contract row C-60).
    """

    key: LeaseKey
    address: str
    status: Status
    attempts: int
    due_at: int | None
    code: int | None
    enhanced: str
    text: str
    host: str
    uncertain: bool
    possible_duplicate: bool
    alone: bool
    simulated: bool = False
    of_mailbox: bool = False


# The states of a recipient after attempts that are not repeated.
_STATUSES: dict[Verdict, Status] = {
    Verdict.DELIVERED: "delivered",
    Verdict.BOUNCED: "bounced",
    Verdict.COMPLAINED: "complained",
}
# And of those for which none was made.
_WITHOUT_ATTEMPT: dict[Verdict, Status] = {Verdict.SUPPRESSED: "suppressed", Verdict.REFUSED: "failed"}


def settlement(attempt: Attempt, outcome: Outcome, now_ms: int, patience: RetryPolicy) -> Settlement:
    """The record of an attempt: its result, and if it failed for now, the time of the next one, if any."""
    if outcome.verdict in _WITHOUT_ATTEMPT:
        return _without_attempt(attempt, _WITHOUT_ATTEMPT[outcome.verdict], outcome.status, outcome.text)
    attempts = attempt.attempts + 1
    due_at = None
    status: Status
    if outcome.verdict is Verdict.DEFERRED:
        due_at = patience.next_due(
            now_ms,
            attempt.accepted_at,
            attempts,
            uncertain=outcome.uncertain,
            chance=chance_of(attempt.key.email_id, attempt.site, attempts),
        )
        status = "failed" if due_at is None else "delivery_delayed"
    else:
        status = _STATUSES[outcome.verdict]
    return Settlement(
        key=attempt.key,
        address=attempt.address,
        status=status,
        attempts=attempts,
        due_at=due_at,
        code=outcome.code or None,
        enhanced=outcome.status,
        text=outcome.text,
        host=outcome.host,
        uncertain=attempt.uncertain or outcome.uncertain,
        possible_duplicate=attempt.uncertain,
        alone=attempt.alone,
        simulated=outcome.simulated,
        of_mailbox=outcome.stage is Stage.RCPT,
    )


def failed(attempt: Attempt, reason: str) -> Settlement:
    """The record of giving a recipient up without another attempt."""
    return _without_attempt(attempt, "failed", "5.3.0", reason)


def _without_attempt(attempt: Attempt, status: Status, enhanced: str, reason: str) -> Settlement:
    return Settlement(
        key=attempt.key,
        address=attempt.address,
        status=status,
        attempts=attempt.attempts,
        due_at=None,
        code=None,
        enhanced=enhanced,
        text=reason,
        host="",
        uncertain=attempt.uncertain,
        possible_duplicate=attempt.uncertain,
        alone=attempt.alone,
    )
