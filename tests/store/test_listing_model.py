"""Model test of lists of emails (contract rows Z-27, C-57, F-6): every page equals one of a full scan."""

from dataclasses import replace
from typing import get_args

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from server.db.listing import PageRequest
from server.emails.criteria import Filter, JobType
from server.ids import new_id
from tests.harness.clock import START_MS
from tests.store.machines import Store, StoreMachine, explore, with_time_to_shorten
from tests.store.shelf import Mail, Shelf

SPAN_MS = 20_000
JOB_IDS = (new_id(), new_id())
# An email is of a job or has a time, or neither.
HANDED_IN = st.sampled_from([{"job_id": JOB_IDS[0]}, {"job_id": JOB_IDS[1]}, {"is_scheduled": True}, {}])
STATUSES = ("queued", "delivered", "bounced", "complained")
MAILS = st.builds(
    lambda handed_in, **fields: Mail(**handed_in, **fields),
    handed_in=HANDED_IN,
    subject=st.sampled_from(("Hello", "Your receipt")),
    to=st.sampled_from((("ada@receiver.test",), ("bob@receiver.test",))),
    cc=st.sampled_from(((), (), ("Ada <cc@receiver.test>",))),
    status=st.sampled_from(STATUSES),
    at=st.integers(START_MS, START_MS + SPAN_MS),
    id_later_by=st.sampled_from((0, 0, -4_999, 4_999)),
    tags=st.lists(st.sampled_from((("alpha", "1"), ("beta", "1"), ("beta", "2"))), max_size=2, unique=True),
)
TIMES = st.none() | st.integers(START_MS, START_MS + SPAN_MS)
PLACES = st.integers(0, 10**6)


class Lists(StoreMachine):
    """An organisation with more and more emails, whose lists are read."""

    @initialize(mails=st.lists(MAILS, min_size=1, max_size=12))
    def begin(self, mails: list[Mail]) -> None:
        self.shelf = Shelf(self.store.database, self.store.writer, new_id())
        self.of_other_domain = set[str]()
        self.run(self.shelf.open)
        self.run(self.shelf.put, *mails)

    @rule(mails=st.lists(MAILS, min_size=1, max_size=12))
    def accept(self, mails: list[Mail]) -> None:
        self.run(self.shelf.put, *mails)

    @rule(mail=MAILS)
    def accept_of_other_domain(self, mail: Mail) -> None:
        sender = f"shop@{self.shelf.other_domain}"
        self.of_other_domain.update(self.run(self.shelf.put, replace(mail, sender=sender)))

    @rule(
        search=st.sampled_from((None, None, "hello", "receipt", "nothing")),
        to=st.sampled_from((None, None, "ada", "receiver", "CC@", "nobody")),
        sender=st.sampled_from((None, None, None, "shop@", "other.", "nobody")),
        subject=st.sampled_from((None, None, None, "HELLO", "r r", "ada")),
        statuses=st.lists(st.sampled_from(STATUSES), unique=True),
        tag=st.sampled_from((None, None, "alpha", "beta", "beta:1")),
        of_domain=st.booleans(),
        job_type=st.sampled_from((None, None, *get_args(JobType))),
        job_id=st.sampled_from((None, None, None, *JOB_IDS)),
        since=TIMES,
        until=TIMES,
        limit=st.integers(1, 12),
        offset=st.sampled_from((0, 0, 5)),
        place=PLACES,
    )
    def read(
        self,
        search: str | None,
        to: str | None,
        sender: str | None,
        subject: str | None,
        statuses: list[str],
        tag: str | None,
        of_domain: bool,
        job_type: JobType | None,
        job_id: str | None,
        since: int | None,
        until: int | None,
        limit: int,
        offset: int,
        place: int,
    ) -> None:
        domain = self.shelf.domain if of_domain else None
        wanted = Filter(
            search=search,
            to=to,
            sender=sender,
            subject=subject,
            statuses=statuses,
            tag=tag,
            domain=domain,
            since=since,
            until=until,
            job_type=job_type,
            job_id=job_id,
        )
        matching = sorted((id for id in self.shelf.mails if self.matches(id, wanted)), reverse=True)
        cursor = sorted(self.shelf.mails)[place % len(self.shelf.mails)]

        page = self.run(self.shelf.find, wanted, PageRequest(limit, offset))
        assert [row.id for row in page.rows] == matching[offset : offset + limit]
        assert (page.has_more, page.total) == (len(matching) > offset + limit, len(matching))

        older = [id for id in matching if id < cursor]
        page = self.run(self.shelf.find, wanted, PageRequest(limit, after=cursor))
        assert [row.id for row in page.rows] == older[:limit]
        assert page.has_more == (len(older) > limit)

        newer = [id for id in matching if id > cursor]
        page = self.run(self.shelf.find, wanted, PageRequest(limit, before=cursor))
        assert [row.id for row in page.rows] == newer[-limit:]
        assert page.has_more == (len(newer) > limit)

    def matches(self, id: str, wanted: Filter) -> bool:
        mail = self.shelf.mails[id]
        tags = {text for name, value in mail.tags for text in (name, f"{name}:{value}")}
        from_other = id in self.of_other_domain
        sender = f"shop@{self.shelf.other_domain if from_other else self.shelf.domain}"
        return (
            (wanted.search is None or wanted.search in mail.subject.lower())
            and (wanted.to is None or wanted.to.lower() in " ".join((*mail.to, *mail.cc)).lower())
            and (wanted.sender is None or wanted.sender in sender)
            and (wanted.subject is None or wanted.subject.lower() in mail.subject.lower())
            and (not wanted.statuses or mail.status in wanted.statuses)
            and (wanted.tag is None or wanted.tag in tags)
            and (wanted.domain is None or not from_other)
            and (wanted.job_id is None or mail.job_id == wanted.job_id)
            and (wanted.job_type is None or type_of(mail) == wanted.job_type)
            and (wanted.since is None or mail.at >= wanted.since)
            and (wanted.until is None or mail.at < wanted.until)
        )


def type_of(mail: Mail) -> JobType:
    if mail.job_id is not None:
        return "batch"
    return "scheduled" if mail.is_scheduled else "direct"


@with_time_to_shorten
def test_every_filter_and_page_equals_a_full_scan(store: Store) -> None:
    explore(Lists, examples=10, steps=20, store=store)
