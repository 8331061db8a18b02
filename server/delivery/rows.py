"""The rows of the delivery queue, as plain values; times are milliseconds since 1970 UTC."""

from dataclasses import dataclass
from typing import NamedTuple


class Key(NamedTuple):
    """A claimed row: its primary key, and the token and owner under which it was claimed."""

    org_id: str
    email_id: str
    no: int
    token: int
    owner: str


class Claimed(NamedTuple):
    """A row of the queue that this engine has leased."""

    key: Key
    site: str
    attempts: int
    crashes: int
    uncertain: bool
    # Estimated bytes of the email's attachments in memory; 0 if it has none.
    attached: int = 0


@dataclass(frozen=True, slots=True)
class Settlement:
    """The record of one attempt for one recipient; times are milliseconds since 1970 UTC.

    `due_at` is when the next attempt is due, None if there is none. `alone` says that the email has no
    other recipient, so that its own status need not be worked out; `simulated` that no server was asked.
    """

    key: Key
    address: str
    status: str
    attempts: int
    due_at: int | None
    code: int | None
    enhanced: str
    text: str
    host: str
    uncertain: bool
    possible_duplicate: bool
    alone: bool
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """A row given back without an attempt; fields that are None stay as they are."""

    key: Key
    due_at: int | None = None
    crashes: int | None = None
    uncertain: bool | None = None


@dataclass(frozen=True, slots=True)
class Leftover:
    """A row whose holder is gone, with what is needed to settle it."""

    key: Key
    address: str
    accepted_at: int
    attempts: int
    crashes: int
    uncertain: bool
