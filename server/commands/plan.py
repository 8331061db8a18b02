"""`python -m server plan`: the limits of all organisations on a plan (contract rows Z-43, C-13, C-14)."""

import argparse

from server.admin.acts import change_plan_limits
from server.commands.actor import by_command
from server.commands.options import LIMITS, limits_of, whole_number
from server.db.time import clock_of
from server.db.writer import running_writer
from server.quotas.plans import is_paypal_plan
from server.settings import Settings, SettingsError

_MIB = 2**20
# A message of the wire has 64 MiB, and an email is more than its files.
_MAX_ATTACHMENTS_MIB = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("plan", metavar="PLAN")
    for name in LIMITS:
        parser.add_argument(f"--{name}", metavar="N", help=f"the {name} limit; `none` for no limit")
    parser.add_argument("--overage", choices=("on", "off"), help="on: mail goes on beyond --monthly")
    parser.add_argument("--paypal-plan", metavar="ID", help="its id at PayPal; `none` if it is not for sale")
    parser.add_argument("--attachments", metavar="MIB", help="what the files of one email may have together")


async def change(args: argparse.Namespace, settings: Settings) -> dict[str, object]:
    """Changes the plan as the options say; returns its row as it is now.

    On PostgreSQL it holds from the next send on; on SQLite stop the server first, which owns the file.
    Raises `PlanNotFound`, `SettingsError`.
    """
    changes = _changes(args)
    by = by_command("plan", await clock_of(settings.database_url))
    async with running_writer(settings.database_url) as writer:
        return (await writer.run(change_plan_limits, args.plan, changes, by))._asdict()


def _changes(args: argparse.Namespace) -> dict[str, object]:
    changes: dict[str, object] = {**limits_of(args, unset="none")}
    if args.overage is not None:
        changes["overage"] = args.overage == "on"
    if args.paypal_plan is not None:
        changes["paypal_plan_id"] = _paypal_plan(args.paypal_plan)
    if args.attachments is not None:
        mib = whole_number("attachments", args.attachments, most=_MAX_ATTACHMENTS_MIB)
        changes["attachment_bytes"] = mib * _MIB
    return changes


def _paypal_plan(text: str) -> str | None:
    if text == "none":
        return None
    if not is_paypal_plan(text):
        raise SettingsError(
            f"--paypal-plan must be the id of a plan at PayPal (it begins with P-) or `none`, not {text!r}."
        )
    return text
