"""Criteria for lists of emails (contract rows Z-27, C-57, F-6), as conditions on the table `emails`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sqlalchemy import Column, ColumnElement, and_, exists, false, or_

from server.db.reach import ALL, Reach
from server.db.tables.emails import email_tags, emails
from server.db.tx import Tx

# The punctuation of JSON lists of addresses.
_PUNCTUATION = frozenset("[], ")
_RECIPIENTS = (emails.c.to, emails.c.cc, emails.c.bcc)

# The ways to hand an email in: at once, with a time, or by a batch job (V-7).
JobType: TypeAlias = Literal["direct", "scheduled", "batch"]


@dataclass(frozen=True, slots=True)
class Filter:
    """Criteria for emails of an organisation; None or empty for no criterion.

    Times are milliseconds since 1970 UTC: accepted at `since` or later, before `until`.
    """

    search: str | None = None
    # Texts in the address of a recipient, in the sender and in the subject.
    to: str | None = None
    sender: str | None = None
    subject: str | None = None
    statuses: Sequence[str] = ()
    tag: str | None = None
    domain: str | None = None
    since: int | None = None
    until: int | None = None
    job_type: JobType | None = None
    job_id: str | None = None
    reach: Reach = ALL

    @property
    def has_text(self) -> bool:
        """True if there is a text to look for, which takes time in proportion to the emails."""
        return bool(self.search or self.to or self.sender or self.subject)

    @property
    def is_by_status_only(self) -> bool:
        """True if there is no other criterion than the status."""
        return (
            not self.has_text
            and not (self.tag or self.domain or self.job_type or self.job_id)
            and not self.reach.is_limited
            and self.since is None
            and self.until is None
        )


def checks(org_id: str, criteria: Filter, domain_id: str | None) -> list[ColumnElement[bool]]:
    """The criteria that the row of an email answers, but for its time and its job."""
    found = criteria.reach.conditions(org_id)
    if criteria.statuses:
        found.append(emails.c.status.in_(criteria.statuses))
    if domain_id is not None:
        found.append(emails.c.domain_id == domain_id)
    return [*found, *of_type(criteria.job_type)]


def of_type(job_type: JobType | None) -> list[ColumnElement[bool]]:
    """The condition that an email is of a type; none for any type."""
    return [] if job_type is None else [is_of_type(job_type)]


def is_of_type(job_type: JobType) -> ColumnElement[bool]:
    if job_type == "scheduled":
        return emails.c.scheduled_at.is_not(None)
    if job_type == "batch":
        return emails.c.job_id.is_not(None)
    return and_(emails.c.scheduled_at.is_(None), emails.c.job_id.is_(None))


def is_tagged(org_id: str, id: ColumnElement[str], tag: str) -> ColumnElement[bool]:
    tags = email_tags.c
    return exists().where(tags.org_id == org_id, tags.email_id == id, tags.tag == tag)


def times(criteria: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if criteria.since is not None:
        found.append(emails.c.created_at >= criteria.since)
    if criteria.until is not None:
        found.append(emails.c.created_at < criteria.until)
    return found


def texts(tx: Tx, criteria: Filter) -> list[ColumnElement[bool]]:
    """The conditions that the texts of the criteria are contained, ignoring case."""
    found: list[ColumnElement[bool]] = []
    if criteria.search:
        plain = _contain(tx, (emails.c.subject, emails.c.sender), criteria.search)
        found.append(or_(*plain, _recipient_contains(tx, criteria.search)))
    if criteria.to:
        found.append(_recipient_contains(tx, criteria.to))
    if criteria.sender:
        found += _contain(tx, (emails.c.sender,), criteria.sender)
    if criteria.subject:
        found += _contain(tx, (emails.c.subject,), criteria.subject)
    return found


def _recipient_contains(tx: Tx, text: str) -> ColumnElement[bool]:
    if _PUNCTUATION.issuperset(text):
        return false()
    # As it is written inside a JSON string.
    return or_(*_contain(tx, _RECIPIENTS, text.replace("\\", "\\\\").replace('"', '\\"')))


def _contain(tx: Tx, columns: Sequence[Column[str]], text: str) -> list[ColumnElement[bool]]:
    # LIKE ignores the case of ASCII on SQLite, where `lower` would make a copy of each text.
    return [
        column.contains(text, autoescape=True) if tx.is_sqlite else column.icontains(text, autoescape=True)
        for column in columns
    ]
