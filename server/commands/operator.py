"""`python -m server operator`: who is an operator of this installation, and tokens of programs (C-76)."""

import argparse
import unicodedata

from server.accounts import operator_log, operators
from server.accounts.operator_log import Act
from server.admin.acts import By
from server.commands.actor import by_command
from server.db.time import clock_of
from server.db.tx import Tx
from server.db.writer import running_writer
from server.ids import is_id
from server.settings import Settings, SettingsError

MAX_NAME_LENGTH = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    acts = parser.add_subparsers(dest="act", required=True)
    for name, help in (("grant", "make a user an operator"), ("revoke", "take that back")):
        acts.add_parser(name, help=help).add_argument("email", metavar="EMAIL", help="of the user's account")
    token = acts.add_parser("token", help="make a token for a program; it is shown this once")
    token.add_argument("name", metavar="NAME", help="what the log calls the program")
    acts.add_parser("tokens", help="list the tokens, without their secrets")
    acts.add_parser("revoke-token", help="end a token").add_argument("id", metavar="ID")


async def run(args: argparse.Namespace, settings: Settings) -> object:
    """Does what the options say; returns what is to be printed.

    On PostgreSQL servers notice within 5 seconds; on SQLite stop the server first, which owns the file.
    Raises `SettingsError` for an unknown user or token, and for a name that cannot be one.
    """
    by = by_command(f"operator {args.act}", await clock_of(settings.database_url))
    async with running_writer(settings.database_url) as writer:
        if args.act in ("grant", "revoke"):
            return await writer.run(_mark, args.email.strip().lower(), by, is_operator=args.act == "grant")
        if args.act == "token":
            return await writer.run(_token, _name(args.name), by)
        if args.act == "revoke-token":
            return await writer.run(_revoke, args.id, by)
        return await writer.run(lambda tx: [row._asdict() for row in operators.tokens(tx)])


def _mark(tx: Tx, email: str, by: By, *, is_operator: bool) -> dict[str, object]:
    user = operators.mark(tx, email, by.now_ms if is_operator else None)
    if user is None:
        raise SettingsError(f"No user has the address {email!r}: the user must have an account first.")
    if is_operator != (user.operator_since is not None):
        changes = {"operator": (not is_operator, is_operator)}
        operator_log.record(
            tx, by.actor, Act(method=by.method, org_id=None, target_id=email), by.now_ms, changes
        )
    return {"user_id": user.id, "email": user.email, "operator": is_operator}


def _token(tx: Tx, name: str, by: By) -> dict[str, object]:
    made = operators.add_token(tx, name, by.now_ms)
    act = Act(method=by.method, org_id=None, target_id=made.id)
    operator_log.record(tx, by.actor, act, by.now_ms, {"name": (None, name)})
    return {"id": made.id, "name": name, "token": made.token}


def _revoke(tx: Tx, id: str, by: By) -> dict[str, object]:
    if not is_id(id) or not operators.revoke_token(tx, id, by.now_ms):
        raise SettingsError(f"There is no token {id!r} that counts: `operator tokens` lists them.")
    operator_log.record(tx, by.actor, Act(method=by.method, org_id=None, target_id=id), by.now_ms)
    return {"id": id, "revoked": True}


def _name(text: str) -> str:
    name = text.strip()
    if not 1 <= len(name) <= MAX_NAME_LENGTH or any(unicodedata.category(char) == "Cc" for char in name):
        raise SettingsError(
            f"NAME must have 1 to {MAX_NAME_LENGTH} characters, none of them a control character."
        )
    return name
