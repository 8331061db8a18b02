"""Counts, states and their history in the store."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

import orjson

from server.account_health.rules import (
    Counts,
    OrgHour,
    Reason,
    Standing,
    State,
    first_hour,
    is_better,
)
from server.db.statements import Change, Statement
from server.db.tx import Tx
from server.events import log
from server.ids import new_id

MAX_HISTORY = 100
_MAX_SWEPT = 1_000


class AccountRow(NamedTuple):
    """The state of an account; `since` is milliseconds since 1970 UTC, `reasons` have commas."""

    org_id: str
    state: State
    reasons: str
    note: str
    since: int

    @property
    def standing(self) -> Standing:
        """The state with its reasons."""
        return Standing(self.state, reasons_of(self.reasons), self.note)


class ChangeRow(NamedTuple):
    """A change of a state in the history; `operator` is empty if it followed from the rates."""

    id: str
    created_at: int
    previous_state: State
    state: State
    reasons: str
    note: str
    operator: str
    sent: int
    delivered: int
    bounced: int
    complained: int

    @property
    def counts(self) -> Counts:
        """The counts of the window when it was made."""
        return Counts(self.sent, self.delivered, self.bounced, self.complained)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """A change to make: of the account as it was read in `before`, by an operator or (empty) by the rates."""

    before: AccountRow
    state: State
    reasons: tuple[Reason, ...]
    counts: Counts
    now_ms: int
    note: str = ""
    operator: str = ""
    id: str = field(default_factory=new_id)


class _SumRow(NamedTuple):
    org_id: str
    sent: int
    delivered: int
    bounced: int
    complained: int


class _HourRow(NamedTuple):
    org_id: str
    hour: int


_ACCOUNT = """
    SELECT o.org_id, o.state, o.state_reasons AS reasons, o.state_note AS note,
        COALESCE(o.state_since, o.created_at) AS since
    FROM organisations AS o
"""
_ACCOUNTS = Statement(AccountRow, f"{_ACCOUNT} WHERE o.org_id IN {{keys}}", keys={"org_id": "text"})
# The condition of the partial index, which SQLite does not infer from another one.
_IN_STATE = Statement(AccountRow, f"{_ACCOUNT} WHERE o.state <> 'healthy' AND o.state = :state")
_SUMS = Statement(
    _SumRow,
    """
    SELECT c.org_id, CAST(SUM(c.sent) AS bigint) AS sent, CAST(SUM(c.delivered) AS bigint) AS delivered,
        CAST(SUM(c.bounced) AS bigint) AS bounced, CAST(SUM(c.complained) AS bigint) AS complained
    FROM {keys} AS k CROSS JOIN health_counts AS c
    WHERE c.org_id = k.org_id AND c.hour >= :first_hour
    GROUP BY c.org_id
    """,
    keys={"org_id": "text"},
)
_ADD_COUNTS = Change("""
    INSERT INTO health_counts (org_id, hour, sent, delivered, bounced, complained)
    VALUES (:org_id, :hour, :sent, :delivered, :bounced, :complained)
    ON CONFLICT (org_id, hour) DO UPDATE SET
        sent = health_counts.sent + excluded.sent,
        delivered = health_counts.delivered + excluded.delivered,
        bounced = health_counts.bounced + excluded.bounced,
        complained = health_counts.complained + excluded.complained
""")
# Changes nothing if the state has changed since it was read.
_SET_STATE = Change("""
    UPDATE organisations
    SET state = :state, state_since = :now, state_reasons = :reasons, state_note = :note
    WHERE org_id = :org_id AND state = :state_before AND COALESCE(state_since, created_at) = :since_before
""")
_ADD_CHANGE = Change("""
    INSERT INTO account_changes (
        org_id, id, created_at, previous_state, state, reasons, note, operator,
        sent, delivered, bounced, complained
    ) VALUES (
        :org_id, :id, :created_at, :previous_state, :state, :reasons, :note, :operator,
        :sent, :delivered, :bounced, :complained
    )
""")
_BEGIN_ANEW = Change("DELETE FROM health_counts WHERE org_id = :org_id")
_HISTORY = Statement(
    ChangeRow,
    """
    SELECT id, created_at, previous_state, state, reasons, note, operator,
        sent, delivered, bounced, complained
    FROM account_changes WHERE org_id = :org_id ORDER BY id DESC LIMIT :limit
    """,
)
_OLD_HOURS = Statement(
    _HourRow, "SELECT org_id, hour FROM health_counts WHERE hour < :first_hour LIMIT :limit"
)
_DELETE_HOUR = Change("DELETE FROM health_counts WHERE org_id = :org_id AND hour = :hour")


def reasons_of(text: str) -> tuple[Reason, ...]:
    """The reasons of their text with commas."""
    return tuple(reason for reason in text.split(",") if reason)  # type: ignore[misc]


def accounts(tx: Tx, org_ids: Iterable[str]) -> dict[str, AccountRow]:
    """The states of these organisations' accounts, by organisation."""
    return {row.org_id: row for row in _ACCOUNTS.all(tx, [(org_id,) for org_id in org_ids])}


def in_state(tx: Tx, state: State) -> list[AccountRow]:
    """Every account in a state other than healthy."""
    return _IN_STATE.all(tx, state=state)


def sums(tx: Tx, org_ids: Iterable[str], now_ms: int, hours: int) -> dict[str, Counts]:
    """The counts of the last `hours` hours by organisation; nothing for those without any."""
    rows = _SUMS.all(tx, [(org_id,) for org_id in org_ids], first_hour=first_hour(now_ms, hours))
    return {org_id: Counts(*numbers) for org_id, *numbers in rows}


def add_counts(tx: Tx, counted: Mapping[OrgHour, Counts]) -> None:
    """Adds to the counts of hours."""
    rows = [{"org_id": key[0], "hour": key[1], **asdict(counts)} for key, counts in sorted(counted.items())]
    _ADD_COUNTS.run(tx, rows)


def change_state(tx: Tx, change: StateChange) -> bool:
    """Changes a state, with its history and its event in the log.

    False if the state has changed since it was read: then nothing was changed.
    """
    before, org_id = change.before, change.before.org_id
    reasons = ",".join(change.reasons)
    new = {"state": change.state, "reasons": reasons, "note": change.note}
    is_changed = _SET_STATE.run(
        tx,
        [
            {
                "org_id": org_id,
                "now": change.now_ms,
                "state_before": before.state,
                "since_before": before.since,
                **new,
            }
        ],
    )
    if not is_changed:
        return False
    _ADD_CHANGE.run(
        tx,
        [
            {
                "org_id": org_id,
                "id": change.id,
                "created_at": change.now_ms,
                "previous_state": before.state,
                "operator": change.operator,
                **new,
                **asdict(change.counts),
            }
        ],
    )
    details = details_of(change.reasons, change.note, change.operator, change.counts)
    entry = log.Entry(
        org_id=org_id,
        email_id="",
        type=f"account.{change.state}",
        created_at=change.now_ms,
        details=orjson.dumps(details).decode(),
        id=change.id,
    )
    log.append(tx, [entry])
    if is_better(change.state, before.state):
        _BEGIN_ANEW.run(tx, [{"org_id": org_id}])
    return True


def details_of(reasons: tuple[Reason, ...], note: str, operator: str, counts: Counts) -> dict[str, object]:
    """The facts of a change as its event shows them; the operator's name stays with the operators."""
    return {
        "reasons": reasons,
        "note": note,
        "by_operator": bool(operator),
        "rates": rates_of(counts),
    }


def rates_of(counts: Counts) -> dict[str, float]:
    """Counts with their rates."""
    return {
        **asdict(counts),
        "bounce_rate": float(counts.bounce_rate),
        "complaint_rate": float(counts.complaint_rate),
    }


def history(tx: Tx, org_id: str) -> list[ChangeRow]:
    """The changes of an account's state, newest first: the last 100."""
    return _HISTORY.all(tx, org_id=org_id, limit=MAX_HISTORY)


def sweep(tx: Tx, before_hour: int) -> bool:
    """Deletes counts of hours before this one (since 1970 UTC); True if more may be left."""
    found = _OLD_HOURS.all(tx, first_hour=before_hour, limit=_MAX_SWEPT)
    _DELETE_HOUR.run(tx, [row._asdict() for row in found])
    return len(found) == _MAX_SWEPT
