"""The part of an organisation's mail that a caller may see, as conditions on the table `emails`."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, select

from server.db.tables.domains import domains
from server.db.tables.emails import emails


@dataclass(frozen=True, slots=True)
class Reach:
    """Test mail only for a test key (C-87); the mail of its domains for a key that is bound to some (C-90);
    the mail that it sent itself for a key that only sends.

    By default it is all mail.
    """

    test_only: bool = False
    domains: frozenset[str] = frozenset()
    # The id of a key.
    sent_by: str | None = None

    @property
    def is_limited(self) -> bool:
        """True if there may be mail that the caller must not see."""
        return self.test_only or bool(self.domains) or self.sent_by is not None

    def conditions(self, org_id: str) -> list[ColumnElement[bool]]:
        """The conditions that an email of the organisation may be seen."""
        found: list[ColumnElement[bool]] = [emails.c.test] if self.test_only else []
        if self.sent_by is not None:
            found.append(emails.c.key_id == self.sent_by)
        if self.domains:
            found.append(emails.c.domain_id.in_(self.domain_ids(org_id)))
        return found

    def domain_ids(self, org_id: str) -> Select[tuple[str]]:
        """The query of the ids of its domains in the organisation."""
        mine = (domains.c.org_id == org_id, domains.c.domain.in_(sorted(self.domains)))
        return select(domains.c.id).where(*mine)


ALL = Reach()
