"""Judges accounts by their counts: as mail is counted, and later whether those under review have healed."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from server.account_health import store
from server.account_health.rules import (
    CLEAN_HOURS,
    HOUR_MS,
    Counts,
    OrgHour,
    Thresholds,
    first_hour,
    is_healed,
    judge,
)
from server.account_health.store import StateChange
from server.clock import Clock
from server.db.database import Database
from server.db.tx import Tx
from server.db.writer import Writer
from server.settings import Settings
from server.work.notifier import Notifier


def thresholds_of(settings: Settings) -> Thresholds:
    """The thresholds that the operator has set."""
    return Thresholds(
        bounce=_rate(settings.bounce_limit),
        complaint=_rate(settings.complaint_limit),
        window_hours=settings.health_days * 24,
        least_sent=settings.health_least_sent,
    )


class Judge:
    """Judges the accounts whose mail is counted."""

    def __init__(self, thresholds: Thresholds, clock: Clock) -> None:
        self._thresholds = thresholds
        self._clock = clock

    def changes(self, tx: Tx, counted: Mapping[OrgHour, Counts]) -> list[StateChange]:
        """The changes that follow once these counts are added to those in the store; it reads only."""
        if not counted:
            return []
        now_ms = self._clock.now_ms()
        hours = self._thresholds.window_hours
        org_ids = sorted({org_id for org_id, _ in counted})
        windows = store.sums(tx, org_ids, now_ms, hours)
        for (org_id, hour), counts in counted.items():
            if hour >= first_hour(now_ms, hours):
                windows[org_id] = windows.get(org_id, Counts()) + counts
        # Most accounts have no rate that reaches anything: their states are not even read.
        suspects = [org_id for org_id, window in windows.items() if self._is_suspect(window)]
        if not suspects:
            return []
        found = []
        for org_id, account in store.accounts(tx, suspects).items():
            verdict = judge(account.standing, windows[org_id], self._thresholds)
            if verdict is not None:
                found.append(
                    StateChange(
                        before=account,
                        state=verdict.state,
                        reasons=verdict.reasons,
                        # A pause or a review is explained by the operator's earlier note too.
                        note=account.note if "policy" in verdict.reasons else "",
                        counts=windows[org_id],
                        now_ms=now_ms,
                    )
                )
        return found

    def _is_suspect(self, window: Counts) -> bool:
        thresholds = self._thresholds
        return window.sent >= thresholds.least_sent and bool(window.bounced or window.complained)


class Healing:
    """Makes accounts healthy that have been under review for long enough (C-43), and deletes old counts."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        clock: Clock,
        events_appended: Notifier,
        thresholds: Thresholds,
    ) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._events_appended = events_appended
        self._thresholds = thresholds
        self._swept_hour: int | None = None

    async def step(self) -> bool:
        """Heals whom it finds."""
        changes = await self._database.read(_healed, self._thresholds, self._clock.now_ms())
        for change in changes:
            await self._writer.run(store.change_state, change)
        if changes:
            self._events_appended.notify()
        return False

    async def sweep(self) -> bool:
        """Deletes some counts that are older than the window; True if more may be left.

        Finding none reads the whole table, which delays no writer, and is done once an hour.
        """
        now_ms = self._clock.now_ms()
        if self._swept_hour == now_ms // HOUR_MS:
            return False
        hours = max(self._thresholds.window_hours, CLEAN_HOURS)
        if await self._writer.run(store.sweep, first_hour(now_ms, hours)):
            return True
        self._swept_hour = now_ms // HOUR_MS
        return False


def _healed(tx: Tx, thresholds: Thresholds, now_ms: int) -> Sequence[StateChange]:
    """The accounts under review that heal now."""
    reviewed = store.in_state(tx, "review")
    if not reviewed:
        return []
    org_ids = [account.org_id for account in reviewed]
    last = store.sums(tx, org_ids, now_ms, CLEAN_HOURS)
    windows = store.sums(tx, org_ids, now_ms, thresholds.window_hours)
    return [
        StateChange(
            before=account,
            state="healthy",
            reasons=(),
            counts=windows.get(account.org_id, Counts()),
            now_ms=now_ms,
        )
        for account in reviewed
        if is_healed(account.standing, account.since, last.get(account.org_id, Counts()), thresholds, now_ms)
    ]


def _rate(percent: Fraction | None) -> Fraction | None:
    return None if percent is None else percent / 100
