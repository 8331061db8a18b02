"""Accounts are judged by exact counts, whoever reads the log and whenever, on both engines (S-20, C-43)."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select

from server.account_health import store as health
from server.account_health.judging import Healing
from server.account_health.rules import Counts
from server.account_health.store import StateChange
from server.db.database import Database
from server.db.tables.events import events
from server.db.writer import Writer
from server.events import log
from server.events.rows import BEGINNING
from server.ids import SYSTEM_ORG_ID
from server.work.notifier import Notifier
from tests.delivery.queued import add_org, new_org
from tests.harness.rows import stored
from tests.harness.sqlite_plans import plans_of, scans
from tests.store.judged import (
    AT_DATA,
    COMPLAINED,
    DELIVERED,
    NO_REASON,
    NO_USER,
    SIMULATED,
    SPAM,
    Accounts,
)
from tests.store.mailing import THRESHOLDS, attempt, new_mailing, new_reader

DAY_S = 86_400


@pytest.fixture
async def accounts(database: Database, writer: Writer) -> Accounts:
    mailing = new_mailing(database, writer)
    healing = Healing(database, writer, mailing.clock, Notifier(), THRESHOLDS)
    return Accounts(mailing, await new_org(writer), healing)


async def test_account_is_reviewed_then_paused_as_its_bounces_are_counted(accounts: Accounts) -> None:
    await accounts.send(*[DELIVERED] * 98, NO_USER)
    assert await accounts.state() == ("healthy", "")
    await accounts.send(NO_REASON)
    assert await accounts.counts() == Counts(100, 98, 2, 0)
    assert await accounts.state() == ("review", "bounce_rate")
    await accounts.send(NO_USER, NO_USER)
    # 4 of 102.
    assert await accounts.state() == ("review", "bounce_rate")
    await accounts.send(NO_USER)
    assert await accounts.state() == ("paused", "bounce_rate")
    assert await accounts.history() == [
        ("healthy", "review", "bounce_rate", "", ""),
        ("review", "paused", "bounce_rate", "", ""),
    ]


async def test_only_replies_to_rcpt_that_blame_the_mailbox_count_as_bounces(accounts: Accounts) -> None:
    """C-60."""
    await accounts.send(*[DELIVERED] * 60, *[AT_DATA] * 20, *[SPAM] * 20)
    assert await accounts.counts() == Counts(100, 60, 0, 0)
    assert await accounts.state() == ("healthy", "")


async def test_simulated_mail_counts_for_nothing(accounts: Accounts) -> None:
    await accounts.send(*[SIMULATED] * 100)
    assert await accounts.counts() == Counts()


async def test_test_mail_counts_for_nothing(accounts: Accounts) -> None:
    """C-58."""
    await accounts.accept(101, test=True)
    await accounts.settle(*[NO_USER] * 100, COMPLAINED)
    await accounts.mailing.count()
    assert await accounts.counts() == Counts()


async def test_complaints_pause_too(accounts: Accounts) -> None:
    await accounts.send(*[DELIVERED] * 99, COMPLAINED)
    assert await accounts.counts() == Counts(100, 100, 0, 1)
    assert await accounts.state() == ("paused", "complaint_rate")


async def test_feedback_about_delivered_mail_counts(accounts: Accounts) -> None:
    email = await accounts.mailing.accept(accounts.org_id, 3)
    now_ms = accounts.mailing.clock.now_ms()
    await accounts.mailing.settle(lambda row, email: attempt(row, email, DELIVERED, now_ms))
    await accounts.mailing.count()
    await accounts.mailing.report(email, 0, "complained")
    # The code of this report, 5.7.1, blames no mailbox.
    await accounts.mailing.report(email, 1, "bounced")
    await accounts.mailing.count()
    assert await accounts.counts() == Counts(3, 3, 0, 1)


async def test_bounces_do_not_stop_the_mail_of_the_platform(accounts: Accounts) -> None:
    """C-78: whoever registers wrong addresses must not stop the registrations of others."""
    await accounts.mailing.writer.run(add_org, SYSTEM_ORG_ID)
    system = replace(accounts, org_id=SYSTEM_ORG_ID)
    await system.send(*[NO_USER] * 100)
    assert await system.state() == ("healthy", "")


async def test_window_rolls_by_the_hour(accounts: Accounts) -> None:
    await accounts.send(*[NO_USER] * 50)
    accounts.mailing.clock.advance(167 * 3600)
    await accounts.send(*[DELIVERED] * 20)
    assert await accounts.counts() == Counts(70, 20, 50, 0)
    accounts.mailing.clock.advance(3600)
    assert await accounts.counts() == Counts(20, 20, 0, 0)
    await accounts.send(*[DELIVERED] * 80)
    assert await accounts.state() == ("healthy", "")


async def test_account_under_review_heals_after_24_clean_hours_and_begins_anew(accounts: Accounts) -> None:
    await accounts.send(*[DELIVERED] * 98, *[NO_USER] * 2)
    accounts.mailing.clock.advance(DAY_S - 1)
    await accounts.healing.step()
    assert await accounts.state() == ("review", "bounce_rate")
    accounts.mailing.clock.advance(1)
    await accounts.healing.step()
    assert await accounts.state() == ("healthy", "")
    assert await accounts.counts() == Counts()
    # The bounces that led to the review do not lead to it again.
    await accounts.send(*[DELIVERED] * 10, NO_USER)
    assert await accounts.state() == ("healthy", "")
    rows = await accounts.mailing.database.read(health.history, accounts.org_id)
    assert [(row.state, row.counts) for row in rows] == [
        ("healthy", Counts(100, 98, 2, 0)),
        ("review", Counts(100, 98, 2, 0)),
    ]


async def test_bounces_put_the_healing_off(accounts: Accounts) -> None:
    await accounts.send(*[DELIVERED] * 98, *[NO_USER] * 2)
    accounts.mailing.clock.advance(DAY_S / 2)
    await accounts.send(*[DELIVERED] * 9, NO_USER)
    accounts.mailing.clock.advance(DAY_S / 2)
    await accounts.healing.step()
    assert await accounts.state() == ("review", "bounce_rate")
    accounts.mailing.clock.advance(DAY_S / 2)
    await accounts.healing.step()
    assert await accounts.state() == ("healthy", "")


async def test_paused_account_waits_for_the_operator_and_comes_back_by_a_review(accounts: Accounts) -> None:
    await accounts.send(*[DELIVERED] * 96, *[NO_USER] * 4)
    accounts.mailing.clock.advance(30 * DAY_S)
    await accounts.healing.step()
    assert await accounts.state() == ("paused", "bounce_rate")
    await accounts.decide("review", "The list is clean now.")
    assert await accounts.state() == ("review", "")
    accounts.mailing.clock.advance(DAY_S)
    await accounts.healing.step()
    assert await accounts.history() == [
        ("healthy", "paused", "bounce_rate", "", ""),
        ("paused", "review", "", "The list is clean now.", "eve"),
        ("review", "healthy", "", "", ""),
    ]


async def test_review_that_the_operator_ordered_lasts_until_the_operator_ends_it(accounts: Accounts) -> None:
    await accounts.decide("review", "A complaint by telephone.")
    accounts.mailing.clock.advance(30 * DAY_S)
    await accounts.healing.step()
    assert await accounts.state() == ("review", "policy")
    await accounts.send(*[DELIVERED] * 96, *[NO_USER] * 4)
    account = await accounts.account()
    assert (account.state, account.reasons, account.note) == (
        "paused",
        "bounce_rate,policy",
        "A complaint by telephone.",
    )


@pytest.mark.parametrize("page_size", [1, 7, 500])
async def test_counts_and_changes_are_exact_however_many_processes_read(
    database: Database, writer: Writer, accounts: Accounts, page_size: int
) -> None:
    """Each event counts once, and each change happens once."""
    clock = accounts.mailing.clock
    readers = [new_reader(database, writer, clock, page_size) for _ in range(4)]
    for outcomes in ([*[DELIVERED] * 98, NO_USER, NO_USER], [DELIVERED] * 17, [NO_USER] * 3):
        for outcome in outcomes:
            await accounts.accept(1)
            await accounts.settle(outcome)
            await asyncio.gather(*(reader.step() for reader in readers))
        await accounts.mailing.count()
    assert await accounts.counts() == Counts(120, 115, 5, 0)
    # 2 of 100, and 5 of 120.
    assert [row[:2] for row in await accounts.history()] == [("healthy", "review"), ("review", "paused")]
    assert await types_of(database, accounts.org_id) == ["account.review", "account.paused"]


async def types_of(database: Database, org_id: str) -> Sequence[str]:
    """The types of the account's events, in the order of the log."""
    query = select(events.c.type).where(events.c.org_id == org_id, events.c.email_id == "")
    rows = await stored(database, query.order_by(events.c.stamp, events.c.seq))
    return [row.type for row in rows]


async def test_reader_that_lost_the_race_counts_nothing(
    database: Database, writer: Writer, accounts: Accounts
) -> None:
    """A process that read a page and was overtaken before its commit has read it for nothing."""
    await accounts.send(DELIVERED)
    slow = accounts.mailing.reader
    await accounts.accept(2)
    await accounts.settle(NO_USER, NO_USER)
    fast = new_reader(database, writer, accounts.mailing.clock)
    await asyncio.gather(slow.step(), fast.step(), slow.step(), fast.step())
    await accounts.mailing.count()
    assert await accounts.counts() == Counts(3, 1, 2, 0)


async def test_event_of_a_change_tells_its_reasons_and_rates(accounts: Accounts) -> None:
    """C-69."""
    await accounts.send(*[DELIVERED] * 96, *[NO_USER] * 4)
    rows = await accounts.mailing.database.read(
        log.read, accounts.org_id, BEGINNING, 10, types=["account.paused"]
    )
    [event] = rows
    [change] = await accounts.mailing.database.read(health.history, accounts.org_id)
    assert (event.id, event.email_id, event.created_at) == (change.id, "", change.created_at)
    assert json.loads(event.details or "") == {
        "reasons": ["bounce_rate"],
        "note": "",
        "by_operator": False,
        "rates": {
            "sent": 100,
            "delivered": 96,
            "bounced": 4,
            "complained": 0,
            "bounce_rate": 0.04,
            "complaint_rate": 0.0,
        },
    }


async def test_change_of_a_state_that_changed_meanwhile_does_nothing(accounts: Accounts) -> None:
    before = await accounts.account()
    await accounts.decide("banned", "Fraud.")
    stale = StateChange(before=before, state="paused", reasons=(), counts=Counts(), now_ms=before.since + 1)
    assert not await accounts.mailing.writer.run(health.change_state, stale)
    assert await accounts.state() == ("banned", "policy")
    assert len(await accounts.history()) == 1


async def test_old_counts_are_deleted(accounts: Accounts) -> None:
    await accounts.send(DELIVERED)
    accounts.mailing.clock.advance(168 * 3600)
    await accounts.send(DELIVERED)
    assert not await accounts.healing.sweep()
    assert await accounts.counts(hours=10_000) == Counts(1, 1, 0, 0)


def test_accounts_that_are_not_healthy_are_found_by_index(sqlite_url: str) -> None:
    assert scans(plans_of(sqlite_url, health.in_state, "banned")) == []
