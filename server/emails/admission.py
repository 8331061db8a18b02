"""Decisions about emails, by the rules that need stored facts (`admission_rules`).

An `Admission` takes facts that were read before (`facts.read_facts`) and decides about one email after
another. An email that it admits changes the facts for the next one: its organisation's usage grows, its
idempotency key is taken.
"""

from collections.abc import Set
from typing import Literal, NamedTuple, TypeAlias

from server.emails.admission_rules import CHARGING, CHECKS, Case, Moment, RuleName, replay
from server.emails.candidate import Candidate, Facts, IdempotencyKey, Remembered
from server.faults import Fault
from server.quotas.rules import (
    Limits,
    Used,
    charge,
    charge_burst,
    charge_test,
    charge_waiting,
    nearest_limit,
)


class Admitted(NamedTuple):
    """An email that breaks no rule: the id of its domain, and its suppressed recipients.

    `envelope_domain_id` is that of the envelope's domain, None if it has no other one.
    """

    domain_id: str
    skipped: Set[str]
    envelope_domain_id: str | None = None


class Refusal(NamedTuple):
    """The first rule that an email breaks."""

    rule: RuleName
    fault: Fault


Decision: TypeAlias = Admitted | Refusal | Remembered


class Savepoint(NamedTuple):
    """The state of an `Admission` to which it can go back."""

    org_id: str
    used: Used
    answers: int


class Admission:
    """Decides about emails in turn. `new_answers` are those that were not in the facts."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._used = {org_id: used for org_id, (_, used) in facts.accounts.items()}
        self.new_answers: dict[IdempotencyKey, Remembered] = {}

    def decide(self, email: Candidate, moment: Moment, *, records_suppressed: bool = False) -> Decision:
        """The decision about an email; an admitted one is counted.

        Live mail is counted in the second in which it is accepted and on the day on which it leaves (C-25),
        test mail on the day, and scheduled mail among those that wait (C-88).

        With `records_suppressed` one whose recipients are all suppressed is admitted, and not counted (C-51).
        """
        facts = self._facts
        addresses = set(email.addresses)
        case = self._case(email, addresses)
        wanted = case.wanted
        for rule, check in CHECKS[moment, email.test]:
            outcome = check(case)
            if outcome is None:
                continue
            if rule == "suppression" and records_suppressed:
                return _admitted(email, facts, addresses)
            return outcome if isinstance(outcome, Remembered) else Refusal(rule, outcome)
        if moment in CHARGING:
            _count(email, moment, case.limits, case.used, wanted)
        return _admitted(email, facts, addresses - wanted)

    def fault(self, part: Candidate, moment: Literal["sender", "recipient"]) -> Fault | None:
        """The fault of a part of an envelope, whose message is still to come: nothing is counted."""
        case = self._case(part, set(part.addresses))
        for _, check in CHECKS[moment, part.test]:
            if isinstance(outcome := check(case), Fault):
                return outcome
        return None

    def _case(self, email: Candidate, addresses: Set[str]) -> Case:
        facts, org_id = self._facts, email.org_id
        account, _ = facts.accounts[org_id]
        wanted = addresses
        if facts.suppressed:
            wanted = {address for address in addresses if (org_id, address) not in facts.suppressed}
        earlier = None if email.idempotency_key is None else self._answer(email.idempotency_key)
        return Case(email, earlier, account, account.limits, self._used[org_id], wanted, facts)

    def earlier(self, key: IdempotencyKey, request_hash: bytes) -> Fault | Remembered | None:
        """The answer to an earlier call with this key, or the fault of using it for another request."""
        return replay(self._answer(key), key, request_hash)

    def remember(self, key: IdempotencyKey, answer: Remembered) -> None:
        """Takes a key: later emails get this answer."""
        self.new_answers[key] = answer

    def savepoint(self, org_id: str) -> Savepoint:
        """The state before a batch of this organisation."""
        return Savepoint(org_id, self._used[org_id].copy(), len(self.new_answers))

    def roll_back(self, to: Savepoint) -> None:
        """Forgets the emails of the savepoint's organisation that were admitted since."""
        self._used[to.org_id] = to.used
        while len(self.new_answers) > to.answers:
            self.new_answers.popitem()

    def usage(self) -> dict[str, Used]:
        """The new usage of the organisations of which an email was counted."""
        return {org_id: used for org_id, used in sorted(self._used.items()) if used.emails}

    def nearest_limit(self, org_id: str) -> tuple[int, int, int] | None:
        """The quota of an organisation that has the least left; see `quotas.rules.nearest_limit`."""
        account, _ = self._facts.accounts[org_id]
        return nearest_limit(self._used[org_id], account.limits, self._facts.periods)

    def _answer(self, key: IdempotencyKey) -> Remembered | None:
        return self.new_answers.get(key) or self._facts.answers.get(key)


def _admitted(email: Candidate, facts: Facts, skipped: Set[str]) -> Admitted:
    ids = facts.domain_ids
    envelope = ids[email.org_id, email.envelope_domain] if email.envelope_domain else None
    return Admitted(ids[email.org_id, email.domain], skipped, envelope)


def _count(email: Candidate, moment: Moment, limits: Limits, used: Used, wanted: Set[str]) -> None:
    """Counts an admitted email."""
    is_new = moment != "release"
    if email.test:
        if is_new:
            charge_test(used)
    else:
        if is_new:
            charge_burst(used)
        if email.scheduled_at is None:
            charge(used, limits, wanted)
    if email.scheduled_at is not None and wanted:
        charge_waiting(used, email.size)
