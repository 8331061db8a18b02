"""Batch jobs: emails that were accepted together, and their counts (contract rows S-11 to S-13, C-26).

A job is stored by the transaction that accepts its emails, and ends there: a crash leaves either the job with
all its emails and final counts, or neither. Its counts never change: what becomes of an email after its
acceptance is the email's own state.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, and_, exists, not_, select

from server.db.listing import Page, PageRequest, newest_first, newest_in_ranges, newest_passing
from server.db.reach import ALL, Reach
from server.db.statements import BulkInsert
from server.db.tables.emails import batch_jobs, emails
from server.db.tx import Tx

# A job that is "pending" or "processing" is never stored.
JobStatus: TypeAlias = Literal["pending", "processing", "completed", "failed"]


class NewJob(NamedTuple):
    """A job to store; `created_at` in milliseconds since 1970 UTC."""

    id: str
    created_at: int


class JobRow(NamedTuple):
    """A job; times are milliseconds since 1970 UTC."""

    id: str
    status: JobStatus
    total_count: int
    sent_count: int
    failed_count: int
    created_at: int
    completed_at: int | None
    test: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """Criteria for jobs of an organisation; empty for no criterion.

    A caller sees the jobs of which every email is within reach.
    """

    statuses: Sequence[str] = ()
    reach: Reach = ALL


_COLUMNS = tuple(batch_jobs.c[name] for name in JobRow._fields)
_INSERT = BulkInsert(batch_jobs)


def ended(job: NewJob, sent: Sequence[bool], *, test: bool) -> JobRow:
    """The job after all its emails were decided about: `sent` says of each if anything of it is delivered.

    It has failed only if every email has (C-26).
    """
    sent_count = sum(sent)
    return JobRow(
        id=job.id,
        status="completed" if sent_count else "failed",
        total_count=len(sent),
        sent_count=sent_count,
        failed_count=len(sent) - sent_count,
        created_at=job.created_at,
        completed_at=job.created_at,
        test=test,
    )


def insert(tx: Tx, jobs: Sequence[tuple[str, JobRow]]) -> None:
    """Stores jobs, each with its organisation."""
    _INSERT.rows(tx, [{"org_id": org_id, **job._asdict()} for org_id, job in jobs])


def get(tx: Tx, org_id: str, job_id: str, criteria: Filter) -> JobRow | None:
    """One job that matches the criteria; None if there is no such job."""
    query = select(*_COLUMNS).where(batch_jobs.c.org_id == org_id, batch_jobs.c.id == job_id)
    return tx.first(JobRow, query.where(*_checks(org_id, criteria)))


def page(tx: Tx, org_id: str, criteria: Filter, request: PageRequest) -> Page[JobRow]:
    """A page of the jobs that match, newest first."""
    query = select(*_COLUMNS).where(batch_jobs.c.org_id == org_id)
    id = batch_jobs.c.id
    statuses = dict.fromkeys(criteria.statuses)
    if checks := _checks(org_id, criteria):
        if statuses:
            checks.append(batch_jobs.c.status.in_(list(statuses)))
        return newest_passing(tx, JobRow, query, id, and_(*checks), request)
    if statuses:
        ranges = [batch_jobs.c.status == status for status in statuses]
        return newest_in_ranges(tx, JobRow, query, id, ranges, request)
    return newest_first(tx, JobRow, query, id, request)


def _checks(org_id: str, criteria: Filter) -> list[ColumnElement[bool]]:
    """The conditions that a job meets which the caller may see."""
    reach = criteria.reach
    checks: list[ColumnElement[bool]] = [batch_jobs.c.test] if reach.test_only else []
    if reach.domains or reach.sent_by is not None:
        of_job = (emails.c.org_id == org_id, emails.c.job_id == batch_jobs.c.id)
        checks.append(not_(exists().where(*of_job, not_(and_(*reach.conditions(org_id))))))
    return checks
