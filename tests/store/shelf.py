"""Emails of organisations with any status, tag and time, as accepting and delivery have stored them."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from zidimail.v1 import email_pb2 as pb

from server.db.database import Database
from server.db.listing import Page, PageRequest
from server.db.writer import Writer
from server.emails import listing
from server.emails.criteria import Filter
from server.emails.draft import Draft
from server.emails.lifecycle import Status
from server.emails.store import EmailRow
from server.emails.transitions import Transition
from server.ids import least_id_of, new_id
from tests.delivery.queued import add_domain, add_org, domain_of, enqueue, rows_of
from tests.harness.clock import START_MS
from tests.harness.happenings import reach

EVERYTHING = PageRequest(limit=100)
OTHER_DOMAIN_ID = new_id()
_NUMBERS = itertools.count()


@dataclass(frozen=True, kw_only=True)
class Mail:
    """An email to be accepted at `at` (milliseconds), whose recipients then reach `status`.

    Its id is made `id_later_by` milliseconds later; 5 s before or after is the most that lists allow for.
    """

    subject: str = "Your receipt"
    sender: str | None = None
    to: Sequence[str] = ("ada@receiver.test",)
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    tags: Sequence[tuple[str, str]] = ()
    # The batch job that sent it; it has no time of its own then.
    job_id: str | None = None
    is_scheduled: bool = False
    status: Status = "queued"
    at: int = START_MS
    id_later_by: int = 0


@dataclass
class Shelf:
    """The emails of an organisation with two domains, each with what it was made of."""

    database: Database
    writer: Writer
    org_id: str
    mails: dict[str, Mail] = field(default_factory=dict)

    async def open(self) -> None:
        """Adds the organisation and its domains."""
        await self.writer.run(add_org, self.org_id)
        await self.writer.run(add_domain, self.org_id, OTHER_DOMAIN_ID, self.other_domain)

    @property
    def domain(self) -> str:
        """The domain of emails without another sender."""
        return domain_of(self.org_id)

    @property
    def other_domain(self) -> str:
        """A second domain of the organisation."""
        return f"other.{self.domain}"

    async def put(self, *mails: Mail) -> list[str]:
        """Accepts emails and gives them their statuses; returns their ids."""
        made = {self._id(mail): mail for mail in mails}
        await enqueue(self.writer, *(self._draft(id, mail) for id, mail in made.items()))
        changes = [
            Transition(self.org_id, id, no, mail.status)
            for id, mail in made.items()
            if mail.status != "queued"
            for no in range(1, len(mail.to) + len(mail.cc) + len(mail.bcc) + 1)
        ]
        await reach(self.writer, changes, START_MS)
        self.mails |= made
        return list(made)

    async def find(self, wanted: Filter, request: PageRequest = EVERYTHING, **limits: int) -> Page[EmailRow]:
        """A page of the list."""
        return await self.database.read(listing.page, self.org_id, wanted, request, **limits)

    async def ids(self, wanted: Filter, request: PageRequest = EVERYTHING, **limits: int) -> list[str]:
        """The ids of a page of the list."""
        return [row.id for row in (await self.find(wanted, request, **limits)).rows]

    def _id(self, mail: Mail) -> str:
        return id_of(mail.at + mail.id_later_by, next(_NUMBERS))

    def _draft(self, id: str, mail: Mail) -> Draft:
        fields: dict[str, Any] = {"subject": mail.subject, "cc": mail.cc}
        if mail.sender is not None:
            fields["from"] = mail.sender
        tags = [pb.Tag(name=name, value=value) for name, value in mail.tags]
        made = rows_of(
            self.org_id, mail.to, bcc=mail.bcc, accepted_at=mail.at, email_id=id, tags=tags, **fields
        )
        made.email["job_id"] = mail.job_id
        if mail.is_scheduled:
            # Its time has come: an email that waits has no recipients in the queue.
            made.email["scheduled_at"] = mail.at
        return made


def id_of(ms: int, number: int) -> str:
    """The id that an email has if it is made at a time, after `number` others."""
    return least_id_of(ms)[:12] + f"{number:012x}"
