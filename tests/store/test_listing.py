"""Lists of emails on both engines (contract rows Z-27, F-6): criteria, their indexes and bounds."""

import itertools
from dataclasses import replace

import pytest
from sqlalchemy import insert

from server.db.database import Database
from server.db.listing import Page, PageRequest
from server.db.tables.stats import addressees, daily_counts
from server.db.tx import Tx
from server.db.writer import Writer, running_writer
from server.emails import listing
from server.emails.criteria import Filter
from tests.delivery.queued import add_org, domain_of
from tests.harness.clock import START_MS
from tests.harness.sqlite_plans import plans_of
from tests.store.shelf import EVERYTHING, Mail, Shelf

# Their domains hold the ids, so these have no letter that a text would be found in.
ORG, OTHER = f"{1:024x}", f"{2:024x}"
DOMAIN = domain_of(ORG)
NOWHERE = Mail(subject="none", sender=f"none@{DOMAIN}", to=["none@nowhere.test", "b@nowhere.test"])


@pytest.fixture
async def shelf(database: Database, writer: Writer) -> Shelf:
    shelf = Shelf(database, writer, ORG)
    await shelf.open()
    return shelf


async def test_only_the_organisations_own_emails_are_listed(shelf: Shelf) -> None:
    mail = Mail(tags=[("kind", "a")])
    [mine] = await shelf.put(mail)
    other = Shelf(shelf.database, shelf.writer, OTHER)
    await other.open()
    await other.put(mail)
    for wanted in (
        Filter(),
        Filter(search="ada"),
        Filter(tag="kind"),
        Filter(statuses=["queued"]),
        Filter(statuses=["queued", "bounced"]),
        Filter(domain=DOMAIN),
        Filter(since=START_MS),
        Filter(until=START_MS + 1),
    ):
        found = await shelf.find(wanted)
        assert ([row.id for row in found.rows], found.total) == ([mine], 1), wanted


@pytest.mark.parametrize(
    ("text", "mail"),
    [
        ("receipt", replace(NOWHERE, subject="Your RECEIPT of today")),
        ("RECEIPT", replace(NOWHERE, subject="receipt")),
        ("shop", replace(NOWHERE, sender=f"shop@{DOMAIN}")),
        ("ada", replace(NOWHERE, to=["Ada <x@receiver.test>"])),
        ("@receiver.test", replace(NOWHERE, to=["eve@RECEIVER.test"])),
        ("carbon", replace(NOWHERE, cc=["carbon@receiver.test"])),
        ("blind", replace(NOWHERE, bcc=["blind@receiver.test"])),
        ('"ada"', replace(NOWHERE, to=['"Ada" <x@receiver.test>'])),
        ("größe", replace(NOWHERE, subject="große größe")),
        ("100%", replace(NOWHERE, subject="100% off")),
        ("a_b", replace(NOWHERE, to=["a_b@receiver.test"])),
        ("a/b", replace(NOWHERE, subject="a/b")),
        ("a\\b", replace(NOWHERE, subject="a\\b")),
        ("[", replace(NOWHERE, subject="[list] hello")),
        (", ", replace(NOWHERE, subject="yes, no")),
    ],
)
async def test_a_search_finds_text_in_subject_sender_and_recipients(
    shelf: Shelf, text: str, mail: Mail
) -> None:
    [found, _] = await shelf.put(mail, replace(NOWHERE, subject="1000 axb"))
    assert await shelf.ids(Filter(search=text)) == [found]


async def test_a_tag_is_found_by_its_name_or_with_its_value(shelf: Shelf) -> None:
    a, b, _ = await shelf.put(
        Mail(tags=[("kind", "invoice"), ("year", "2027")]), Mail(tags=[("kind", "reminder")]), Mail()
    )
    assert await shelf.ids(Filter(tag="kind")) == [b, a]
    assert await shelf.ids(Filter(tag="kind:invoice")) == [a]
    assert await shelf.ids(Filter(tag="kind:")) == []
    assert await shelf.ids(Filter(tag="kind", search="Your receipt", statuses=["queued"])) == [b, a]


async def test_time_range_includes_ids_made_a_few_seconds_apart(shelf: Shelf) -> None:
    """An email's id is made some seconds before or after the time it is stored with."""
    made = [START_MS + apart for apart in (-4_000, 0, 1, 5, 3_000, 60_000)]
    times = [START_MS + apart for apart in (0, -3, 2, 2, -1_000, 64_000)]
    ids = await shelf.put(
        *(
            Mail(at=at, id_later_by=id_at - at, tags=[("kind", "a")])
            for id_at, at in zip(made, times, strict=True)
        )
    )
    for since, until in itertools.product([None, *times, START_MS + 90_000], repeat=2):
        expected = [
            id
            for id, at in zip(ids, times, strict=True)
            if (since is None or at >= since) and (until is None or at < until)
        ]
        for tag in (None, "kind"):
            found = await shelf.find(Filter(since=since, until=until, tag=tag))
            assert ([row.id for row in found.rows], found.total) == (expected[::-1], len(expected))


async def steps_on(url: str, wanted: Filter, *tables: str) -> list[str]:
    """The steps on these tables with which SQLite finds the emails of a list."""
    async with running_writer(url) as writer:
        await writer.run(add_org, ORG)
    steps = plans_of(url, listing.page, ORG, wanted, EVERYTHING)
    return [step for step in steps if set(step.split()).intersection(tables)]


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(since=START_MS),
        Filter(until=START_MS),
        Filter(since=START_MS, until=START_MS + 1),
        Filter(since=START_MS, statuses=["queued"]),
        Filter(until=START_MS, statuses=["queued", "bounced"]),
        Filter(since=START_MS, domain=DOMAIN),
        Filter(since=START_MS, tag="kind"),
        Filter(until=START_MS, search="ada"),
    ],
    ids=str,
)
async def test_time_range_is_searched_by_id_range(sqlite_url: str, wanted: Filter) -> None:
    """B6: no email of another time is looked at, whichever index is walked."""
    steps = await steps_on(sqlite_url, wanted, "emails", "email_tags", "addressees")
    by_id = ("AND id>", "AND id<", "AND id=?)", "AND email_id>", "AND email_id<", "AND address<?)")
    assert steps
    assert all(any(bound in step for bound in by_id) for step in steps), steps


@pytest.mark.parametrize("wanted", [Filter(tag="kind", domain=DOMAIN), Filter(tag="kind", since=START_MS)])
async def test_second_criterion_is_checked_on_tagged_emails_only(sqlite_url: str, wanted: Filter) -> None:
    """B6: a rare tag is found without a walk over all emails."""
    steps = await steps_on(sqlite_url, wanted, "emails")
    assert steps
    assert all("(org_id=? AND id=?)" in step for step in steps), steps


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Filter(job_type="scheduled"), "ix_emails_of_scheduled (org_id=?"),
        (Filter(job_type="scheduled", search="ada"), "ix_emails_of_scheduled (org_id=?"),
        (Filter(job_type="scheduled", statuses=["delivered", "bounced"]), "ix_emails_of_scheduled_status"),
        (Filter(job_type="batch"), "ix_emails_of_job"),
        (Filter(job_type="batch", statuses=["queued"]), "ix_emails_of_job"),
        (Filter(job_id=ORG), "ix_emails_of_job (org_id=? AND job_id=?"),
        (Filter(job_id=ORG, statuses=["queued"], tag="kind"), "ix_emails_of_job (org_id=? AND job_id=?"),
    ],
    ids=str,
)
async def test_scheduled_emails_and_those_of_jobs_are_found_by_their_own_index(
    sqlite_url: str, wanted: Filter, index: str
) -> None:
    """B6: no other email is looked at."""
    steps = await steps_on(sqlite_url, wanted, "emails")
    assert all("(org_id=? AND id=?)" in step for step in steps if index not in step), steps
    assert any(index in step for step in steps)


async def test_scheduled_emails_of_any_status_are_found_among_more_than_the_window(shelf: Shelf) -> None:
    """S-8: those that were sent, behind others that still wait."""
    [sent, *_] = await shelf.put(
        Mail(is_scheduled=True, status="delivered"), *(Mail(is_scheduled=True) for _ in range(5)), Mail()
    )
    found = await shelf.find(Filter(job_type="scheduled", statuses=["delivered", "bounced"]), window=3)
    assert ([row.id for row in found.rows], found.total) == ([sent], 1)


async def test_an_unknown_domain_has_no_emails(shelf: Shelf) -> None:
    await shelf.put(Mail())
    assert await shelf.find(Filter(domain="unknown.test")) == Page([], has_more=False, total=0)


async def test_text_search_is_bounded_and_a_cursor_continues_it(shelf: Shelf) -> None:
    ids = await shelf.put(*(Mail(subject="Hello" if n in (1, 6) else "none") for n in range(10)))
    found = await shelf.find(Filter(search="hello"), window=5)
    assert ([row.id for row in found.rows], found.total) == ([ids[6]], 1)
    assert await shelf.ids(Filter(search="hello"), PageRequest(10, after=ids[6]), window=5) == [ids[1]]
    assert await shelf.ids(Filter(search="hello"), PageRequest(10, before=ids[0]), window=5) == [ids[1]]


async def test_recipient_of_an_old_email_is_found_by_address_prefix(shelf: Shelf) -> None:
    ids = await shelf.put(
        *(
            Mail(
                to=[f"person-{n}@receiver.test"],
                status="delivered" if n % 2 else "queued",
                tags=[("n", str(n))],
            )
            for n in range(10)
        )
    )
    rows = [
        {"org_id": org_id, "address": f"person-{n}@receiver.test".encode(), "email_id": id}
        for org_id in (ORG, OTHER)
        for n, id in enumerate(ids)
    ]
    await shelf.writer.run(Tx.change, insert(addressees), rows)
    assert await shelf.ids(Filter(search="PERSON-2"), window=3) == [ids[2]]
    assert await shelf.ids(Filter(search="person-2@receiver.test"), window=3) == [ids[2]]
    assert await shelf.ids(Filter(search="person-2", statuses=["queued"]), window=3) == [ids[2]]
    assert await shelf.ids(Filter(search="person-2", statuses=["delivered"]), window=3) == []
    assert await shelf.ids(Filter(search="person-2", tag="n:2"), window=3) == [ids[2]]
    assert await shelf.ids(Filter(search="person-2", tag="n:3"), window=3) == []
    assert await shelf.ids(Filter(search="person-2"), PageRequest(10, after=ids[2]), window=3) == []
    # More than the window: only the newest are checked.
    assert await shelf.ids(Filter(search="person-"), window=3) == ids[:6:-1]
    assert await shelf.ids(Filter(search="erson-2"), window=3) == []


async def test_total_of_many_emails_comes_from_the_statistics(shelf: Shelf) -> None:
    await shelf.put(*(Mail(status="delivered") for _ in range(5)))
    assert (await shelf.find(Filter(), max_counted=3)).total == 3
    rows = [
        {"org_id": ORG, "day": day, "unit": "emails", "name": name, "count": count}
        for day in (1, 2)
        for name, count in (("delivered", 5), ("queued", 2))
    ]
    await shelf.writer.run(Tx.change, insert(daily_counts), rows)
    assert (await shelf.find(Filter(), max_counted=3)).total == 14
    assert (await shelf.find(Filter(statuses=["delivered"]), max_counted=3)).total == 10
    assert (await shelf.find(Filter(domain=DOMAIN), max_counted=3)).total == 3
