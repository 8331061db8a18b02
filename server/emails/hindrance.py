"""May an accepted email still go, and how: one decision for its release and before each MAIL (C-86)."""

from typing import Literal, NamedTuple

from server.account_health.rules import MAY_SEND, State


class Hindrance(NamedTuple):
    """The reason for which a recipient gets nothing now.

    It ends in the status `ends_as`; without one it waits while its organisation is paused.
    """

    ends_as: Literal["failed", "suppressed"] | None
    text: str


# The enhanced status code for all of them (RFC 3463 section 3.8).
POLICY = "5.7.1"
PAUSED = Hindrance(None, "held while the organisation is paused")
BANNED = Hindrance("failed", "not sent: the organisation is banned")
NO_DOMAIN = Hindrance("failed", "not sent: domain no longer verified")
SUPPRESSED = Hindrance("suppressed", "the address was suppressed after the email was accepted")


def hindrance(state: State, *, is_verified: bool, is_suppressed: bool) -> Hindrance | None:
    """The first reason for which nothing goes to a recipient, None if it may go.

    `state` is that of the organisation; `is_verified` is about the domains of the sender and of the
    envelope's sender, as domains of this organisation.
    """
    if state == "paused":
        return PAUSED
    if state not in MAY_SEND:
        return BANNED
    if not is_verified:
        return NO_DOMAIN
    return SUPPRESSED if is_suppressed else None
