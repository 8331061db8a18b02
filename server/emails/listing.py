"""Lists of an organisation's emails, newest first (contract rows Z-27, F-6), at the same cost however many.

One criterion is answered by an index. What no index answers (a text, a second criterion) is looked for
among the `WINDOW` newest emails that the index finds; cursors, `since` and `until` move that window. Only
recipients whose address begins with the text are found wherever they are, unless they are more than that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.keys import among
from server.db.listing import COUNTED, Part, Stretch, counted, ids_of
from server.db.schema import addressees, daily_counts, domains, email_tags, emails
from server.emails.tally import EMAILS
from server.ids import least_id_of

# So many emails are looked through for what no index answers.
WINDOW = 10_000
# An id is made a little before or after the time that is stored with its email: here in milliseconds.
_SLACK_MS = 5_000
# What JSON lists of addresses are written with.
_PUNCTUATION = frozenset("[], ")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which emails of an organisation: any criterion that is None or empty lets all pass.

    Times are milliseconds since 1970 UTC: accepted at `since` or later, before `until`.
    """

    search: str | None = None
    statuses: Sequence[str] = ()
    tag: str | None = None
    domain: str | None = None
    since: int | None = None
    until: int | None = None

    @property
    def is_by_status_only(self) -> bool:
        """Whether nothing but the status is asked for, if that is."""
        return not (self.search or self.tag or self.domain) and self.since is None and self.until is None


class _Walk(NamedTuple):
    """A way to the emails: one index range each, ordered by id, and what must be checked at each email."""

    id: ColumnElement[str]
    ranges: list[ColumnElement[bool]]
    rest: list[ColumnElement[bool]]


async def page(connection: AsyncConnection, org_id: str, wanted: Filter, stretch: Stretch) -> Part:
    """The wanted part of the emails that match.

    `total` is exact up to `COUNTED`. Beyond that it is what the statistics say if at most the status is
    asked for, else `COUNTED`. With a criterion that no index answers it counts the matches in the window.
    """
    domain_id = None if wanted.domain is None else await _domain_id(connection, org_id, wanted.domain)
    if wanted.domain is not None and domain_id is None:
        return Part([], has_more=False, total=0)
    walk = _walk(connection, org_id, wanted, domain_id)
    near = _near(walk.id, wanted)
    if walk.rest:
        found = await _looked_through(connection, org_id, walk, near, stretch)
        if wanted.search:
            found |= await _addressed(connection, org_id, wanted, domain_id, stretch)
        ids = sorted(found, reverse=not stretch.is_upward)
        total = len(ids)
        ids = ids[stretch.offset : stretch.offset + stretch.limit + 1]
    else:
        ranges = [select(walk.id).where(of, *near) for of in walk.ranges]
        ids = await ids_of(
            connection, [of.where(*stretch.beyond(walk.id)) for of in ranges], walk.id, stretch
        )
        total = await _total(connection, org_id, wanted, ranges)
    shown = sorted(ids[: stretch.limit], reverse=True)
    return Part(await _emails(connection, org_id, shown), len(ids) > stretch.limit, total)


def _walk(connection: AsyncConnection, org_id: str, wanted: Filter, domain_id: str | None) -> _Walk:
    """Along the narrowest index."""
    of_status = [emails.c.status == status for status in dict.fromkeys(wanted.statuses)]
    rest: list[ColumnElement[bool]] = []
    if wanted.search:
        rest.append(_contains(connection, wanted.search))
    if wanted.tag is not None:
        if of_status:
            rest.append(or_(*of_status))
        if domain_id is not None:
            rest.append(emails.c.domain_id == domain_id)
        id = email_tags.c.email_id
        tagged = (email_tags.c.org_id == org_id, email_tags.c.tag == wanted.tag)
        return _Walk(id, [and_(*tagged, *_of_time(org_id, id, wanted))], rest)
    mine = and_(emails.c.org_id == org_id, *_times(wanted))
    if len(of_status) == 1 or (of_status and not rest and domain_id is None):
        if domain_id is not None:
            rest.append(emails.c.domain_id == domain_id)
        return _Walk(emails.c.id, [and_(mine, status) for status in of_status], rest)
    if of_status:
        rest.append(or_(*of_status))
    if domain_id is not None:
        return _Walk(emails.c.id, [and_(mine, emails.c.domain_id == domain_id)], rest)
    return _Walk(emails.c.id, [mine], rest)


async def _looked_through(
    connection: AsyncConnection,
    org_id: str,
    walk: _Walk,
    near: Sequence[ColumnElement[bool]],
    stretch: Stretch,
) -> set[str]:
    """The ids of the emails in the window that pass every check."""
    [of] = walk.ranges
    query = select(walk.id).where(of, *near, *stretch.beyond(walk.id))
    last = await connection.scalar(stretch.ordered(query, walk.id).limit(1).offset(WINDOW - 1))
    if last is not None:
        query = query.where(walk.id <= last if stretch.is_upward else walk.id >= last)
    if walk.id.table is emails:
        query = query.where(*walk.rest)
    else:
        query = query.where(_email_passes(org_id, walk.id, walk.rest))
    return set(await connection.scalars(query))


async def _addressed(
    connection: AsyncConnection,
    org_id: str,
    wanted: Filter,
    domain_id: str | None,
    stretch: Stretch,
) -> set[str]:
    """The ids of emails with a recipient whose address begins with the text; none if they are too many."""
    start = (wanted.search or "").lower().encode()
    id = addressees.c.email_id
    query = (
        select(id)
        .where(
            addressees.c.org_id == org_id,
            addressees.c.address >= start,
            addressees.c.address < start + b"\xff",
            *_near(id, wanted),
            *stretch.beyond(id),
        )
        .limit(WINDOW + 1)
    )
    checks = _times(wanted)
    if wanted.statuses:
        checks.append(emails.c.status.in_(wanted.statuses))
    if domain_id is not None:
        checks.append(emails.c.domain_id == domain_id)
    if wanted.tag is not None:
        tagged = (email_tags.c.org_id == org_id, email_tags.c.email_id == id, email_tags.c.tag == wanted.tag)
        query = query.where(exists().where(*tagged))
    if checks:
        query = query.where(_email_passes(org_id, id, checks))
    ids = list(await connection.scalars(query))
    return set(ids) if len(ids) <= WINDOW else set()


async def _total(
    connection: AsyncConnection, org_id: str, wanted: Filter, ranges: Sequence[Select[Any]]
) -> int:
    total = await counted(connection, ranges, COUNTED)
    if total >= COUNTED and wanted.is_by_status_only:
        count = select(func.sum(daily_counts.c["count"])).where(
            daily_counts.c.org_id == org_id,
            daily_counts.c.unit == EMAILS,
            *([daily_counts.c.name.in_(wanted.statuses)] if wanted.statuses else []),
        )
        return max(total, int(await connection.scalar(count) or 0))
    return total


async def _emails(connection: AsyncConnection, org_id: str, ids: Sequence[str]) -> Sequence[Row[Any]]:
    if not ids:
        return []
    keys = among(connection, (emails.c.org_id, emails.c.id), [(org_id, id) for id in ids])
    return (await connection.execute(select(emails).where(keys).order_by(emails.c.id.desc()))).all()


async def _domain_id(connection: AsyncConnection, org_id: str, domain: str) -> str | None:
    query = select(domains.c.id).where(domains.c.org_id == org_id, domains.c.domain == domain)
    id: str | None = await connection.scalar(query)
    return id


def _email_passes(
    org_id: str, id: ColumnElement[str], checks: Sequence[ColumnElement[bool]]
) -> ColumnElement[bool]:
    """That the email with this id passes: looked up for each id. A join SQLite might begin at the emails."""
    return exists().where(emails.c.org_id == org_id, emails.c.id == id, *checks)


def _near(id: ColumnElement[str], wanted: Filter) -> list[ColumnElement[bool]]:
    """What keeps an index of ids near `since` and `until`."""
    found = []
    if wanted.since is not None:
        found.append(id >= least_id_of(wanted.since - _SLACK_MS))
    if wanted.until is not None:
        found.append(id < least_id_of(wanted.until + _SLACK_MS))
    return found


def _of_time(org_id: str, id: ColumnElement[str], wanted: Filter) -> list[ColumnElement[bool]]:
    """That the email with this id is of the time asked for: looked up only where its id does not tell."""
    sure = []
    if wanted.since is not None:
        sure.append(id >= least_id_of(wanted.since + _SLACK_MS))
    if wanted.until is not None:
        sure.append(id < least_id_of(wanted.until - _SLACK_MS))
    return [or_(and_(*sure), _email_passes(org_id, id, _times(wanted)))] if sure else []


def _times(wanted: Filter) -> list[ColumnElement[bool]]:
    found = []
    if wanted.since is not None:
        found.append(emails.c.created_at >= wanted.since)
    if wanted.until is not None:
        found.append(emails.c.created_at < wanted.until)
    return found


def _contains(connection: AsyncConnection, text: str) -> ColumnElement[bool]:
    """That the subject, the sender or a recipient contains the text, in whatever case."""
    columns = [(emails.c.subject, text), (emails.c.sender, text)]
    if not _PUNCTUATION.issuperset(text):
        # As it stands inside a JSON string.
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        columns += [(column, quoted) for column in (emails.c.to, emails.c.cc, emails.c.bcc)]
    # LIKE ignores the case of ASCII on SQLite, where `lower` would make a copy of each text.
    is_sqlite = connection.dialect.name == "sqlite"
    return or_(
        *(
            column.contains(needle, autoescape=True)
            if is_sqlite
            else column.icontains(needle, autoescape=True)
            for column, needle in columns
        )
    )
