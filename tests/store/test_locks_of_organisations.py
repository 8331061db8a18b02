"""Locks on organisations and what they own: two transactions of two servers in a given order."""

import pytest
from sqlalchemy import delete, select

from server import limits
from server.accounts import attempts, invitation_store, member_store, request_store
from server.accounts import store as accounts
from server.accounts.invitation_store import InvitationRow
from server.accounts.one_time_tokens import given_token, new_token
from server.accounts.request_store import Mailed, RequestRow
from server.contacts import counts
from server.db.database import Database
from server.db.tables.accounts import login_attempts
from server.db.tables.domains import domains
from server.db.tx import Tx
from server.db.writer import Writer
from server.domains import store as domain_store
from server.faults import DomainNotFound, LimitReached
from server.ids import new_id
from server.quotas import plans
from server.quotas import store as quotas
from server.quotas.rules import Periods, Used
from tests.delivery.queued import DOMAIN_ID, add_org
from tests.harness.clock import START_MS
from tests.harness.interleaving import Pair
from tests.harness.rows import stored
from tests.store.own_domains import NEVER_SIGNS

ORG = new_id()
ADA, LATER = "ada@example.com", START_MS + 3_600_000


@pytest.fixture
def database_url(postgres_url: str) -> str:
    """Of PostgreSQL only: on SQLite one connection writes, and nothing is locked."""
    return postgres_url


async def test_last_place_is_given_once(writer: Writer, pair: Pair) -> None:
    def begin(tx: Tx) -> None:
        add_org(tx, ORG)
        accounts.change_organisation(tx, ORG, {"domain_limit": 2})

    await writer.run(begin)
    first, second = pair
    first.run(limits.check_room, ORG, "domains")
    first.run(domain_store.add, ORG, new_id(), "second.test", NEVER_SIGNS, START_MS)
    checking = second.begin(limits.check_room, ORG, "domains")
    assert second.waits(checking)
    first.commit()
    with pytest.raises(LimitReached):
        second.result(checking)


async def test_usage_is_charged_one_after_the_other(writer: Writer, pair: Pair) -> None:
    await writer.run(add_org, ORG)
    periods = Periods.of(START_MS)

    def used(tx: Tx) -> Used:
        return quotas.account_limits(tx, [ORG], periods, START_MS, lock=True)[ORG][1]

    first, second = pair
    before = first.run(used)
    first.run(quotas.write_usage, {ORG: Used(day=before.day + 3, month=3)}, periods)
    reading = second.begin(used)
    assert second.waits(reading)
    first.commit()
    assert second.result(reading).day == before.day + 3


async def test_contacts_are_counted_one_after_the_other(writer: Writer, pair: Pair) -> None:
    await writer.run(counts.lock, ORG)
    first, second = pair
    assert first.run(counts.lock, ORG) == (0, 0)
    locking = second.begin(counts.lock, ORG)
    assert second.waits(locking)
    first.run(counts.count, ORG, contacts=2)
    first.commit()
    assert second.result(locking) == (2, 0)


async def test_domain_is_changed_by_one_at_a_time(writer: Writer, pair: Pair) -> None:
    await writer.run(add_org, ORG)
    first, second = pair
    assert first.run(domain_store.get, ORG, DOMAIN_ID, lock=True).id == DOMAIN_ID
    # One who only reads it waits for nobody.
    assert second.run(domain_store.get, ORG, DOMAIN_ID).id == DOMAIN_ID
    reading = second.begin(domain_store.get, ORG, DOMAIN_ID, lock=True)
    assert second.waits(reading)
    first.run(Tx.change, delete(domains).where(domains.c.org_id == ORG))
    first.commit()
    with pytest.raises(DomainNotFound):
        second.result(reading)


async def test_attempts_of_one_moment_count_one_after_the_other(
    database: Database, writer: Writer, pair: Pair
) -> None:
    await writer.run(attempts.begin, ADA, START_MS)
    first, second = pair
    first.run(attempts.begin, ADA, START_MS)
    counting = second.begin(attempts.begin, ADA, START_MS)
    assert second.waits(counting)
    first.commit()
    second.result(counting)
    second.commit()
    assert [row.attempts for row in await stored(database, select(login_attempts))] == [3]


async def test_owners_change_one_after_the_other(writer: Writer, pair: Pair) -> None:
    ids = sorted([new_id(), new_id()])

    def begin(tx: Tx) -> None:
        add_org(tx, ORG)
        for id in ids:
            accounts.add_user(tx, id, f"{id}@example.com", "", START_MS)
            accounts.add_member(tx, ORG, id, "owner", START_MS)

    await writer.run(begin)
    first, second = pair
    assert first.run(member_store.lock_owners, ORG) == ids
    locking = second.begin(member_store.lock_owners, ORG)
    assert second.waits(locking)
    first.run(member_store.set_role, ORG, ids[0], "admin")
    first.commit()
    assert second.result(locking) == ids[1:]


async def test_invitation_is_taken_once(writer: Writer, pair: Pair) -> None:
    id = new_id()
    token = new_token(id)

    def begin(tx: Tx) -> None:
        add_org(tx, ORG)
        row = InvitationRow(ORG, id, ADA, "admin", new_id(), START_MS, LATER)
        invitation_store.add(tx, row, token.hash)

    await writer.run(begin)
    given = given_token(token.text)
    assert given is not None
    first, second = pair
    taken = first.run(invitation_store.take, given, START_MS)
    assert taken is not None
    taking = second.begin(invitation_store.take, given, START_MS)
    assert second.waits(taking)
    first.commit()
    assert second.result(taking) is None


def add_request(tx: Tx) -> str:
    """The id of a new request for a link."""
    id = new_id()
    request_store.add(tx, RequestRow(id, "reset", ADA, "{}", START_MS, LATER))
    return id


async def test_request_is_taken_once(writer: Writer, pair: Pair) -> None:
    id = await writer.run(add_request)
    token = new_token(id)
    await writer.run(request_store.record_mails, [Mailed(id, token.hash)], START_MS)
    given = given_token(token.text)
    assert given is not None
    first, second = pair
    assert first.run(request_store.take, "reset", given, START_MS) is not None
    taking = second.begin(request_store.take, "reset", given, START_MS)
    assert second.waits(taking)
    first.commit()
    assert second.result(taking) is None


async def test_servers_mail_requests_one_after_the_other(writer: Writer, pair: Pair) -> None:
    """The links of an address in a day are counted: two servers would each count without the other's."""
    ids = sorted([await writer.run(add_request), await writer.run(add_request)])
    first, second = pair
    assert [request.id for request in first.run(request_store.unmailed, 1)] == ids[:1]
    mailing = second.begin(request_store.unmailed, 1)
    assert second.waits(mailing)
    first.run(request_store.record_mails, [Mailed(ids[0], b"hash")], START_MS)
    first.commit()
    assert [request.id for request in second.result(mailing)] == ids[1:]
    [links] = second.run(request_store.links_since, [ADA], 0).values()
    assert links == 1


async def test_plans_are_changed_one_after_the_other(writer: Writer, pair: Pair) -> None:
    """The operators' log says what was before."""
    first, second = pair
    assert "pro" in first.run(plans.locked)
    looking = second.begin(plans.locked)
    assert second.waits(looking)
    first.run(plans.change_plan, "pro", {"daily_limit": 7})
    first.commit()
    assert second.result(looking)["pro"].daily_limit == 7
