"""An organisation may own exactly its plan's number of each thing, on both engines (C-88)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import func, select, update
from zidimail.v1 import email_service_pb2 as pb

from server.db.database import Database
from server.db.tables.domains import domains
from server.db.tables.emails import emails
from server.db.tables.keys import api_keys
from server.db.tables.quotas import usage
from server.db.tables.webhooks import webhooks
from server.db.tx import Tx
from server.db.writer import Writer
from server.domains import store as domain_store
from server.emails.release import release
from server.emails.schedule import cancel
from server.faults import LimitReached
from server.ids import new_id
from server.keys import store as key_store
from server.keys.mint import mint
from server.limits import Owned, check_room
from server.quotas.plans import all_plans
from server.webhooks import owned
from server.webhooks.faults import WebhookAlreadyExists
from server.webhooks.store import NewWebhook, WebhookChange
from server.webhooks.store import remove as remove_webhooks
from server.wire.caller import KeyCaller
from tests.delivery.queued import DOMAIN_ID, keys_of
from tests.harness.clock import START_MS
from tests.harness.rows import own_values, row_count, stored
from tests.harness.sqlite_plans import plans_of, scans
from tests.store.accepting import CALLER, OTHER, Accepting, send_request

ORG = CALLER.org_id
HOUR_MS = 3_600_000
TESTER = KeyCaller(ORG, new_id(), "full", test=True)
LIMITS: dict[Owned, str] = {"webhooks": "webhook_limit", "api_keys": "key_limit", "domains": "domain_limit"}
TABLES = {"webhooks": webhooks, "api_keys": api_keys, "domains": domains}


@pytest.fixture
async def accepting(database: Database, writer: Writer) -> Accepting:
    accepting = Accepting(database, writer)
    for caller in (CALLER, OTHER):
        await accepting.add_organisation(caller, plan="free")
    await accepting.set_organisation(burst_limit=10_000, daily_limit=10_000, unique_limit=10_000)
    return accepting


@pytest.fixture
async def second(database: Database, writer: Writer) -> AsyncIterator[Writer]:
    """The writer of another server; on SQLite the only one."""
    if database.is_sqlite:
        yield writer
        return
    other = Writer(database)
    other.start()
    yield other
    await other.close()


def webhook(number: int, org_id: str = ORG, **fields: Any) -> NewWebhook:
    given = {"url": f"https://hooks.example.com/{number}", "events": ["email.sent"]} | fields
    return NewWebhook(org_id, new_id(), secret=b"sealed", created_at=START_MS, **given)


def add(thing: Owned, number: int, org_id: str = ORG) -> Callable[[Tx], object]:
    """Adds one of a thing to what an organisation owns."""
    match thing:
        case "webhooks":
            return lambda tx: owned.create(tx, webhook(number, org_id))
        case "api_keys":
            return lambda tx: key_store.create(tx, org_id, mint("zm"), "a key", "full", START_MS)
        case "domains":
            name, keys = f"d{number}.example.com", keys_of(DOMAIN_ID)
            return lambda tx: domain_store.create(tx, org_id, new_id(), name, keys, START_MS)


async def attempt(writer: Writer, act: Callable[[Tx], object]) -> LimitReached | None:
    try:
        await writer.run(act)
    except LimitReached as reached:
        return reached
    return None


async def remove_one(writer: Writer, thing: Owned) -> None:
    table = TABLES[thing]
    first = await writer.run(Tx.scalar, str, select(func.min(table.c.id)).where(table.c.org_id == ORG))
    assert first is not None
    match thing:
        case "webhooks":
            await writer.run(remove_webhooks, [(ORG, first)])
        case "api_keys":
            await writer.run(key_store.revoke, ORG, first, START_MS)
        case "domains":
            await writer.run(domain_store.remove, ORG, first)


async def test_plans_allow_what_the_contract_says(database: Database) -> None:
    plans = {row.plan: row for row in await database.read(all_plans)}
    small, large = (10, 50, 10, 3_000, 1_000), (100, 1_000, 1_000, 100_000, 50_000)
    expected = {"free": small, "starter": small, "pro": (25, 200, 100, 30_000, 10_000)}
    expected |= {"scale": large, "enterprise": large}
    found = {
        name: (row.webhook_limit, row.key_limit, row.domain_limit, row.scheduled_limit, row.test_limit)
        for name, row in plans.items()
    }
    assert found == expected
    sizes = [plans[name].scheduled_bytes_limit or 0 for name in ("free", "pro", "scale")]
    assert 0 < sizes[0] < sizes[1] < sizes[2]


@pytest.mark.parametrize("thing", list(LIMITS))
async def test_organisation_owns_no_more_than_its_limit(
    accepting: Accepting, writer: Writer, thing: Owned
) -> None:
    await accepting.set_organisation(**{LIMITS[thing]: 3})
    assert [await attempt(writer, add(thing, number)) for number in range(3)] == [None] * 3
    reached = await attempt(writer, add(thing, 3))
    assert reached is not None
    assert reached.metadata == {"resource": thing, "used": "3", "limit": "3"}
    assert await attempt(writer, add(thing, 30, OTHER.org_id)) is None
    await remove_one(writer, thing)
    assert await attempt(writer, add(thing, 4)) is None
    assert await attempt(writer, add(thing, 5)) is not None
    await accepting.set_organisation(**{LIMITS[thing]: None})
    assert await attempt(writer, add(thing, 6)) is None, "the plan allows more"


@pytest.mark.parametrize("thing", list(LIMITS))
async def test_two_servers_together_add_exactly_the_limit(
    accepting: Accepting, writer: Writer, second: Writer, thing: Owned
) -> None:
    await accepting.set_organisation(**{LIMITS[thing]: 7})
    outcomes = await asyncio.gather(
        *(attempt((writer, second)[number % 2], add(thing, number)) for number in range(30))
    )
    assert outcomes.count(None) == await row_count(accepting.database, TABLES[thing]) == 7


async def test_second_webhook_with_the_same_url_and_events_is_refused(
    accepting: Accepting, writer: Writer
) -> None:
    first = webhook(1, events=["email.sent", "email.bounced"])
    await writer.run(owned.create, first)
    for same in (
        webhook(2, url=first.url, events=["email.bounced", "email.sent"]),
        webhook(2, url="HTTPS://HOOKS.example.com:443/1", events=first.events, format="zsend"),
    ):
        with pytest.raises(WebhookAlreadyExists) as refused:
            await writer.run(owned.create, same)
        assert refused.value.metadata == {"id": first.id}
    other = webhook(2, url=first.url, events=["email.sent"])
    await writer.run(owned.create, other)
    await writer.run(owned.create, webhook(1, OTHER.org_id, events=first.events))
    change = WebhookChange(None, first.events, None)
    with pytest.raises(WebhookAlreadyExists):
        await writer.run(owned.change, ORG, other.id, change, START_MS)
    unchanged = WebhookChange(first.url, first.events, "enabled")
    assert (await writer.run(owned.change, ORG, first.id, unchanged, START_MS)).id == first.id


async def test_two_servers_never_add_the_same_webhook_twice(
    accepting: Accepting, writer: Writer, second: Writer
) -> None:
    outcomes = await asyncio.gather(
        *((writer, second)[number % 2].run(owned.create, webhook(1)) for number in range(8)),
        return_exceptions=True,
    )
    assert outcomes.count(None) == await row_count(accepting.database, webhooks) == 1


# Scheduled emails that wait.


def later(hours: int = 1, **fields: Any) -> pb.SendEmailRequest:
    return send_request(scheduled_at=Timestamp(seconds=START_MS // 1000 + hours * 3600), **fields)


async def waiting(accepting: Accepting) -> tuple[int, int]:
    """The count and the bytes that are stored."""
    columns = (usage.c.waiting_count, usage.c.waiting_bytes)
    [row] = await stored(accepting.database, select(*columns).where(usage.c.org_id == ORG))
    return tuple(row)


async def schedule(accepting: Accepting, *requests: pb.SendEmailRequest) -> list[Any]:
    return [(await accepting.results(request))[0] for request in requests]


async def test_scheduled_emails_count_while_they_wait(accepting: Accepting, writer: Writer) -> None:
    await accepting.verify(CALLER, "mail.example.com")
    await accepting.set_organisation(scheduled_limit=3)
    first, *_, refused = await schedule(
        accepting, later(1), later(2, cc=["eve@example.net"]), later(3), later(1)
    )
    assert isinstance(refused, LimitReached)
    assert refused.metadata == {"resource": "scheduled_emails", "used": "3", "limit": "3"}
    assert await writer.run(cancel, CALLER, first.id, START_MS) is None
    assert (await waiting(accepting))[0] == 2
    [again] = await schedule(accepting, later(9))
    assert isinstance(again, pb.SendEmailResponse)
    assert (await writer.run(release, START_MS + 2 * HOUR_MS)).emails == 1
    assert (await waiting(accepting))[0] == 2
    await writer.run(
        Tx.change, update(domains).where(domains.c.org_id == CALLER.org_id).values(verified=False)
    )
    await writer.run(release, START_MS + 3 * HOUR_MS)
    assert (await waiting(accepting))[0] == 1, "it failed, and waits no more"
    await writer.run(
        Tx.change, update(domains).where(domains.c.org_id == CALLER.org_id).values(verified=True)
    )
    await accepting.set_organisation(state="paused")
    await writer.run(release, START_MS + 9 * HOUR_MS)
    assert (await waiting(accepting))[0] == 1, "it waits for its organisation"
    await accepting.set_organisation(state="healthy")
    await writer.run(release, START_MS + 10 * HOUR_MS)
    assert await waiting(accepting) == (0, 0)


async def test_bytes_of_scheduled_emails_are_limited(accepting: Accepting, writer: Writer) -> None:
    await accepting.verify(CALLER, "mail.example.com")
    await accepting.set_organisation(scheduled_bytes_limit=25_000)
    file = pb.NewAttachment(filename="a", content=bytes(10_000))
    first, second, refused, small = await schedule(
        accepting, later(attachments=[file]), later(attachments=[file]), later(attachments=[file]), later()
    )
    assert isinstance(refused, LimitReached)
    assert (refused.metadata["resource"], refused.metadata["limit"]) == ("scheduled_bytes", "25000")
    assert int(refused.metadata["used"]) > 20_000
    assert isinstance(small, pb.SendEmailResponse)
    for sent in (first, second, small):
        assert await writer.run(cancel, CALLER, sent.id, START_MS) is None
    assert await waiting(accepting) == (0, 0)


async def test_a_batch_of_scheduled_emails_is_cut_or_refused_at_the_limit(accepting: Accepting) -> None:
    await accepting.verify(CALLER, "mail.example.com")
    await accepting.set_organisation(scheduled_limit=5)
    assert isinstance((await accepting.results(*[later()] * 6, strict=True))[-1], LimitReached)
    assert await accepting.count(emails) == 0
    kinds = [type(result) for result in await accepting.results(*[later()] * 6)]
    assert kinds == [pb.SendEmailResponse] * 5 + [LimitReached]
    assert (await waiting(accepting))[0] == 5


async def test_two_servers_count_what_waits_exactly(
    accepting: Accepting, writer: Writer, second: Writer
) -> None:
    """While emails are scheduled on both, others are cancelled: the number stays that of those that wait."""
    await accepting.verify(CALLER, "mail.example.com")
    await accepting.set_organisation(scheduled_limit=40)
    servers = [accepting, Accepting(accepting.database, second)]
    ids = [result.id for result in await accepting.results(*[later()] * 20)]
    outcomes = await asyncio.gather(
        *(servers[n % 2].results(later()) for n in range(60)),
        *((writer, second)[n % 2].run(cancel, CALLER, id, START_MS) for n, id in enumerate(ids)),
    )
    accepted = sum(isinstance(found[0], pb.SendEmailResponse) for found in outcomes[:60])
    assert outcomes[60:] == [None] * 20
    query = select(emails.c.waiting_bytes).where(emails.c.status == "scheduled")
    sizes = await accepting.database.read(own_values, int, query)
    assert await waiting(accepting) == (len(sizes), sum(sizes))
    assert 20 <= accepted == len(sizes) <= 40
    await accepting.results(*[later()] * 60)
    assert (await waiting(accepting))[0] == 40


async def test_test_emails_a_day_are_limited(accepting: Accepting) -> None:
    await accepting.verify(CALLER, "mail.example.com")
    await accepting.set_organisation(test_limit=2)
    for _ in range(2):
        results = [(await accepting.results(send_request(), caller=TESTER))[0] for _ in range(3)]
        kinds = [type(result) for result in results]
        assert kinds == [pb.SendEmailResponse, pb.SendEmailResponse, LimitReached]
        assert results[2].metadata == {"resource": "test_emails", "used": "2", "limit": "2"}
        [live] = await accepting.results(send_request())
        assert isinstance(live, pb.SendEmailResponse)
        accepting.clock.advance(86_400)


@pytest.mark.parametrize("thing", list(LIMITS))
async def test_counting_reads_what_the_organisation_owns_by_index(
    accepting: Accepting, database: Database, thing: Owned
) -> None:
    if database.is_sqlite:
        assert scans(plans_of(str(database.url), check_room, ORG, thing)) == []
