"""`account-state`: an operator's decision about an account, and its record (S-19, C-69), on both engines."""

from pathlib import Path
from typing import Any

import pytest

from server.admin.faults import OrganisationNotFound
from server.commands import account_state, organisation
from server.commands.actor import operator_name
from server.db.database import Database
from server.db.writer import Writer
from server.ids import new_id
from server.settings import Settings, SettingsError
from tests.delivery.queued import new_org
from tests.harness.organisations import parsed
from tests.store.test_account_health import types_of


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, database_url=database_url, secret="x" * 32)


async def decide(settings: Settings, *words: str) -> dict[str, Any]:
    return await account_state.change(parsed(account_state, words), settings)


def shown(answer: dict[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """The history, newest first."""
    names = ("previous_state", "state", "reasons", "note", "operator")
    return [tuple(change[name] for name in names) for change in answer["history"]]


async def test_decision_is_kept_with_who_made_it_and_why(
    settings: Settings, database: Database, writer: Writer
) -> None:
    org_id = await new_org(writer)
    assert (await decide(settings, org_id))["history"] == []
    await decide(settings, org_id, "banned", "--note", "Fraud.", "--by", "eve")
    answer = await decide(
        settings, org_id, "healthy", "--note", "Another organisation did it.", "--by", "adam"
    )
    assert (answer["state"], answer["reasons"], answer["note"]) == (
        "healthy",
        "",
        "Another organisation did it.",
    )
    assert shown(answer) == [
        ("banned", "healthy", "", "Another organisation did it.", "adam"),
        ("healthy", "banned", "policy", "Fraud.", "eve"),
    ]
    assert answer["since"] == answer["history"][0]["created_at"]
    assert await types_of(database, org_id) == ["account.banned", "account.healthy"]


async def test_same_decision_again_changes_nothing(settings: Settings, writer: Writer) -> None:
    org_id = await new_org(writer)
    words = (org_id, "paused", "--note", "Spam.", "--by", "eve")
    assert await decide(settings, *words) == await decide(settings, *words)
    answer = await decide(settings, org_id, "paused", "--note", "Much spam.", "--by", "eve")
    assert shown(answer)[0] == ("paused", "paused", "policy", "Much spam.", "eve")


@pytest.mark.parametrize("state", ["review", "paused", "banned"])
async def test_worse_state_needs_a_note(settings: Settings, writer: Writer, state: str) -> None:
    org_id = await new_org(writer)
    with pytest.raises(SettingsError, match="--note"):
        await decide(settings, org_id, state)
    assert (await decide(settings, org_id))["state"] == "healthy"


@pytest.mark.parametrize("state", [[], ["healthy"]])
async def test_unknown_organisation_is_refused(
    settings: Settings, database: Database, state: list[str]
) -> None:
    with pytest.raises(OrganisationNotFound):
        await decide(settings, new_id(), *state)


async def test_command_organisation_decides_by_the_same_rule(
    settings: Settings, database: Database, writer: Writer
) -> None:
    org_id = await new_org(writer)
    row = await organisation.change(parsed(organisation, [org_id, "--state", "paused"]), settings)
    assert (row["state"], row["state_reasons"]) == ("paused", "policy")
    [change] = (await decide(settings, org_id))["history"]
    assert (change["state"], change["operator"]) == ("paused", operator_name())
    assert await types_of(database, org_id) == ["account.paused"]
