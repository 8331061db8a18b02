"""Lists of an organisation's emails, newest first (contract rows Z-27, F-6), at the same cost however many.

One criterion is answered by an index. What no index answers (a text, a second criterion) is looked for
among the `WINDOW` newest emails that the index finds; cursors, `since` and `until` move that window. Only
recipients whose address begins with the text are found wherever they are, unless they are more than that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, literal, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.keys import among
from server.db.listing import Part, Stretch
from server.db.schema import addressees, daily_counts, domains, email_tags, emails
from server.emails.tally import EMAILS

# So many emails are looked through for what no index answers.
WINDOW = 10_000
# So many are counted one by one.
COUNTED = 10_000
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


class _Bounds(NamedTuple):
    """The ids about where the emails of a time begin and end."""

    least: str | None
    most: str | None

    def of(self, id: ColumnElement[str]) -> list[ColumnElement[bool]]:
        found = []
        if self.least is not None:
            found.append(id >= _moved(self.least, -_SLACK_MS))
        if self.most is not None:
            found.append(id <= _moved(self.most, _SLACK_MS))
        return found


async def page(connection: AsyncConnection, org_id: str, wanted: Filter, stretch: Stretch) -> Part:
    """The wanted part of the emails that match.

    `total` is exact up to `COUNTED`. Beyond that it is what the statistics say if at most the status is
    asked for, else `COUNTED`. With a criterion that no index answers it counts the matches in the window.
    """
    bounds = await _bounds(connection, org_id, wanted)
    domain_id = None if wanted.domain is None else await _domain_id(connection, org_id, wanted.domain)
    if bounds is None or (wanted.domain is not None and domain_id is None):
        return Part([], has_more=False, total=0)
    walk = _walk(connection, org_id, wanted, domain_id)
    upward = stretch.before is not None and stretch.after is None
    beyond = [*bounds.of(walk.id), *_cursors(walk.id, stretch)]
    if walk.rest:
        found = await _looked_through(connection, org_id, walk, beyond, upward)
        if wanted.search:
            found |= await _addressed(connection, org_id, wanted, domain_id, bounds, stretch)
        ids = sorted(found, reverse=not upward)
        total = len(ids)
        ids = ids[stretch.offset : stretch.offset + stretch.limit + 1]
    else:
        ids = await _ids(connection, walk, beyond, upward, stretch)
        total = await _total(connection, org_id, wanted, walk, bounds.of(walk.id))
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
        rest += _times(wanted)
        tagged = and_(email_tags.c.org_id == org_id, email_tags.c.tag == wanted.tag)
        return _Walk(email_tags.c.email_id, [tagged], rest)
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


async def _ids(
    connection: AsyncConnection,
    walk: _Walk,
    beyond: Sequence[ColumnElement[bool]],
    upward: bool,
    stretch: Stretch,
) -> list[str]:
    """The ids of the stretch and one more, all from the index."""
    needed = stretch.offset + stretch.limit + 1
    parts = [
        _ordered(select(walk.id.label("id")).where(of, *beyond), walk.id, upward).limit(needed)
        for of in walk.ranges
    ]
    if len(parts) == 1:
        query: Any = parts[0].limit(stretch.limit + 1).offset(stretch.offset)
    else:
        merged = union_all(*(select(part.subquery().c.id) for part in parts)).subquery()
        query = _ordered(select(merged.c.id), merged.c.id, upward)
        query = query.limit(stretch.limit + 1).offset(stretch.offset)
    return list(await connection.scalars(query))


async def _looked_through(
    connection: AsyncConnection,
    org_id: str,
    walk: _Walk,
    beyond: Sequence[ColumnElement[bool]],
    upward: bool,
) -> set[str]:
    """The ids of the emails in the window that pass every check."""
    [of] = walk.ranges
    window = _ordered(select(walk.id).where(of, *beyond), walk.id, upward)
    last = await connection.scalar(window.limit(1).offset(WINDOW - 1))
    within = [] if last is None else [walk.id <= last if upward else walk.id >= last]
    query = select(walk.id).where(of, *beyond, *within)
    if walk.id.table is not emails:
        query = query.join(emails, and_(emails.c.org_id == org_id, emails.c.id == walk.id))
    return set(await connection.scalars(query.where(*walk.rest)))


async def _addressed(
    connection: AsyncConnection,
    org_id: str,
    wanted: Filter,
    domain_id: str | None,
    bounds: _Bounds,
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
            *bounds.of(id),
            *_cursors(id, stretch),
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
        checks.append(exists().where(*tagged))
    if checks:
        query = query.join(emails, and_(emails.c.org_id == org_id, emails.c.id == id)).where(*checks)
    ids = list(await connection.scalars(query))
    return set(ids) if len(ids) <= WINDOW else set()


async def _total(
    connection: AsyncConnection,
    org_id: str,
    wanted: Filter,
    walk: _Walk,
    beyond: Sequence[ColumnElement[bool]],
) -> int:
    total = 0
    for of in walk.ranges:
        some = select(literal(1)).select_from(walk.id.table).where(of, *beyond).limit(COUNTED)
        total += (await connection.execute(select(func.count()).select_from(some.subquery()))).scalar_one()
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


async def _bounds(connection: AsyncConnection, org_id: str, wanted: Filter) -> _Bounds | None:
    """What keeps an index of ids near `since` and `until`; None if nothing is there."""
    at = emails.c.created_at
    mine = select(emails.c.id).where(emails.c.org_id == org_id)
    least = most = None
    if wanted.since is not None:
        least = await connection.scalar(mine.where(at >= wanted.since).order_by(at).limit(1))
        if least is None:
            return None
    if wanted.until is not None:
        most = await connection.scalar(mine.where(at < wanted.until).order_by(at.desc()).limit(1))
        if most is None:
            return None
    return _Bounds(least, most)


def _moved(id: str, ms: int) -> str:
    """The id made so much later."""
    return f"{max(0, int(id, 16) + (ms << 48)):024x}"


def _times(wanted: Filter) -> list[ColumnElement[bool]]:
    found = []
    if wanted.since is not None:
        found.append(emails.c.created_at >= wanted.since)
    if wanted.until is not None:
        found.append(emails.c.created_at < wanted.until)
    return found


def _cursors(id: ColumnElement[str], stretch: Stretch) -> list[ColumnElement[bool]]:
    found = []
    if stretch.after is not None:
        found.append(id < stretch.after)
    if stretch.before is not None:
        found.append(id > stretch.before)
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


def _ordered(query: Select[Any], id: ColumnElement[str], upward: bool) -> Select[Any]:
    return query.order_by(id.asc() if upward else id.desc())
