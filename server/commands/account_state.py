"""`python -m server account-state`: the operator's decision about an account (contract rows S-19, C-69)."""

import argparse

from server.account_health import store
from server.account_health.judging import thresholds_of
from server.account_health.rules import STATES, is_better
from server.admin.acts import decide
from server.admin.faults import OrganisationNotFound
from server.commands.actor import by_command
from server.db.time import clock_of
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
    Raises `OrganisationNotFound`, `AccountStateChanged`, and `SettingsError` for a state that gets worse
    without a note.
    """
    by = by_command("account-state", await clock_of(settings.database_url), name=args.by, reason=args.note)

    def write(tx: Tx) -> dict[str, object]:
        if args.state is not None:
            before = _account(tx, args.org_id)
            if is_better(before.state, args.state) and not args.note:
                raise SettingsError("--note must say why the account gets a worse state: its owner reads it.")
            decide(tx, args.org_id, args.state, by, window_hours=thresholds_of(settings).window_hours)
        history = [row._asdict() for row in store.history(tx, args.org_id)]
        return {**_account(tx, args.org_id)._asdict(), "history": history}

    async with running_writer(settings.database_url) as writer:
        return await writer.run(write)


def _account(tx: Tx, org_id: str) -> store.AccountRow:
    account = store.accounts(tx, [org_id]).get(org_id)
    if account is None:
        raise OrganisationNotFound(org_id)
    return account
