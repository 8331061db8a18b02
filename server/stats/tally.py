"""Counters of emails by status and of recipients by event: pure functions over entries of the log.

An email is counted on the day on which it was accepted, whenever its events happen. So of one day no more
emails can be delivered than were sent, and the counters of a day stay true when its last mail arrives late.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from server.events.event import Event
from server.events.statuses import OPEN, email_status

DAY_MS = 86_400_000
EMAILS = "emails"
RECIPIENTS = "recipients"
# The same of test mail (C-58).
TEST_EMAILS = "test_mail"
TEST_RECIPIENTS = "test_rcpt"
# Events that are counted once for each recipient.
_COUNTED = frozenset(("delivered", "bounced", "complained", "suppressed", "failed", "opened", "clicked"))
_STATUSES = frozenset(("delivered", "delivery_delayed", "bounced", "complained", "suppressed", "failed"))


class Counted(NamedTuple):
    """One counter: of emails by status or of recipients by event, according to `unit`."""

    org_id: str
    day: int  # since 1970-01-01 UTC
    unit: str
    name: str


@dataclass(slots=True)
class _Email:
    """The state of an email after its events; `rest` is the status of recipients without an event."""

    recipients: int
    day: int
    test: bool
    rest: str = ""
    statuses: dict[str, str] = field(default_factory=dict)
    happened: set[tuple[str, str]] = field(default_factory=set)
    sent: int = 0

    def apply(self, event: Event) -> None:
        what = event.type.removeprefix("email.")
        if what == "scheduled":
            self.rest = "scheduled"
        elif what == "sent":
            self.rest = "queued"
            self.sent = self.recipients - len(self.statuses)
        elif what == "canceled":
            self.rest = "canceled"
        else:
            self._apply_to_one(what, event.recipient.lower())

    def _apply_to_one(self, what: str, recipient: str) -> None:
        if what in _COUNTED:
            self.happened.add((what, recipient))
        if what not in _STATUSES:
            return
        if what == "suppressed" and self.sent and self.statuses.get(recipient, self.rest) in OPEN:
            # It was counted as sent to.
            self.sent -= 1
        self.statuses[recipient] = what

    def counts(self) -> dict[tuple[str, str], int]:
        """By unit and name; nothing before the first event."""
        # Not a `Counter`: making one takes longer than all the rest that is done for an event.
        counts: dict[tuple[str, str], int] = {}
        emails, recipients = (TEST_EMAILS, TEST_RECIPIENTS) if self.test else (EMAILS, RECIPIENTS)
        for what, _ in self.happened:
            counts[recipients, what] = counts.get((recipients, what), 0) + 1
        if self.sent:
            counts[recipients, "sent"] = self.sent
        if self.rest:
            of_all = set(self.statuses.values())
            if len(self.statuses) < self.recipients or not of_all:
                of_all.add(self.rest)
            counts[emails, email_status(of_all)] = 1
        return counts


def changes(
    earlier: Iterable[Event], new: Iterable[Event], recipients: Mapping[tuple[str, str], int]
) -> Counter[Counted]:
    """The changes of the counters by the `new` events, which are in the order of the log.

    `earlier` are all earlier events of the same emails, `recipients` the number of recipients by
    organisation and email.
    """
    emails: dict[tuple[str, str], _Email] = {}
    for event in earlier:
        _of(emails, event, recipients).apply(event)
    before = {key: email.counts() for key, email in emails.items()}
    for event in new:
        _of(emails, event, recipients).apply(event)
    changed: defaultdict[Counted, int] = defaultdict(int)
    for key, email in emails.items():
        for (unit, name), count in email.counts().items():
            changed[Counted(key[0], email.day, unit, name)] += count
        for (unit, name), count in before.get(key, {}).items():
            changed[Counted(key[0], email.day, unit, name)] -= count
    return Counter({counted: difference for counted, difference in changed.items() if difference})


def _of(
    emails: dict[tuple[str, str], _Email], event: Event, recipients: Mapping[tuple[str, str], int]
) -> _Email:
    key = event.org_id, event.email_id
    if key not in emails:
        emails[key] = _Email(recipients.get(key, 0), event.created_at // DAY_MS, event.test)
    return emails[key]
