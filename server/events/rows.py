"""Entries of the log and their places, as plain values."""

from typing import NamedTuple

# The types of events about the account, and about contacts, begin with these.
ACCOUNT = "account."
CONTACT = "contact."


class Place(NamedTuple):
    """The position of an entry in the log of its unit (`server.events.log`).

    A reader that has handled the entry resumes after it.
    """

    stamp: int
    seq: int


BEGINNING = Place(0, 0)


class EventRow(NamedTuple):
    """An entry as it is stored."""

    org_id: str
    stamp: int
    seq: int
    id: str
    email_id: str
    type: str
    recipient: str
    attempt: int
    reply_code: int | None
    reply_status: str | None
    reply_text: str | None
    remote_host: str | None
    possible_duplicate: bool
    created_at: int
    # The email is test mail (C-58).
    test: bool = False
    # The domain of its email; None if the email is gone.
    domain_id: str | None = None
    # Its part in the health of the account; None for none.
    counts_as: str | None = None
    # A JSON object, for events that are about no email.
    details: str | None = None

    @property
    def place(self) -> Place:
        """The position of the entry in the log."""
        return Place(self.stamp, self.seq)
