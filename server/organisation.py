"""`python -m server organisation`: what the operator decides about one organisation."""

import argparse
from typing import Any, NamedTuple

from sqlalchemy import select, update

from server.db.tables.accounts import organisations
from server.db.tables.quotas import plans
from server.db.tx import Tx
from server.db.writer import running_writer
from server.settings import Settings, SettingsError

STATES = ("healthy", "review", "paused", "banned")
LIMITS = ("daily", "monthly", "unique", "burst")
# What the store's columns and the wire hold.
_MOST = 2**31 - 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("org_id", metavar="ORG_ID")
    parser.add_argument("--state", choices=STATES, help="whether it may send, read, or nothing")
    parser.add_argument("--plan", help="one of the table `plans`")
    parser.add_argument("--sandbox", choices=("on", "off"), help="on: mail goes to its owner only")
    for name in LIMITS:
        parser.add_argument(f"--{name}", metavar="N", help=f"its own {name} limit; `plan` for its plan's")


class OrganisationRow(NamedTuple):
    """An organisation as the operator sees it; `created_at` is milliseconds since 1970 UTC."""

    org_id: str
    name: str
    plan: str
    profile: str
    sandbox: bool
    owner_email: str
    state: str
    daily_limit: int | None
    monthly_limit: int | None
    unique_limit: int | None
    burst_limit: int | None
    created_at: int


async def change(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    """Changes the organisation as the options say; returns how it stands now.

    On PostgreSQL servers notice within 5 seconds; on SQLite stop the server first, which owns the file.
    Raises `SettingsError` for an unknown organisation or plan.
    """

    def write(tx: Tx) -> OrganisationRow | None:
        if args.plan is not None:
            known = tx.scalars(str, select(plans.c.plan).order_by(plans.c.plan))
            if args.plan not in known:
                raise SettingsError(f"There is no plan {args.plan!r}; there are {', '.join(known)}.")
        this = organisations.c.org_id == args.org_id
        if values := _values(args):
            tx.change(update(organisations).where(this).values(values))
        return tx.first(OrganisationRow, select(organisations).where(this))

    async with running_writer(settings.database_url) as writer:
        row = await writer.run(write)
    if row is None:
        raise SettingsError(f"There is no organisation {args.org_id!r}.")
    return row._asdict()


def _values(args: argparse.Namespace) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if args.state is not None:
        values["state"] = args.state
    if args.plan is not None:
        values["plan"] = args.plan
    if args.sandbox is not None:
        values["sandbox"] = args.sandbox == "on"
    for name in LIMITS:
        given = getattr(args, name)
        if given is not None:
            values[f"{name}_limit"] = None if given == "plan" else whole_number(name, given, instead="plan")
    return values


def whole_number(name: str, given: str, *, instead: str | None = None, most: int = _MOST) -> int:
    """The number given as an option; `instead` is the word that could have been. Raises `SettingsError`."""
    # Longer ones are not even read: Python limits the digits of a number.
    if given.isascii() and given.isdigit() and len(given) <= len(str(most)) and int(given) <= most:
        return int(given)
    word = "" if instead is None else f" or `{instead}`"
    raise SettingsError(f"--{name} must be a whole number up to {most}{word}, not {given!r}.")
