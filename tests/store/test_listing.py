"""Lists of emails on both engines (contract rows Z-27, F-6): every filter equals a full scan."""

import itertools
import json
import random
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import insert

from server.db.database import Database
from server.db.listing import Page, PageRequest
from server.db.tables.emails import email_tags, emails
from server.db.tables.stats import addressees, daily_counts
from server.db.tx import Tx
from server.db.writer import Writer, running_writer
from server.emails import listing
from server.emails.listing import Filter
from server.emails.store import EmailRow
from server.ids import least_id_of, new_id
from tests.delivery.queued import DOMAIN, DOMAIN_ID, add_domain, rows_of
from tests.harness.clock import START_MS
from tests.harness.sqlite_plans import plans_of

ORG, OTHER = new_id(), new_id()
OTHER_DOMAIN_ID = new_id()
STATUSES = ("queued", "delivered", "bounced", "complained")
EVERYTHING = PageRequest(limit=100)


@dataclass
class Shelf:
    """Emails in a store, and the same as plain rows."""

    database: Database
    writer: Writer
    rows: list[dict[str, Any]] = field(default_factory=list)

    async def put(self, *many: dict[str, Any], org_id: str = ORG) -> list[str]:
        """Stores emails with these columns; returns their ids, made at the time of each unless given."""
        made: list[dict[str, Any]] = []
        for columns in many:
            row = rows_of(org_id, columns.get("to", ["ada@receiver.test"]))["emails"][0]
            tags = columns.get("tags", [])
            row |= {name: value for name, value in columns.items() if name not in ("to", "tags")}
            if "id" not in columns:
                row["id"] = id_of(row["created_at"], len(self.rows) + len(made))
            row["tags"] = json.dumps(tags)
            made.append(row)
        tagged = [
            {"org_id": org_id, "tag": tag, "email_id": row["id"]}
            for row in made
            for tag in {text for name, value in json.loads(row["tags"]) for text in (name, f"{name}:{value}")}
        ]

        def write(tx: Tx) -> None:
            tx.change(insert(emails), made)
            if tagged:
                tx.change(insert(email_tags), tagged)

        await self.writer.run(write)
        self.rows += made
        return [row["id"] for row in made]

    async def find(self, wanted: Filter, request: PageRequest = EVERYTHING, **limits: int) -> Page[EmailRow]:
        return await self.database.read(listing.page, ORG, wanted, request, **limits)

    async def ids(self, wanted: Filter, request: PageRequest = EVERYTHING, **limits: int) -> list[str]:
        return [row.id for row in (await self.find(wanted, request, **limits)).rows]


def id_of(ms: int, number: int) -> str:
    """The id that an email has if it is made at a time, after `number` others."""
    return least_id_of(ms)[:12] + f"{number:012x}"


@pytest.fixture
async def shelf(database: Database, writer: Writer) -> Shelf:
    await writer.run(add_domain, ORG)
    return Shelf(database, writer)


async def test_only_the_organisations_own_emails_are_listed(shelf: Shelf) -> None:
    [mine] = await shelf.put({"tags": [["kind", "a"]]})
    await shelf.put({"tags": [["kind", "a"]]}, org_id=OTHER)
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
        assert await shelf.ids(wanted) == [mine], wanted


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("receipt", {"subject": "Your RECEIPT of today"}),
        ("RECEIPT", {"subject": "receipt"}),
        ("shop", {"sender": "shop@sender.test"}),
        ("ada", {"to": ["Ada <x@receiver.test>"]}),
        ("@receiver.test", {"to": ["eve@RECEIVER.test"]}),
        ("carbon", {"cc": '["carbon@receiver.test"]'}),
        ("blind", {"bcc": '["blind@receiver.test"]'}),
        ('"ada"', {"to": ['"Ada" <x@receiver.test>']}),
        ("größe", {"subject": "große größe"}),
        ("100%", {"subject": "100% off"}),
        ("a_b", {"to": ["a_b@receiver.test"]}),
        ("a/b", {"subject": "a/b"}),
        ("a\\b", {"subject": "a\\b"}),
        ("[", {"subject": "[list] hello"}),
        (", ", {"subject": "yes, no"}),
    ],
)
async def test_a_search_finds_text_in_subject_sender_and_recipients(
    shelf: Shelf, text: str, columns: dict[str, Any]
) -> None:
    plain = {"subject": "none", "sender": "none@sender.test", "to": ["none@nowhere.test", "b@nowhere.test"]}
    [found, _] = await shelf.put(plain | columns, plain | {"subject": "1000 axb"})
    assert await shelf.ids(Filter(search=text)) == [found]


async def test_a_tag_is_found_by_its_name_or_with_its_value(shelf: Shelf) -> None:
    a, b, _ = await shelf.put(
        {"tags": [["kind", "invoice"], ["year", "2027"]]}, {"tags": [["kind", "reminder"]]}, {}
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
            {"id": id_of(ms, n), "created_at": at, "tags": [["kind", "a"]]}
            for n, (ms, at) in enumerate(zip(made, times, strict=True))
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
        await writer.run(add_domain, ORG)
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


async def test_an_unknown_domain_has_no_emails(shelf: Shelf) -> None:
    await shelf.put({})
    assert await shelf.find(Filter(domain="unknown.test")) == Page([], has_more=False, total=0)


@pytest.mark.parametrize("seed", range(3))
async def test_every_filter_and_page_equals_a_full_scan(shelf: Shelf, seed: int) -> None:
    chance = random.Random(seed)
    names = ("alpha", "beta")
    await shelf.put(
        *(
            {
                "subject": chance.choice(["Hello", "Your receipt"]),
                "status": chance.choice(STATUSES),
                "domain_id": chance.choice([DOMAIN_ID, OTHER_DOMAIN_ID]),
                "created_at": START_MS + n * chance.choice([0, 1, 1]) + n,
                "tags": [[name, "1"] for name in names if chance.random() < 0.4],
            }
            for n in range(40)
        )
    )
    for _ in range(60):
        wanted = Filter(
            search=chance.choice([None, None, "hello", "receipt", "nothing"]),
            statuses=chance.choice([(), (), ("bounced",), ("queued", "complained"), STATUSES]),
            tag=chance.choice([None, None, "alpha", "beta:1"]),
            domain=chance.choice([None, None, DOMAIN]),
            since=chance.choice([None, None, START_MS + 20]),
            until=chance.choice([None, None, START_MS + 50]),
        )
        matching = sorted((row["id"] for row in shelf.rows if _matches(row, wanted)), reverse=True)
        cursor = chance.choice(shelf.rows)["id"]
        limit, offset = chance.randint(1, 12), chance.choice([0, 0, 5])

        page = await shelf.find(wanted, PageRequest(limit, offset))
        assert [row.id for row in page.rows] == matching[offset : offset + limit]
        assert (page.has_more, page.total) == (len(matching) > offset + limit, len(matching))

        older = [id for id in matching if id < cursor]
        page = await shelf.find(wanted, PageRequest(limit, after=cursor))
        assert [row.id for row in page.rows] == older[:limit]
        assert page.has_more == (len(older) > limit)

        newer = [id for id in matching if id > cursor]
        page = await shelf.find(wanted, PageRequest(limit, before=cursor))
        assert [row.id for row in page.rows] == newer[-limit:]
        assert page.has_more == (len(newer) > limit)


def _matches(row: dict[str, Any], wanted: Filter) -> bool:
    tags = {text for name, value in json.loads(row["tags"]) for text in (name, f"{name}:{value}")}
    return (
        (wanted.search is None or wanted.search in row["subject"].lower())
        and (not wanted.statuses or row["status"] in wanted.statuses)
        and (wanted.tag is None or wanted.tag in tags)
        and (wanted.domain is None or row["domain_id"] == DOMAIN_ID)
        and (wanted.since is None or row["created_at"] >= wanted.since)
        and (wanted.until is None or row["created_at"] < wanted.until)
    )


async def test_text_search_is_bounded_and_a_cursor_continues_it(shelf: Shelf) -> None:
    ids = await shelf.put(*({"subject": "Hello" if n in (1, 6) else "none"} for n in range(10)))
    found = await shelf.find(Filter(search="hello"), window=5)
    assert ([row.id for row in found.rows], found.total) == ([ids[6]], 1)
    assert await shelf.ids(Filter(search="hello"), PageRequest(10, after=ids[6]), window=5) == [ids[1]]
    assert await shelf.ids(Filter(search="hello"), PageRequest(10, before=ids[0]), window=5) == [ids[1]]


async def test_recipient_of_an_old_email_is_found_by_address_prefix(shelf: Shelf) -> None:
    ids = await shelf.put(
        *(
            {"to": [f"person-{n}@receiver.test"], "status": STATUSES[n % 2], "tags": [["n", str(n)]]}
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
    await shelf.put(*({"status": "delivered"} for _ in range(5)))
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
