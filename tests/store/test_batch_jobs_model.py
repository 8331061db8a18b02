"""Model test of batch jobs (C-26, C-68, F-1): the store equals a list of jobs that were taken whole or not at
all."""

from dataclasses import dataclass
from typing import TypeAlias

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from zidimail.v1 import batch_job_service_pb2 as pb

from server.db.listing import PageRequest
from server.db.reach import Reach
from server.emails import jobs, listing
from server.emails.criteria import Filter
from server.emails.jobs import JobRow, JobStatus
from server.ids import new_id
from server.wire.caller import KeyCaller
from tests.store.accepting import DOMAIN, Accepting, send_request
from tests.store.machines import Store, StoreMachine, explore, with_time_to_shorten

EVERYTHING = PageRequest(limit=100)
DAILY_LIMIT = 40
ADDRESSES = {
    "wanted": ["ada@example.net"],
    "suppressed": ["gone@example.net"],
    "partly suppressed": ["ada@example.net", "gone@example.net"],
    "invalid": ["nobody"],
}
# Most emails are right, so that most jobs are taken.
KINDS = st.sampled_from([*(("wanted", "suppressed", "partly suppressed") * 4), "invalid"])
Emails: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class Job:
    """A job that was taken: the kinds of its emails."""

    emails: Emails
    test: bool

    @property
    def sent(self) -> int:
        return sum(kind != "suppressed" for kind in self.emails)

    @property
    def failed(self) -> int:
        return len(self.emails) - self.sent

    @property
    def status(self) -> JobStatus:
        return "completed" if self.sent else "failed"


class Jobs(StoreMachine):
    """An organisation that creates jobs with live and with test keys until its quota is gone."""

    @initialize()
    def begin(self) -> None:
        self.accepting = Accepting(self.store.database, self.store.writer)
        org_id = new_id()
        self.callers = {test: KeyCaller(org_id, new_id(), "full", test=test) for test in (False, True)}
        # An address of a domain belongs to one organisation.
        self.domain = f"{org_id}.{DOMAIN}"
        self.jobs: dict[str, Job] = {}
        self.answers: dict[tuple[str, bool], tuple[Emails, str]] = {}
        self.used = 0

        async def add() -> None:
            live = self.callers[False]
            await self.accepting.add_organisation(
                live, plan="enterprise", profile="level", daily_limit=DAILY_LIMIT
            )
            await self.accepting.verify(live, self.domain)
            await self.accepting.suppress("gone@example.net", org_id=org_id)

        self.run(add)

    @rule(
        emails=st.lists(KINDS, min_size=1, max_size=12).map(tuple),
        key=st.sampled_from((None, None, "a", "b")),
        test=st.booleans(),
    )
    def create(self, emails: Emails, key: str | None, test: bool) -> None:
        requests = [send_request(to=ADDRESSES[kind], **{"from": f"a@{self.domain}"}) for kind in emails]
        answer = self.run(self.accepting.create_job, *requests, key=key, caller=self.callers[test])
        job = Job(emails, test)
        earlier = None if key is None else self.answers.get((key, test))
        if earlier is not None and earlier[0] == emails:
            assert isinstance(answer, pb.CreateBatchJobResponse)
            assert (answer.replayed, answer.job.id) == (True, earlier[1])
            return
        fits = test or self.used + job.sent <= DAILY_LIMIT
        if earlier is not None or "invalid" in emails or not fits:
            assert not isinstance(answer, pb.CreateBatchJobResponse)
            return
        assert isinstance(answer, pb.CreateBatchJobResponse), answer
        assert not answer.replayed
        self.jobs[answer.job.id] = job
        self.used += 0 if test else job.sent
        if key is not None:
            self.answers[key, test] = (emails, answer.job.id)

    @rule(
        statuses=st.sets(st.sampled_from(("pending", "processing", "completed", "failed"))),
        test=st.booleans(),
    )
    def read(self, statuses: set[str], test: bool) -> None:
        criteria = jobs.Filter(sorted(statuses), Reach(test_only=test))
        page = self.run(self.accepting.database.read, jobs.page, self.org_id, criteria, EVERYTHING)
        expected = sorted(
            (
                id
                for id, job in self.jobs.items()
                if (not statuses or job.status in statuses) and (job.test or not test)
            ),
            reverse=True,
        )
        assert [row.id for row in page.rows] == expected
        assert page.total == len(expected)

    @invariant()
    def every_job_has_ended_with_its_counts_and_all_its_emails(self) -> None:
        stored = {job.id: job for job in self._stored()}
        assert stored.keys() == self.jobs.keys()
        for id, job in self.jobs.items():
            row = stored[id]
            assert (row.status, row.total_count, row.sent_count, row.failed_count, row.test) == (
                *(job.status, len(job.emails), job.sent, job.failed, job.test),
            )
            assert row.completed_at is not None
            found = self._emails(Filter(job_id=id))
            assert sorted(email.status == "suppressed" for email in found) == sorted(
                kind == "suppressed" for kind in job.emails
            )

    @invariant()
    def nothing_is_left_of_jobs_that_were_refused(self) -> None:
        assert len(self._emails(Filter())) == sum(len(job.emails) for job in self.jobs.values())

    @property
    def org_id(self) -> str:
        return self.callers[False].org_id

    def _stored(self) -> list[JobRow]:
        page = self.run(self.accepting.database.read, jobs.page, self.org_id, jobs.Filter(), EVERYTHING)
        return list(page.rows)

    def _emails(self, wanted: Filter) -> list[listing.EmailRow]:
        request = PageRequest(limit=1_000)
        page = self.run(self.accepting.database.read, listing.page, self.org_id, wanted, request)
        return list(page.rows)


@with_time_to_shorten
def test_every_job_is_taken_whole_or_not_at_all_and_its_counts_are_exact(store: Store) -> None:
    explore(Jobs, examples=8, steps=15, store=store)
