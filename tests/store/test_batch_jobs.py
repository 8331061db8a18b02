"""Batch jobs on both engines (contract rows S-11 to S-13, C-26, C-68): whole or not at all, counts exact."""

import asyncio
from typing import Any

import pytest
from zidimail.v1 import batch_job_pb2, batch_job_service_pb2
from zidimail.v1 import email_service_pb2 as pb

from server.db.database import Database
from server.db.listing import PageRequest
from server.db.reach import Reach
from server.db.tables.emails import batch_jobs, emails
from server.db.writer import Writer
from server.emails import jobs, listing
from server.emails.batch import fault_of_strict
from server.emails.criteria import Filter
from server.emails.faults import IdempotencyKeyReused
from server.emails.jobs import JobRow
from server.faults import Fault
from server.ids import new_id
from server.quotas.faults import DailyQuotaExceeded
from server.wire.caller import KeyCaller
from tests.harness.sqlite_plans import plans_of
from tests.store.accepting import CALLER, DOMAIN, Accepting, send_request

COMPLETED, FAILED = batch_job_pb2.BATCH_JOB_STATUS_COMPLETED, batch_job_pb2.BATCH_JOB_STATUS_FAILED
EVERYTHING = PageRequest(limit=100)


@pytest.fixture
async def accepting(database: Database, writer: Writer) -> Accepting:
    accepting = Accepting(database, writer)
    await accepting.add_organisation(CALLER, plan="enterprise", profile="level", daily_limit=100_000)
    await accepting.verify(CALLER, DOMAIN)
    return accepting


def to(*addresses: str, **fields: Any) -> pb.SendEmailRequest:
    return send_request(to=addresses, **fields)


async def job_of(
    accepting: Accepting, *requests: pb.SendEmailRequest, **options: Any
) -> batch_job_pb2.BatchJob:
    """The job of a request that must be accepted."""
    answer = await accepting.create_job(*requests, **options)
    assert isinstance(answer, batch_job_service_pb2.CreateBatchJobResponse), answer
    return answer.job


async def fault_of(accepting: Accepting, *requests: pb.SendEmailRequest, **options: Any) -> Fault:
    """The fault of a request that must be refused."""
    answer = await accepting.create_job(*requests, **options)
    if isinstance(answer, Fault):
        return answer
    assert isinstance(answer, list)
    fault = fault_of_strict(answer)
    assert fault is not None
    return fault


async def stored(accepting: Accepting, job_id: str, **criteria: Any) -> JobRow | None:
    return await accepting.database.read(jobs.get, CALLER.org_id, job_id, jobs.Filter(**criteria))


async def listed(accepting: Accepting, **criteria: Any) -> list[str]:
    page = await accepting.database.read(jobs.page, CALLER.org_id, jobs.Filter(**criteria), EVERYTHING)
    assert page.total == len(page.rows)
    return [row.id for row in page.rows]


async def emails_of(accepting: Accepting, job_id: str) -> list[str]:
    """The statuses of the emails of a job, oldest first."""
    page = await accepting.database.read(listing.page, CALLER.org_id, Filter(job_id=job_id), EVERYTHING)
    return [row.status for row in reversed(page.rows)]


async def test_a_job_ends_with_the_acceptance_of_its_emails(accepting: Accepting) -> None:
    job = await job_of(accepting, to("ada@example.net"), to("bob@example.net"))
    assert (job.status, job.total_count, job.sent_count, job.failed_count) == (COMPLETED, 2, 2, 0)
    assert job.completed_at == job.created_at
    row = await stored(accepting, job.id)
    assert row is not None
    assert (row.status, row.total_count, row.sent_count, row.failed_count) == ("completed", 2, 2, 0)
    assert await emails_of(accepting, job.id) == ["queued", "queued"]
    assert (await accepting.used()).day_count == 2


async def test_an_email_of_suppressed_recipients_counts_as_failed_and_uses_no_quota(
    accepting: Accepting,
) -> None:
    """C-68."""
    await accepting.suppress("gone@example.net")
    job = await job_of(
        accepting,
        to("gone@example.net"),
        to("ada@example.net", "gone@example.net"),
    )
    assert (job.status, job.sent_count, job.failed_count) == (COMPLETED, 1, 1)
    assert await emails_of(accepting, job.id) == ["suppressed", "queued"]
    assert (await accepting.used()).day_count == 1


async def test_a_job_failed_only_if_every_email_failed(accepting: Accepting) -> None:
    """C-26."""
    await accepting.suppress("gone@example.net")
    job = await job_of(accepting, to("gone@example.net"), to("gone@example.net"))
    assert (job.status, job.sent_count, job.failed_count) == (FAILED, 0, 2)
    assert await listed(accepting, statuses=["failed"]) == [job.id]
    assert await listed(accepting, statuses=["completed", "pending"]) == []


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        (to("nobody"), ["emails[1].to[0]"]),
        (to("ada@example.net", **{"from": "a@elsewhere.example"}), ["emails[1]"]),
        (to("ada@example.net", idempotency_key="k"), ["emails[1].idempotency_key"]),
        (to("ada@example.net", scheduled_at={"seconds": 2_000_000_000}), ["emails[1].scheduled_at"]),
    ],
    ids=["recipient", "domain", "key of its own", "time of its own"],
)
async def test_one_wrong_email_refuses_the_job_and_nothing_is_stored(
    accepting: Accepting, wrong: pb.SendEmailRequest, fields: list[str]
) -> None:
    """C-26."""
    fault = await fault_of(accepting, to("ada@example.net"), wrong, to("bob@example.net"), key="again")
    assert fault.metadata["index"] == "1"
    assert [violation.field for violation in fault.violations] in (fields, [])
    assert await accepting.count(batch_jobs) == await accepting.count(emails) == 0
    # The refused call took no key.
    await job_of(accepting, to("ada@example.net"), key="again")


async def test_every_wrong_email_of_a_job_is_named(accepting: Accepting) -> None:
    """C-26."""
    fault = await fault_of(accepting, to("nobody"), to("ada@example.net"), to("x@y.test", subject=""))
    assert [violation.field for violation in fault.violations] == ["emails[0].to[0]", "emails[2].subject"]


async def test_a_job_that_does_not_fit_the_quota_is_refused_whole(accepting: Accepting) -> None:
    """C-13, S-18."""
    await accepting.set_organisation(daily_limit=3)
    await job_of(accepting, to("ada@example.net"), to("bob@example.net"))
    fault = await fault_of(accepting, to("ada@example.net"), to("bob@example.net"))
    assert isinstance(fault, DailyQuotaExceeded)
    assert await accepting.count(batch_jobs) == 1
    assert (await accepting.used()).day_count == 2


async def test_repeated_job_gets_the_first_answer(accepting: Accepting) -> None:
    """F-1: also when the quota is gone meanwhile."""
    first = await accepting.create_job(to("ada@example.net"), key="k")
    await accepting.set_organisation(daily_limit=1)
    again = await accepting.create_job(to("ada@example.net"), key="k")
    assert isinstance(first, batch_job_service_pb2.CreateBatchJobResponse)
    assert isinstance(again, batch_job_service_pb2.CreateBatchJobResponse)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.job == first.job
    assert await accepting.count(batch_jobs) == await accepting.count(emails) == 1
    assert isinstance(await fault_of(accepting, to("bob@example.net"), key="k"), IdempotencyKeyReused)


async def test_two_equal_jobs_at_once_are_one(accepting: Accepting) -> None:
    """F-1."""
    made = await asyncio.gather(*(job_of(accepting, to("ada@example.net"), key="k") for _ in range(5)))
    assert len({job.id for job in made}) == 1
    assert await accepting.count(emails) == 1


async def test_key_of_a_batch_or_of_test_mail_is_another_than_that_of_a_job(accepting: Accepting) -> None:
    """C-52."""
    test = KeyCaller(CALLER.org_id, new_id(), "full", test=True)
    live = await job_of(accepting, to("ada@example.net"), key="k")
    of_test = await job_of(accepting, to("ada@example.net"), key="k", caller=test)
    await accepting.results(to("ada@example.net"), key="k")
    assert await accepting.count(emails) == 3
    assert (live.test, of_test.test) == (False, True)
    assert await listed(accepting) == [of_test.id, live.id]
    assert await listed(accepting, reach=Reach(test_only=True)) == [of_test.id]
    assert await stored(accepting, live.id, reach=Reach(test_only=True)) is None


async def test_key_bound_to_domains_sees_jobs_of_these_domains_only(accepting: Accepting) -> None:
    """C-90."""
    await accepting.verify(CALLER, "other.example.com")
    other = {"from": "a@other.example.com"}
    own = await job_of(accepting, to("ada@example.net"))
    mixed = await job_of(accepting, to("ada@example.net"), to("ada@example.net", **other))
    bounds: dict[str, Any] = {"reach": Reach(domains=frozenset({DOMAIN}))}
    assert await listed(accepting, **bounds) == [own.id]
    assert await listed(accepting, **bounds, statuses=["completed"]) == [own.id]
    assert await stored(accepting, own.id, **bounds) is not None
    assert await stored(accepting, mixed.id, **bounds) is None


async def test_job_of_another_organisation_is_not_found(accepting: Accepting) -> None:
    stranger = KeyCaller(new_id(), new_id(), "full")
    await accepting.add_organisation(stranger)
    job = await job_of(accepting, to("ada@example.net"))
    nothing = jobs.Filter()
    assert await accepting.database.read(jobs.get, stranger.org_id, job.id, nothing) is None
    page = await accepting.database.read(jobs.page, stranger.org_id, nothing, EVERYTHING)
    assert (page.rows, page.total) == ([], 0)


async def test_a_hundred_jobs_in_parallel_have_exact_counts(accepting: Accepting) -> None:
    """A third of each job's 90 emails goes to suppressed recipients."""
    await accepting.suppress("gone@example.net")
    addresses = ("gone@example.net", "ada@example.net", "bob@example.net")
    requests = [to(addresses[number % 3]) for number in range(90)]
    made = await asyncio.gather(*(job_of(accepting, *requests) for _ in range(100)))
    assert len({job.id for job in made}) == 100
    for job in made:
        assert (job.status, job.total_count, job.sent_count, job.failed_count) == (COMPLETED, 90, 60, 30)
        row = await stored(accepting, job.id)
        assert row is not None
        assert (row.total_count, row.sent_count, row.failed_count) == (90, 60, 30)
    for job in made[::20]:
        assert sorted(await emails_of(accepting, job.id)) == ["queued"] * 60 + ["suppressed"] * 30
    assert await accepting.count(emails) == 9_000
    assert (await accepting.used()).day_count == 6_000


@pytest.mark.parametrize(
    "criteria",
    [jobs.Filter(), jobs.Filter(statuses=["failed"]), jobs.Filter(statuses=["failed", "completed"])],
)
async def test_jobs_are_listed_by_an_index(sqlite_url: str, criteria: jobs.Filter) -> None:
    steps = plans_of(sqlite_url, jobs.page, CALLER.org_id, criteria, EVERYTHING)
    used = [step for step in steps if "batch_jobs" in step]
    assert used
    assert all(step.startswith("SEARCH ") for step in used), steps
