"""The rules that need stored facts, in their order (C-41): pure checks of one email by plain values.

`RULES` lists them, each with the moments at which it applies.
"""

from collections.abc import Callable, Set
from typing import Literal, NamedTuple, TypeAlias

from server.account_health.faults import AccountPaused
from server.account_health.rules import MAY_SEND
from server.emails.candidate import Candidate, Facts, IdempotencyKey, Remembered
from server.emails.faults import (
    AllRecipientsSuppressed,
    AttachmentsTooLarge,
    DomainNotAllowed,
    DomainNotVerified,
    IdempotencyKeyReused,
)
from server.faults import Fault, LimitReached
from server.quotas.faults import (
    BurstLimitExceeded,
    DailyQuotaExceeded,
    MonthlyQuotaExceeded,
    RecipientCapExceeded,
    SandboxRecipient,
    WarmUpLimitExceeded,
)
from server.quotas.rules import AccountLimits, Limits, Used

# "accept": a caller wants an email sent. "accept_next": the same, after another email of the same strict
# batch was admitted. "fetch": before the links of an email's attachments are fetched. "release": a scheduled
# email is due. "sender" and "recipient": an SMTP client names them before its message (C-31).
Moment: TypeAlias = Literal["accept", "accept_next", "fetch", "release", "sender", "recipient"]

_ACCEPT: frozenset[Moment] = frozenset({"accept", "accept_next"})
_SUBMISSION: frozenset[Moment] = _ACCEPT | {"fetch"}
_CONTENT_KNOWN: frozenset[Moment] = _ACCEPT | {"release"}
_SENDER: frozenset[Moment] = frozenset({"sender"})
_RECIPIENT: frozenset[Moment] = frozenset({"recipient"})
_SENDER_KNOWN: frozenset[Moment] = _SUBMISSION | _CONTENT_KNOWN | _SENDER
_MOMENTS: frozenset[Moment] = _SENDER_KNOWN | _RECIPIENT
# The moments at which an admitted email is counted, so that the usage has to be locked.
CHARGING = _CONTENT_KNOWN


class Case(NamedTuple):
    """A candidate with the facts that concern it."""

    email: Candidate
    earlier: Remembered | None
    account: AccountLimits
    limits: Limits
    used: Used
    # The recipients that are not suppressed.
    wanted: Set[str]
    facts: Facts


def replay(
    earlier: Remembered | None, key: IdempotencyKey | None, request_hash: bytes
) -> Fault | Remembered | None:
    """The answer to an earlier call with this key, or the fault of using it for another request."""
    if earlier is None or key is None or earlier.request_hash == request_hash:
        return earlier
    return IdempotencyKeyReused(key.key)


def _idempotency_key(case: Case) -> Fault | Remembered | None:
    """A repeated call gets its first answer, whatever has changed since (F-1).

    But no key sees the send of a domain that is not its own (C-90).
    """
    if case.earlier is not None and (fault := _key_domains(case)) is not None:
        return fault
    return replay(case.earlier, case.email.idempotency_key, case.email.request_hash)


def _request(case: Case) -> Fault | None:
    """A fault that needs no stored facts, but must not hide an earlier answer."""
    return case.email.refusal


def _attachments(case: Case) -> Fault | None:
    """The plan limits the size of all attachments (Z-21, C-1)."""
    limits = case.limits
    if case.email.attachments_size > limits.attachment_bytes:
        return AttachmentsTooLarge(limits.attachment_bytes, limits.plan)
    return None


def _account(case: Case) -> Fault | None:
    """An organisation that is paused or banned does not send (S-19, C-42)."""
    standing = case.account.standing
    return None if standing.state in MAY_SEND else AccountPaused(standing, case.facts.support_url)


def _key_domains(case: Case) -> Fault | None:
    """A key may be bound to some domains (S-16, F-7)."""
    email = case.email
    if email.is_of_key:
        return None
    return DomainNotAllowed(next(domain for domain in email.domains if domain not in email.allowed_domains))


def _domain(case: Case) -> Fault | None:
    """The organisation has verified the domain of the sender, and that of the envelope's (Z-12, C-31)."""
    email = case.email
    for domain in email.domains:
        if (email.org_id, domain) not in case.facts.domain_ids:
            return DomainNotVerified(domain)
    return None


def _sandbox(case: Case) -> Fault | None:
    """In the sandbox an organisation sends to its owner only (Z-25)."""
    account = case.account
    if account.sandbox and set(case.email.addresses) != {account.owner_email.lower()}:
        return SandboxRecipient(account.owner_email)
    return None


def _suppression(case: Case) -> Fault | None:
    """Suppressed recipients are skipped; an email is refused if that leaves none (Z-24)."""
    return None if case.wanted else AllRecipientsSuppressed(len(case.email.addresses))


def _burst(case: Case) -> Fault | None:
    """Emails a second (Z-43)."""
    used, limit = case.used.second, case.limits.burst
    if limit is not None and used + 1 > limit:
        return BurstLimitExceeded(used, limit, 1, case.facts.periods.second_ends_ms, case.facts.now_ms)
    return None


def _warm_up(case: Case) -> Fault | None:
    """Recipients a day of a new account (Z-46, C-47)."""
    used, limit, count = case.used.day, case.limits.warm_up, len(case.wanted)
    if limit is not None and used + count > limit:
        return WarmUpLimitExceeded(used, limit, count, case.facts.periods.day_ends_ms, case.facts.now_ms)
    return None


def _daily(case: Case) -> Fault | None:
    """Recipients a day; each address of an email counts once (Z-44, C-39)."""
    used, limit, count = case.used.day, case.limits.daily, len(case.wanted)
    if limit is not None and used + count > limit:
        return DailyQuotaExceeded(used, limit, count, case.facts.periods.day_ends_ms, case.facts.now_ms)
    return None


def _monthly(case: Case) -> Fault | None:
    """Recipients a month, unless the plan bills what exceeds them (C-15)."""
    used, limit, count = case.used.month, case.limits.monthly, len(case.wanted)
    if limit is not None and not case.limits.overage and used + count > limit:
        return MonthlyQuotaExceeded(used, limit, count, case.facts.periods.month_ends_ms, case.facts.now_ms)
    return None


def _unique(case: Case) -> Fault | None:
    """Different recipients a month (C-2)."""
    used, limit = case.used, case.limits.unique
    if limit is None:
        return None
    fresh = len(case.wanted - used.seen)
    if fresh and used.unique + fresh > limit:
        return RecipientCapExceeded(
            used.unique, limit, fresh, case.facts.periods.month_ends_ms, case.facts.now_ms
        )
    return None


def _waiting(case: Case) -> Fault | None:
    """The scheduled emails that wait, and their bytes (C-88)."""
    email, used, limits = case.email, case.used, case.limits
    if email.scheduled_at is None:
        return None
    if limits.scheduled is not None and used.waiting >= limits.scheduled:
        return LimitReached("scheduled_emails", used.waiting, limits.scheduled)
    if limits.scheduled_bytes is not None and used.waiting_bytes + email.size > limits.scheduled_bytes:
        return LimitReached("scheduled_bytes", used.waiting_bytes, limits.scheduled_bytes)
    return None


def _test_mail(case: Case) -> Fault | None:
    """Test emails a day (C-88)."""
    used, limit = case.used.test, case.limits.test_emails
    return None if limit is None or used < limit else LimitReached("test_emails", used, limit)


RuleName: TypeAlias = Literal[
    "idempotency key", "request", "attachments", "account", "key's domains", "domain", "sandbox",
    "suppression", "burst", "warm-up", "daily", "monthly", "unique", "waiting", "test mail",
]  # fmt: skip


class Rule(NamedTuple):
    """A rule, the moments at which it applies, and the mail that it applies to."""

    name: RuleName
    check: Callable[[Case], Fault | Remembered | None]
    moments: frozenset[Moment]
    mail: Literal["all", "live", "test"] = "all"


# Of two rules that an email breaks the first one answers.
RULES = (
    Rule("idempotency key", _idempotency_key, _SUBMISSION),
    Rule("request", _request, _SUBMISSION),
    Rule("attachments", _attachments, _SUBMISSION),
    Rule("account", _account, _SENDER_KNOWN),
    Rule("key's domains", _key_domains, _SUBMISSION | _SENDER),
    Rule("domain", _domain, _SENDER_KNOWN),
    Rule("sandbox", _sandbox, _CONTENT_KNOWN | _RECIPIENT),
    Rule("suppression", _suppression, _CONTENT_KNOWN),
    # Not "accept_next": a batch of more emails than a second allows could otherwise never be all or nothing.
    # Scheduled mail pays when it is accepted, and not again when it leaves (C-88).
    Rule("burst", _burst, frozenset({"accept"}), "live"),
    # Scheduled mail needs room today, and is counted on the day of its release (C-25).
    Rule("warm-up", _warm_up, _CONTENT_KNOWN, "live"),
    Rule("daily", _daily, _CONTENT_KNOWN, "live"),
    Rule("monthly", _monthly, _CONTENT_KNOWN, "live"),
    Rule("unique", _unique, _CONTENT_KNOWN, "live"),
    Rule("waiting", _waiting, _SUBMISSION),
    Rule("test mail", _test_mail, _SUBMISSION, "test"),
)


def rules_at(moment: Moment, *, test: bool = False) -> tuple[Rule, ...]:
    """The rules that apply at a moment, in their order."""
    mail = ("all", "test" if test else "live")
    return tuple(rule for rule in RULES if moment in rule.moments and rule.mail in mail)


# The same as names and checks, for the hot path.
CHECKS = {
    (moment, test): tuple((rule.name, rule.check) for rule in rules_at(moment, test=test))
    for moment in _MOMENTS
    for test in (False, True)
}
