"""`python -m server organisation`: the operator's decisions about one organisation."""

import argparse

from server.account_health.judging import thresholds_of
from server.account_health.rules import STATES
from server.accounts.store import OrganisationRow
from server.admin.acts import change_organisation, decide
from server.commands.actor import by_command
from server.commands.options import LIMITS, limits_of
from server.db.time import clock_of
from server.db.tx import Tx
from server.db.writer import running_writer
from server.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("org_id", metavar="ORG_ID")
    parser.add_argument("--state", choices=STATES, help="as `account-state`, without a note")
    parser.add_argument("--plan", help="one of the table `plans`")
    parser.add_argument("--sandbox", choices=("on", "off"), help="on: mail goes to its owner only")
    parser.add_argument("--reopen", action="store_true", help="if its owner closed it")
    for name in LIMITS:
        parser.add_argument(f"--{name}", metavar="N", help=f"its own {name} limit; `plan` for its plan's")


async def change(args: argparse.Namespace, settings: Settings) -> dict[str, object]:
    """Changes the organisation as the options say; returns its row as it is now.

    On PostgreSQL servers notice within 5 seconds; on SQLite stop the server first, which owns the file.
    Raises `OrganisationNotFound`, `PlanNotFound`, `AccountStateChanged`, `SettingsError`.
    """
    changes = _changes(args)
    by = by_command("organisation", await clock_of(settings.database_url))
    hours = thresholds_of(settings).window_hours

    def write(tx: Tx) -> OrganisationRow:
        if args.state is not None:
            decide(tx, args.org_id, args.state, by, window_hours=hours, needs_note=False)
        return change_organisation(tx, args.org_id, changes, by)

    async with running_writer(settings.database_url) as writer:
        return (await writer.run(write))._asdict()


def _changes(args: argparse.Namespace) -> dict[str, object]:
    changes: dict[str, object] = {}
    if args.plan is not None:
        changes["plan"] = args.plan
    if args.sandbox is not None:
        changes["sandbox"] = args.sandbox == "on"
    if args.reopen:
        changes["closed_at"] = None
    return changes | limits_of(args, unset="plan")
