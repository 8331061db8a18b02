"""The decisions of operators about organisations and plans, by `AdminService` and by the command line alike.

Each act is recorded in its own transaction: there is no change without its entry (contract row F-14).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from server.account_health import store as health
from server.account_health.rules import Counts, State, is_better, reasons_decided
from server.account_health.store import AccountRow, StateChange
from server.accounts import operator_log
from server.accounts import store as accounts
from server.accounts.operator_log import Act, Actor, Changes
from server.accounts.store import OrganisationRow
from server.admin.faults import AccountStateChanged, OrganisationNotFound, PlanNotFound
from server.db.tx import Tx
from server.faults import ValidationFailed, Violation
from server.quotas.plans import PlanRow, all_plans, change_plan, locked


@dataclass(frozen=True, slots=True)
class By:
    """The operator, the method or command, the time (ms since 1970 UTC) and the reason of an act."""

    actor: Actor
    method: str
    now_ms: int
    reason: str = ""


def change_organisation(tx: Tx, org_id: str, changes: Mapping[str, object], by: By) -> OrganisationRow:
    """Changes the given columns of an organisation; its row after that.

    Raises `OrganisationNotFound`, `PlanNotFound`. Without any difference nothing is recorded.
    """
    before = accounts.organisation(tx, org_id)
    if before is None:
        raise OrganisationNotFound(org_id)
    if "plan" in changes:
        known = [plan.plan for plan in all_plans(tx)]
        if changes["plan"] not in known:
            raise PlanNotFound(str(changes["plan"]), known)
    differences = _differences(before._asdict(), changes)
    if not differences:
        return before
    after = accounts.change_organisation(tx, org_id, changes)
    assert after is not None
    act = Act(method=by.method, org_id=org_id, reason=by.reason)
    operator_log.record_shown(tx, by.actor, act, by.now_ms, differences)
    return after


def decide(
    tx: Tx, org_id: str, state: State, by: By, *, window_hours: int, needs_note: bool = True
) -> AccountRow:
    """Changes the state of an account to what an operator decided; the account before.

    `by.reason` is the note that its owner reads; the same state again, with another note, makes the reason
    policy. Raises `OrganisationNotFound`, `AccountStateChanged`, and `ValidationFailed` for a worse state
    without a note.
    """
    before = health.accounts(tx, [org_id]).get(org_id)
    if before is None:
        raise OrganisationNotFound(org_id)
    note = by.reason
    if needs_note and is_better(before.state, state) and not note:
        raise ValidationFailed([Violation("note", "must say why the account gets a worse state")])
    if (state, note) == (before.state, before.note):
        return before
    decided = StateChange(
        before=before,
        state=state,
        reasons=reasons_decided(before.state, state),
        counts=health.sums(tx, [org_id], by.now_ms, window_hours).get(org_id, Counts()),
        now_ms=by.now_ms,
        note=note,
        operator=by.actor.name,
    )
    if not health.change_state(tx, decided):
        raise AccountStateChanged(org_id)
    act = Act(method=by.method, org_id=org_id, reason=note)
    changes: Changes = {"state": (before.state, state)}
    operator_log.record_shown(tx, by.actor, act, by.now_ms, changes)
    return before


def change_plan_limits(tx: Tx, name: str, changes: Mapping[str, object], by: By) -> PlanRow:
    """Changes the given columns of a plan; its row after that. Raises `PlanNotFound`."""
    before = locked(tx)
    if name not in before:
        raise PlanNotFound(name, before)
    differences = _differences(before[name]._asdict(), changes)
    if not differences:
        return before[name]
    after = {plan.plan: plan for plan in change_plan(tx, name, changes)}
    act = Act(method=by.method, org_id=None, target_id=name, reason=by.reason)
    operator_log.record(tx, by.actor, act, by.now_ms, differences)
    return after[name]


def _differences(before: Mapping[str, object], changes: Mapping[str, object]) -> Changes:
    return {name: (before[name], value) for name, value in changes.items() if before[name] != value}
