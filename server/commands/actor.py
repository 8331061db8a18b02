"""The operator at the command line, as the log of operators names them."""

import getpass

from server.accounts.operator_log import Actor
from server.admin.acts import By
from server.clock import Clock


def operator_name() -> str:
    """The name of the system's user who runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A user without a name, as in some containers.
        return "operator"


def by_command(command: str, clock: Clock, *, name: str | None = None, reason: str = "") -> By:
    """An act by a command, now; the operator is the system's user unless a name is given."""
    return By(Actor("internal", "", name or operator_name()), f"command/{command}", clock.now_ms(), reason)
