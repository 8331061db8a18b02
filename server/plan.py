"""`python -m server plan`: what a plan allows everybody who is on it (contract rows Z-43, C-13, C-14)."""

import argparse
from typing import Any, NamedTuple

from sqlalchemy import select, update

from server.db.tables.quotas import plans
from server.db.tx import Tx
from server.db.writer import running_writer
from server.organisation import LIMITS, whole_number
from server.settings import Settings, SettingsError

_MIB = 2**20
# A message of the wire has 64 MiB, and an email is more than its files.
_MOST_ATTACHMENTS_MIB = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("plan", metavar="PLAN")
    for name in LIMITS:
        parser.add_argument(f"--{name}", metavar="N", help=f"the {name} limit; `none` for no limit")
    parser.add_argument("--overage", choices=("on", "off"), help="on: mail goes on beyond --monthly")
    parser.add_argument("--attachments", metavar="MIB", help="what the files of one email may have together")


class PlanRow(NamedTuple):
    """A plan; null for no limit, `attachment_bytes` of one email together."""

    plan: str
    daily_limit: int | None
    monthly_limit: int | None
    overage: bool
    unique_limit: int | None
    burst_limit: int | None
    attachment_bytes: int
    smtp: bool


async def change(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    """Changes the plan as the options say; returns what it allows now.

    On PostgreSQL it holds from the next send on; on SQLite stop the server first, which owns the file.
    Raises `SettingsError` for an unknown plan.
    """
    values = _values(args)

    def write(tx: Tx) -> list[PlanRow]:
        if values:
            tx.change(update(plans).where(plans.c.plan == args.plan).values(values))
        return tx.all(PlanRow, select(plans).order_by(plans.c.plan))

    async with running_writer(settings.database_url) as writer:
        rows = await writer.run(write)
    known = {row.plan: row._asdict() for row in rows}
    if args.plan not in known:
        raise SettingsError(f"There is no plan {args.plan!r}; there are {', '.join(known)}.")
    return known[args.plan]


def _values(args: argparse.Namespace) -> dict[str, Any]:
    values: dict[str, Any] = {
        f"{name}_limit": None if given == "none" else whole_number(name, given, instead="none")
        for name in LIMITS
        if (given := getattr(args, name)) is not None
    }
    if args.overage is not None:
        values["overage"] = args.overage == "on"
    if args.attachments is not None:
        mib = whole_number("attachments", args.attachments, most=_MOST_ATTACHMENTS_MIB)
        values["attachment_bytes"] = mib * _MIB
    return values
