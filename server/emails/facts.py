"""The facts that admission needs, read from the store (see `admission`)."""

from collections.abc import Iterable, Mapping, Sequence

from server.db.tx import Tx
from server.domains.store import verified_domain_ids, verified_domains
from server.emails import idempotency
from server.emails.admission_rules import CHARGING, Moment, rules_at
from server.emails.candidate import Candidate, Facts, IdempotencyKey
from server.quotas.rules import AccountLimits, Periods, Used
from server.quotas.store import account_limits, recall_recipients
from server.suppressions.store import suppressed


def read_facts(
    tx: Tx,
    moment: Moment,
    emails: Sequence[Candidate],
    org_ids: Iterable[str],
    now_ms: int,
    *,
    batch_keys: Iterable[IdempotencyKey] = (),
    slow_start: Sequence[int] = (),
    support_url: str = "",
) -> Facts:
    """Reads the facts for the rules of a moment, each table once.

    If the moment charges, the organisations' usage is locked until the transaction ends. `batch_keys` are
    the idempotency keys of whole batches; `slow_start` has the daily caps by account age in days (C-47),
    and `support_url` is shown to those who are refused for the state of their account (C-69).
    """
    periods = Periods.of(now_ms)
    rules = {rule.name for rule in rules_at(moment)}
    charges = moment in CHARGING
    accounts = account_limits(tx, org_ids, periods, now_ms, slow_start=slow_start, lock=charges)
    recipients = {(email.org_id, address) for email in emails for address in email.addresses}
    if "unique" in rules:
        _recall_recipients(tx, accounts, recipients, periods)
    keys = {*batch_keys, *(email.idempotency_key for email in emails if email.idempotency_key is not None)}
    erasure_keys = {
        org_id: account.erasure_key for org_id, (account, _) in accounts.items() if account.erasure_key
    }
    verified = verified_domain_ids if moment == "release" else verified_domains
    return Facts(
        now_ms,
        periods,
        accounts,
        verified(tx, {(email.org_id, domain) for email in emails for domain in email.domains}),
        suppressed=suppressed(tx, recipients, now_ms, erasure_keys)
        if "suppression" in rules
        else frozenset(),
        # After the lock, so that of two servers the second sees what the first one has stored.
        answers=idempotency.recall(tx, keys, now_ms, delete_expired=charges),
        support_url=support_url,
    )


def _recall_recipients(
    tx: Tx,
    accounts: Mapping[str, tuple[AccountLimits, Used]],
    recipients: Iterable[tuple[str, str]],
    periods: Periods,
) -> None:
    """Adds to the usage the recipients of this month, of the organisations that have a limit of them."""
    limited: dict[str, list[str]] = {
        org_id: [] for org_id, (account, _) in accounts.items() if account.limits.unique is not None
    }
    for org_id, address in recipients if limited else ():
        if org_id in limited:
            limited[org_id].append(address)
    for org_id, seen in recall_recipients(tx, limited, periods.month).items():
        accounts[org_id][1].seen = seen
