"""Locks on organisations, their subscriptions and staged contents: two transactions in a given order."""

from collections.abc import Callable

import pytest
from sqlalchemy import insert

from server.accounts import store as accounts
from server.billing import store as billing
from server.billing.rules import Subscription
from server.db.database import Database
from server.db.tables.emails import email_contents, staged_contents
from server.db.tx import Tx
from server.db.writer import Writer
from server.emails import staging
from server.ids import new_id
from tests.delivery.queued import add_org
from tests.harness.clock import START_MS
from tests.harness.interleaving import Pair
from tests.harness.rows import row_count

ORG = new_id()


@pytest.fixture
def database_url(postgres_url: str) -> str:
    """Of PostgreSQL only: on SQLite one connection writes, and nothing is locked."""
    return postgres_url


@pytest.mark.parametrize("read", [accounts.organisation, billing.lock_organisation])
async def test_organisation_is_changed_by_one_at_a_time(
    writer: Writer, pair: Pair, read: Callable[[Tx, str], accounts.OrganisationRow | None]
) -> None:
    await writer.run(add_org, ORG)
    first, second = pair
    before = first.run(read, ORG)
    assert before is not None
    assert before.plan == "enterprise"
    reading = second.begin(read, ORG)
    assert second.waits(reading)
    first.run(accounts.change_organisation, ORG, {"plan": "free"})
    first.commit()
    after = second.result(reading)
    assert after is not None
    assert after.plan == "free"


SUBSCRIPTION = Subscription(
    ORG, "I-1", "pro", "P-1", "ACTIVE", True, "pro", None, None, START_MS, START_MS, START_MS
)


async def test_servers_claim_different_subscriptions(writer: Writer, pair: Pair) -> None:
    two = [SUBSCRIPTION, SUBSCRIPTION._replace(org_id=new_id(), id="I-2", due_at=START_MS + 1)]
    await writer.run(billing.write, two)
    first, second = pair
    later = START_MS + 60_000
    assert first.run(billing.claim, START_MS + 1, later, 1) == two[:1]
    assert second.run(billing.claim, START_MS + 1, later, 1) == two[1:]


async def test_contents_of_an_accepted_email_are_not_discarded(
    database: Database, writer: Writer, pair: Pair
) -> None:
    """Its caller has gone, and discards them while another process accepts it."""
    key = ORG, new_id()

    def begin(tx: Tx) -> None:
        row = {"org_id": key[0], "email_id": key[1]}
        tx.change(insert(staged_contents).values(row | {"staged_at": START_MS}))
        tx.change(insert(email_contents).values(row | {"text": "Thank you.", "headers": "{}"}))

    await writer.run(begin)
    first, second = pair
    assert first.run(staging._ACCEPT.run, [{"org_id": key[0], "email_id": key[1]}]) == 1
    discarding = second.begin(staging._discard, [key])
    assert second.waits(discarding)
    first.commit()
    second.result(discarding)
    second.commit()
    assert await row_count(database, email_contents) == 1
