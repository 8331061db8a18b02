"""The rows of the delivery queue, as plain values; times are milliseconds since 1970 UTC."""

from dataclasses import dataclass
from typing import NamedTuple


class NewRow(NamedTuple):
    """A recipient to enqueue for its first attempt.

    `domain` is the recipient's; `attached` the estimated bytes of the email's attachments in memory, 0 if it
    has none.
    """

    org_id: str
    email_id: str
    no: int
    domain: str
    test: bool
    due_at: int
    attached: int = 0


class LeaseKey(NamedTuple):
    """A claimed row: its primary key, and the token and owner under which it was claimed."""

    org_id: str
    email_id: str
    no: int
    token: int
    owner: str


class Claimed(NamedTuple):
    """A row that this engine has leased."""

    key: LeaseKey
    site: str
    attempts: int
    crashes: int
    uncertain: bool
    # Estimated bytes of the email's attachments in memory; 0 if it has none.
    attached: int = 0
    # The time for which it was held, in milliseconds.
    held_ms: int = 0


class Claims(NamedTuple):
    """The rows of a claim, and the organisation after which the next claim begins; empty after the last."""

    rows: list[Claimed]
    after: str


class Leftover(NamedTuple):
    """A leased row whose holder is gone."""

    key: LeaseKey
    attempts: int
    crashes: int
    uncertain: bool
    held_ms: int = 0


class Retry(NamedTuple):
    """A leased row after an attempt that is to be repeated at `due_at`."""

    key: LeaseKey
    due_at: int
    attempts: int
    uncertain: bool


@dataclass(frozen=True, slots=True)
class Release:
    """A leased row given back without an attempt; fields that are None stay as they are.

    With `held_since` it is held: not due until its organisation is no longer paused.
    """

    key: LeaseKey
    due_at: int | None = None
    crashes: int | None = None
    uncertain: bool | None = None
    held_since: int | None = None
