"""`python -m server account-state`: the operator's decision about an account (contract rows S-19, C-69)."""

import argparse
import getpass

from server.account_health import store
from server.account_health.judging import thresholds_of
from server.account_health.rules import STATES, Counts, State, is_better, reasons_decided
from server.account_health.store import StateChange
from server.clock import SystemClock
from server.db.tx import Tx
from server.db.writer import running_writer
from server.settings import Settings, SettingsError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("org_id", metavar="ORG_ID")
    parser.add_argument("state", nargs="?", choices=STATES, help="the new state; without it nothing changes")
    parser.add_argument("--note", default="", help="why: shown to the organisation, and kept in the history")
    parser.add_argument("--by", metavar="NAME", help="who decides; by default the name of the system's user")


async def change(args: argparse.Namespace, settings: Settings) -> dict[str, object]:
    """Changes the state as the options say; returns it as it is now, with its history, newest first.

    On PostgreSQL servers notice within 5 seconds; on SQLite stop the server first, which owns the file.
    Raises `SettingsError` for an unknown organisation, and for a state that gets worse without a note.
    """
    operator = args.by or operator_name()

    def write(tx: Tx) -> dict[str, object]:
        if args.state is not None:
            before = _account(tx, args.org_id)
            if is_better(before.state, args.state) and not args.note:
                raise SettingsError("--note must say why the account gets a worse state: its owner reads it.")
            decide(tx, args.org_id, args.state, note=args.note, operator=operator, settings=settings)
        history = [row._asdict() for row in store.history(tx, args.org_id)]
        return {**_account(tx, args.org_id)._asdict(), "history": history}

    async with running_writer(settings.database_url) as writer:
        return await writer.run(write)


def decide(tx: Tx, org_id: str, state: State, *, note: str, operator: str, settings: Settings) -> None:
    """Changes the state of an account to what an operator decided. Raises `SettingsError`.

    The same state again, with another note, makes the reason policy.
    """
    before = _account(tx, org_id)
    if (state, note) == (before.state, before.note):
        return
    now_ms = SystemClock().now_ms()
    hours = thresholds_of(settings).window_hours
    decided = StateChange(
        before=before,
        state=state,
        reasons=reasons_decided(before.state, state),
        counts=store.sums(tx, [org_id], now_ms, hours).get(org_id, Counts()),
        now_ms=now_ms,
        note=note,
        operator=operator,
    )
    if not store.change_state(tx, decided):
        raise SettingsError("The account's state has changed at this moment. Repeat the command.")


def operator_name() -> str:
    """The name of the system's user who runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A user without a name, as in some containers.
        return "operator"


def _account(tx: Tx, org_id: str) -> store.AccountRow:
    account = store.accounts(tx, [org_id]).get(org_id)
    if account is None:
        raise SettingsError(f"There is no organisation {org_id!r}.")
    return account
