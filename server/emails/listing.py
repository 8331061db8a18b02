"""Lists of an organisation's emails, newest first (contract rows Z-27, F-6), at the same cost however long.

One criterion is answered by an index. A criterion that no index answers (a text, a second criterion) is
checked at the newest emails that the index finds, at most `WINDOW` of them; cursors, `since` and `until` move
that window. Only recipients whose address begins with the text are found wherever they are, unless they are
more than `WINDOW`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, and_, exists, or_, select

from server.db.keys import in_keys
from server.db.listing import MAX_COUNTED, Page, PageRequest, Query, count, ids_in_ranges
from server.db.tables.domains import domains
from server.db.tables.emails import email_tags, emails
from server.db.tx import Tx
from server.emails.store import EMAIL_COLUMNS, EmailRow
from server.ids import least_id_of
from server.stats.store import count_emails, emails_addressed

# The most emails that are checked for a criterion which no index answers.
WINDOW = 10_000
# An id is made up to this time before or after the time that is stored with its email, in milliseconds.
_SLACK_MS = 5_000
# The punctuation of JSON lists of addresses.
_PUNCTUATION = frozenset("[], ")


# The ways to hand an email in: at once, with a time, or by a batch job (V-7).
JobType: TypeAlias = Literal["direct", "scheduled", "batch"]


@dataclass(frozen=True, slots=True)
class Filter:
    """Criteria for emails of an organisation; None or empty for no criterion.

    Times are milliseconds since 1970 UTC: accepted at `since` or later, before `until`.
    """

    search: str | None = None
    statuses: Sequence[str] = ()
    tag: str | None = None
    domain: str | None = None
    since: int | None = None
    until: int | None = None
    job_type: JobType | None = None
    job_id: str | None = None
    # A test key sees test mail only (C-87).
    test_only: bool = False

    @property
    def is_by_status_only(self) -> bool:
        """True if there is no other criterion than the status."""
        return (
            not (self.search or self.tag or self.domain or self.job_type or self.job_id or self.test_only)
            and self.since is None
            and self.until is None
        )


class _Scan(NamedTuple):
    """Ranges of one index, each ordered by `id`, and the checks that remain for each email."""

    id: ColumnElement[str]
    ranges: list[ColumnElement[bool]]
    checks: list[ColumnElement[bool]]


def page(
    tx: Tx,
    org_id: str,
    criteria: Filter,
    request: PageRequest,
    *,
    window: int = WINDOW,
    max_counted: int = MAX_COUNTED,
) -> Page[EmailRow]:
    """A page of the emails that match.

    `total` is exact up to `max_counted`. Beyond that it comes from the statistics if there is no other
    criterion than the status, else it is `max_counted`. With a criterion that no index answers, it is the
    number of matches in the window.
    """
    domain_id = None if criteria.domain is None else _domain_id(tx, org_id, criteria.domain)
    if criteria.domain is not None and domain_id is None:
        return Page([], has_more=False, total=0)
    scan = _scan(tx, org_id, criteria, domain_id)
    near = _near(scan.id, criteria)
    if scan.checks:
        found = _checked(tx, org_id, scan, near, request, window)
        if criteria.search:
            found |= _addressed(tx, org_id, criteria, domain_id, request, window)
        ids = sorted(found, reverse=not request.is_upward)
        total = len(ids)
        ids = ids[request.offset : request.offset + request.limit + 1]
    else:
        ranges: list[Query] = [select(scan.id).where(condition, *near) for condition in scan.ranges]
        bounded = [query.where(*request.bounds(scan.id)) for query in ranges]
        ids = ids_in_ranges(tx, bounded, scan.id, request)
        total = _total(tx, org_id, criteria, ranges, max_counted)
    shown = sorted(ids[: request.limit], reverse=True)
    return Page(_emails(tx, org_id, shown), len(ids) > request.limit, total)


def _scan(tx: Tx, org_id: str, criteria: Filter, domain_id: str | None) -> _Scan:
    """The scan of the narrowest index."""
    own = and_(emails.c.org_id == org_id, *_times(criteria))
    checks = [] if criteria.search is None else [_contains(tx, criteria.search)]
    if criteria.job_id is not None:
        if criteria.tag is not None:
            checks.append(_is_tagged(org_id, emails.c.id, criteria.tag))
        checks += _checks(criteria, domain_id)
        return _Scan(emails.c.id, [and_(own, emails.c.job_id == criteria.job_id)], checks)
    if criteria.tag is not None:
        id = email_tags.c.email_id
        tagged = (email_tags.c.org_id == org_id, email_tags.c.tag == criteria.tag)
        checks += _checks(criteria, domain_id)
        return _Scan(id, [and_(*tagged, *_of_time(org_id, id, criteria))], checks)
    has_own_index = criteria.job_type in ("scheduled", "batch")
    if criteria.job_type is not None and has_own_index:
        own = and_(own, _is_of_type(criteria.job_type))
    of_status = [and_(own, emails.c.status == status) for status in dict.fromkeys(criteria.statuses)]
    beside_type = replace(criteria, job_type=None) if has_own_index else criteria
    beside_status = [*checks, *_checks(replace(beside_type, statuses=()), domain_id)]
    if of_status and not beside_status and criteria.job_type != "batch":
        return _Scan(emails.c.id, of_status, [])
    if has_own_index:
        return _Scan(emails.c.id, [own], [*checks, *_checks(beside_type, domain_id)])
    if len(of_status) == 1:
        return _Scan(emails.c.id, of_status, beside_status)
    checks += _checks(criteria, None)
    if domain_id is not None:
        own = and_(own, emails.c.domain_id == domain_id)
    return _Scan(emails.c.id, [own], checks)


def _checks(criteria: Filter, domain_id: str | None) -> list[ColumnElement[bool]]:
    """The criteria that the row of an email answers, but for its time and its job."""
    checks: list[ColumnElement[bool]] = [emails.c.test] if criteria.test_only else []
    if criteria.statuses:
        checks.append(emails.c.status.in_(criteria.statuses))
    if domain_id is not None:
        checks.append(emails.c.domain_id == domain_id)
    if criteria.job_type is not None:
        checks.append(_is_of_type(criteria.job_type))
    return checks


def _is_of_type(job_type: JobType) -> ColumnElement[bool]:
    if job_type == "scheduled":
        return emails.c.scheduled_at.is_not(None)
    if job_type == "batch":
        return emails.c.job_id.is_not(None)
    return and_(emails.c.scheduled_at.is_(None), emails.c.job_id.is_(None))


def _is_tagged(org_id: str, id: ColumnElement[str], tag: str) -> ColumnElement[bool]:
    tags = email_tags.c
    return exists().where(tags.org_id == org_id, tags.email_id == id, tags.tag == tag)


def _checked(
    tx: Tx,
    org_id: str,
    scan: _Scan,
    near: Sequence[ColumnElement[bool]],
    request: PageRequest,
    window: int,
) -> set[str]:
    """The ids of the emails in the window that pass every check."""
    [condition] = scan.ranges
    query: Query = select(scan.id).where(condition, *near, *request.bounds(scan.id))
    last = tx.scalar(str, request.ordered(query, scan.id).limit(1).offset(window - 1))
    if last is not None:
        query = query.where(scan.id <= last if request.is_upward else scan.id >= last)
    if scan.id is emails.c.id:
        query = query.where(*scan.checks)
    else:
        query = query.where(_email_passes(org_id, scan.id, scan.checks))
    return set(tx.scalars(str, query))


def _addressed(
    tx: Tx, org_id: str, criteria: Filter, domain_id: str | None, request: PageRequest, window: int
) -> set[str]:
    """The ids of emails with a recipient whose address begins with the text; none if they are too many."""
    query = emails_addressed(org_id, criteria.search or "")
    id: ColumnElement[str] = query.selected_columns.email_id
    query = query.where(*_near(id, criteria), *request.bounds(id)).limit(window + 1)
    checks = [*_times(criteria), *_checks(criteria, domain_id)]
    if criteria.job_id is not None:
        checks.append(emails.c.job_id == criteria.job_id)
    if criteria.tag is not None:
        query = query.where(_is_tagged(org_id, id, criteria.tag))
    if checks:
        query = query.where(_email_passes(org_id, id, checks))
    ids = tx.scalars(str, query)
    return set(ids) if len(ids) <= window else set()


def _total(tx: Tx, org_id: str, criteria: Filter, ranges: Sequence[Query], max_counted: int) -> int:
    total = count(tx, ranges, max_counted)
    if total < max_counted or not criteria.is_by_status_only:
        return total
    return max(total, count_emails(tx, org_id, criteria.statuses))


def _emails(tx: Tx, org_id: str, ids: Sequence[str]) -> list[EmailRow]:
    if not ids:
        return []
    keys = in_keys(tx, (emails.c.org_id, emails.c.id), [(org_id, id) for id in ids])
    return tx.all(EmailRow, select(*EMAIL_COLUMNS).where(keys).order_by(emails.c.id.desc()))


def _domain_id(tx: Tx, org_id: str, domain: str) -> str | None:
    query = select(domains.c.id).where(domains.c.org_id == org_id, domains.c.domain == domain)
    return tx.scalar(str, query)


def _email_passes(
    org_id: str, id: ColumnElement[str], checks: Sequence[ColumnElement[bool]]
) -> ColumnElement[bool]:
    """The condition that the email with this id passes: looked up for each id.

    SQLite might begin a join at the emails.
    """
    return exists().where(emails.c.org_id == org_id, emails.c.id == id, *checks)


def _near(id: ColumnElement[str], criteria: Filter) -> list[ColumnElement[bool]]:
    """The conditions that keep an index of ids near `since` and `until`."""
    near = []
    if criteria.since is not None:
        near.append(id >= least_id_of(criteria.since - _SLACK_MS))
    if criteria.until is not None:
        near.append(id < least_id_of(criteria.until + _SLACK_MS))
    return near


def _of_time(org_id: str, id: ColumnElement[str], criteria: Filter) -> list[ColumnElement[bool]]:
    """The condition that the email with this id matches `since` and `until`, if they are given.

    The email is looked up only if its id does not decide.
    """
    sure = []
    if criteria.since is not None:
        sure.append(id >= least_id_of(criteria.since + _SLACK_MS))
    if criteria.until is not None:
        sure.append(id < least_id_of(criteria.until - _SLACK_MS))
    return [or_(and_(*sure), _email_passes(org_id, id, _times(criteria)))] if sure else []


def _times(criteria: Filter) -> list[ColumnElement[bool]]:
    times = []
    if criteria.since is not None:
        times.append(emails.c.created_at >= criteria.since)
    if criteria.until is not None:
        times.append(emails.c.created_at < criteria.until)
    return times


def _contains(tx: Tx, text: str) -> ColumnElement[bool]:
    """The condition that the subject, the sender or a recipient contains the text, ignoring case."""
    columns = [(emails.c.subject, text), (emails.c.sender, text)]
    if not _PUNCTUATION.issuperset(text):
        # As it is written inside a JSON string.
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        columns += [(column, quoted) for column in (emails.c.to, emails.c.cc, emails.c.bcc)]
    # LIKE ignores the case of ASCII on SQLite, where `lower` would make a copy of each text.
    return or_(
        *(
            column.contains(needle, autoescape=True)
            if tx.is_sqlite
            else column.icontains(needle, autoescape=True)
            for column, needle in columns
        )
    )
