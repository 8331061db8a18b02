"""The rows that delivery works on, as plain values; times are milliseconds since 1970 UTC."""

from dataclasses import dataclass
from typing import Any, NamedTuple


class Key(NamedTuple):
    """A claimed row: its primary key, and the token and owner under which it was claimed."""

    org_id: str
    email_id: str
    no: int
    token: int
    owner: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row of the queue that is ours for now."""

    key: Key
    site: str
    attempts: int
    crashes: int
    uncertain: bool
    # How many bytes the email's attachments weigh; 0 if it has none.
    attached: int = 0


@dataclass(frozen=True, slots=True)
class Settlement:
    """The record of one attempt for one recipient; times are milliseconds since 1970 UTC.

    `due_at` is when the next attempt is due, None if there is none. `alone` says that the email has no
    other recipient, so that its own status need not be worked out; `simulated` that nobody was asked.
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


@dataclass(frozen=True, slots=True)
class Stored:
    """An email with its content, as its rows say, and the address of each of its recipients by number.

    `suppressed` are the numbers of those that are suppressed by now, `files` the rows of its attachments.
    """

    email: Any
    addresses: dict[int, str]
    kinds: dict[int, str]
    suppressed: set[int]
    files: list[Any]

    @property
    def accepted_at(self) -> int:
        """When it was accepted, or scheduled for: milliseconds since 1970 UTC."""
        return int(self.email.begins_at)

    @property
    def alone(self) -> bool:
        """Whether there is only one recipient."""
        return len(self.addresses) == 1
