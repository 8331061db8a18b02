"""The acts of operators and their record (C-43, C-69, C-88, F-14), and their figures, on both engines."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from server.account_health import store as health
from server.account_health.rules import Counts
from server.accounts import operator_log
from server.accounts import store as accounts
from server.accounts.operator_log import Actor
from server.admin import acts, store
from server.admin.acts import By
from server.admin.faults import AccountStateChanged, OrganisationNotFound, PlanNotFound
from server.admin.store import Criteria
from server.commands import operator, organisation, plan
from server.db.database import Database
from server.db.listing import PageRequest
from server.db.tables.accounts import audit_entries, organisations
from server.db.tables.operators import operator_entries
from server.db.tables.queue import delivery_queue
from server.db.tx import Tx
from server.db.writer import Writer
from server.faults import ValidationFailed
from server.ids import new_id
from server.queue import overview
from server.settings import Settings, SettingsError
from tests.delivery.queued import enqueue, new_org, rows_of
from tests.harness.clock import START_MS
from tests.harness.organisations import parsed
from tests.harness.rows import stored

HOURS = 168
EVE = Actor("operator", new_id(), "console", "192.0.2.1")


def by(method: str = "AdminService/X", reason: str = "Ticket 4711.", now_ms: int = START_MS) -> By:
    return By(EVE, method, now_ms, reason)


async def log_of(database: Database) -> list[Any]:
    """The log of operators, oldest first."""
    return await stored(database, select(operator_entries).order_by(operator_entries.c.id))


async def audit_of(database: Database, org_id: str) -> list[Any]:
    """The audit log of an organisation, oldest first."""
    of_org = audit_entries.c.org_id == org_id
    return await stored(database, select(audit_entries).where(of_org).order_by(audit_entries.c.id))


async def test_change_is_recorded_with_the_values_before_and_after(
    database: Database, writer: Writer
) -> None:
    org_id = await new_org(writer)
    changes = {"plan": "pro", "daily_limit": 5, "sandbox": False}
    row = await writer.run(acts.change_organisation, org_id, changes, by())
    assert (row.plan, row.daily_limit, row.sandbox) == ("pro", 5, False)
    [entry] = await log_of(database)
    assert (entry.org_id, entry.actor, entry.actor_id, entry.actor_name) == (
        *(org_id, "operator"),
        *(EVE.id, "console"),
    )
    assert (entry.address, entry.reason, entry.at) == ("192.0.2.1", "Ticket 4711.", START_MS)
    # The sandbox stays as it was.
    assert json.loads(entry.changes) == {"plan": ["enterprise", "pro"], "daily_limit": [10**9, 5]}
    [shown] = await audit_of(database, org_id)
    assert (shown.actor, shown.actor_id, shown.actor_name, shown.address) == (
        *("operator", EVE.id),
        *("operator", ""),
    )


async def test_act_that_changes_nothing_or_fails_is_not_recorded(database: Database, writer: Writer) -> None:
    org_id = await new_org(writer)
    await writer.run(acts.change_organisation, org_id, {"plan": "enterprise"}, by())
    await writer.run(acts.change_plan_limits, "free", {}, by())
    await writer.run(acts.decide, org_id, "healthy", by(reason=""), window_hours=HOURS)
    with pytest.raises(OrganisationNotFound):
        await writer.run(acts.change_organisation, new_id(), {"sandbox": True}, by())
    with pytest.raises(PlanNotFound, match="enterprise, free, pro"):
        await writer.run(acts.change_organisation, org_id, {"daily_limit": 1, "plan": "gold"}, by())
    with pytest.raises(PlanNotFound):
        await writer.run(acts.change_plan_limits, "gold", {"daily_limit": 1}, by())
    with pytest.raises(ValidationFailed):
        await writer.run(acts.decide, org_id, "paused", by(reason=""), window_hours=HOURS)
    with pytest.raises(OrganisationNotFound):
        await writer.run(acts.decide, new_id(), "paused", by(), window_hours=HOURS)
    assert await log_of(database) == []
    assert await audit_of(database, org_id) == []
    row = await database.read(accounts.change_organisation, org_id, {})
    assert row is not None
    assert row.daily_limit == 10**9


async def test_decision_is_in_the_history_and_in_both_logs(database: Database, writer: Writer) -> None:
    org_id = await new_org(writer)
    await writer.run(acts.decide, org_id, "paused", by(reason="Spam."), window_hours=HOURS)
    [change] = await database.read(health.history, org_id)
    assert (change.state, change.note, change.operator) == ("paused", "Spam.", "console")
    [entry] = await log_of(database)
    assert (json.loads(entry.changes), entry.reason) == ({"state": ["healthy", "paused"]}, "Spam.")
    [shown] = await audit_of(database, org_id)
    assert (shown.reason, shown.actor_name) == ("Spam.", "operator")


async def test_two_decisions_at_the_same_moment_are_one_and_a_refusal(
    database: Database, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite one connection writes: there the second one is made to see the state before the first."""
    org_id = await new_org(writer)
    before = await database.read(health.accounts, [org_id])
    await writer.run(acts.decide, org_id, "review", by(reason="First."), window_hours=HOURS)
    monkeypatch.setattr(health, "accounts", lambda tx, org_ids: before)
    with pytest.raises(AccountStateChanged):
        await writer.run(acts.decide, org_id, "banned", by(reason="Second."), window_hours=HOURS)
    assert len(await log_of(database)) == 1


async def test_plan_is_changed_and_recorded(database: Database, writer: Writer) -> None:
    row = await writer.run(acts.change_plan_limits, "free", {"webhook_limit": None, "overage": True}, by())
    assert (row.plan, row.webhook_limit, row.overage) == ("free", None, True)
    [entry] = await log_of(database)
    assert (entry.org_id, entry.target_id) == (None, "free")
    assert json.loads(entry.changes) == {"webhook_limit": [10, None], "overage": [False, True]}


async def test_commands_act_as_the_service_does(
    database: Database, writer: Writer, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "root")
    settings = Settings(data_dir=tmp_path, database_url=database_url, secret="x" * 32)
    org_id = await new_org(writer)
    await organisation.change(parsed(organisation, [org_id, "--sandbox", "on", "--daily", "7"]), settings)
    await plan.change(parsed(plan, ["free", "--daily", "8"]), settings)
    entries = await log_of(database)
    assert [(entry.method, entry.actor, entry.actor_id, entry.actor_name) for entry in entries] == [
        ("command/organisation", "internal", "", "root"),
        ("command/plan", "internal", "", "root"),
    ]
    assert json.loads(entries[0].changes) == {"sandbox": [False, True], "daily_limit": [10**9, 7]}
    assert len(await audit_of(database, org_id)) == 1


async def test_command_shows_no_key_of_erasures(
    database: Database, writer: Writer, database_url: str, tmp_path: Path
) -> None:
    """The command prints JSON, and its reader cannot find out which addresses were erased."""
    settings = Settings(data_dir=tmp_path, database_url=database_url, secret="x" * 32)
    org_id = await new_org(writer)
    keyed = update(organisations).where(organisations.c.org_id == org_id).values(erasure_key=b"k" * 32)
    await writer.run(Tx.change, keyed)
    shown = await organisation.change(parsed(organisation, [org_id, "--sandbox", "on"]), settings)
    assert json.loads(json.dumps(shown)) == shown
    assert "erasure_key" not in shown


async def test_command_operator_makes_lists_and_revokes_tokens(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, database_url=database_url, secret="x" * 32)

    async def run(*words: str) -> Any:
        return await operator.run(parsed(operator, words), settings)

    made = await run("token", " console ")
    assert made["token"].startswith(f"zo_{made['id']}_")
    [row] = await run("tokens")
    assert (row["id"], row["name"], row["revoked_at"]) == (made["id"], "console", None)
    assert await run("revoke-token", made["id"]) == {"id": made["id"], "revoked": True}
    for words in (
        ("revoke-token", made["id"]),
        ("revoke-token", "x"),
        ("token", " "),
        ("token", "x" * 101),
        ("token", "a\nb"),
        ("grant", "nobody@example.com"),
    ):
        with pytest.raises(SettingsError):
            await run(*words)
    entries = await log_of(database)
    assert [entry.method for entry in entries] == ["command/operator token", "command/operator revoke-token"]
    assert made["token"].rpartition("_")[2] not in str(entries)


async def test_organisations_are_found_by_text_plan_state_and_sandbox(
    database: Database, writer: Writer
) -> None:
    first, second, third = [await new_org(writer) for _ in range(3)]
    names = {first: "100% Acme", second: "ACME Élan", third: "Other"}
    for org_id, name in names.items():
        of_org = update(organisations).where(organisations.c.org_id == org_id)
        await writer.run(Tx.change, of_org.values(name=name))
    await writer.run(acts.change_organisation, second, {"plan": "pro", "sandbox": True}, by())
    await writer.run(acts.decide, third, "review", by(), window_hours=HOURS)

    async def found(**criteria: Any) -> list[str]:
        page = await database.read(store.page, Criteria(**criteria), PageRequest(10))
        return [row.org_id for row in page.rows]

    assert await found() == [third, second, first]
    assert await found(search="acme") == [second, first]
    assert await found(search="100%") == [first]
    assert await found(search="_") == []
    assert await found(search=third[4:]) == [third]
    assert await found(search="OWNER@example.com", plan="pro") == [second]
    assert await found(state="review") == [third]
    assert await found(sandbox=True) == [second]
    assert await found(sandbox=False, search="acme") == [first]
    page = await database.read(store.page, Criteria(), PageRequest(1, after=second))
    assert [row.org_id for row in page.rows] == [first]


async def test_worst_rates_come_first(database: Database, writer: Writer) -> None:
    bouncing, complaining, small, old = [await new_org(writer) for _ in range(4)]
    hour = START_MS // 3_600_000
    counted = {
        (bouncing, hour): Counts(200, 190, 10, 0),
        (bouncing, hour - 1): Counts(100, 90, 10, 0),
        (complaining, hour): Counts(200, 198, 2, 3),
        (small, hour): Counts(10, 5, 5, 0),
        (old, hour - HOURS): Counts(500, 100, 400, 9),
    }
    await writer.run(health.add_counts, counted)

    async def worst(order: Any, least: int = 100, limit: int = 10) -> list[tuple[str, int, int]]:
        rows = await database.read(store.worst, order, START_MS, HOURS, least, limit)
        return [(row.org_id, row.sent, row.bounced) for row in rows]

    assert await worst("bounce_rate") == [(bouncing, 300, 20), (complaining, 200, 2)]
    assert await worst("complaint_rate") == [(complaining, 200, 2)]
    assert (await worst("bounce_rate", least=0))[0] == (small, 10, 5)
    assert await worst("bounce_rate", limit=1) == [(bouncing, 300, 20)]


async def test_overview_counts_the_queue_by_site_and_state(database: Database, writer: Writer) -> None:
    one, two = new_id(), new_id()
    first = rows_of(one, ["a@slow.example", "b@slow.example", "c@fast.example"])
    second = rows_of(two, ["d@slow.example"])
    await enqueue(writer, first, second)
    sites = (await stored(database, select(delivery_queue.c.site).where(delivery_queue.c.org_id == two)))[0]
    of_one = update(delivery_queue).where(delivery_queue.c.org_id == one)
    await writer.run(Tx.change, of_one.where(delivery_queue.c.no == 1).values(lease_until=START_MS + 1))
    held = of_one.where(delivery_queue.c.no == 2).values(held_since=START_MS, due_at=2**62)
    await writer.run(Tx.change, held)
    later = update(delivery_queue).where(delivery_queue.c.org_id == two).values(due_at=START_MS + 2)
    await writer.run(Tx.change, later)
    rows = await database.read(overview.sites, None, START_MS + 1)
    assert sum(row.total for row in rows) == 4
    assert [row.total for row in rows] == sorted((row.total for row in rows), reverse=True)
    assert (sum(row.due for row in rows), sum(row.waiting for row in rows)) == (1, 1)
    assert (sum(row.leased for row in rows), sum(row.held for row in rows)) == (1, 1)
    assert min(row.oldest_email_id for row in rows) == min(first.email["id"], second.email["id"])
    [own] = await database.read(overview.sites, two, START_MS + 1)
    assert (own.site, own.waiting, own.total) == (sites.site, 1, 1)
    assert await database.read(overview.sites, new_id(), START_MS) == []


async def test_pages_of_the_log_are_of_all_organisations_or_of_one(
    database: Database, writer: Writer
) -> None:
    one, two = [await new_org(writer) for _ in range(2)]
    for org_id in (one, two, one):
        await writer.run(acts.change_organisation, org_id, {"daily_limit": new_number()}, by())
    page = await database.read(operator_log.page, None, PageRequest(10))
    assert [row.org_id for row in page.rows] == [one, two, one]
    page = await database.read(operator_log.page, two, PageRequest(10))
    assert [row.org_id for row in page.rows] == [two]


_numbers = iter(range(1, 100))


def new_number() -> int:
    return next(_numbers)


async def test_concurrent_changes_of_one_organisation_are_each_recorded_as_they_happened(
    database: Database, writer: Writer
) -> None:
    """Each entry begins with the value at which the one before it ended."""
    org_id = await new_org(writer)
    await asyncio.gather(
        *(writer.run(acts.change_organisation, org_id, {"daily_limit": limit}, by()) for limit in range(1, 9))
    )
    row = await database.read(accounts.change_organisation, org_id, {})
    assert row is not None
    steps = [json.loads(entry.changes)["daily_limit"] for entry in await log_of(database)]
    assert len(steps) == 8
    befores, afters = {before for before, _ in steps}, {after for _, after in steps}
    assert befores == (afters | {10**9}) - {row.daily_limit}
