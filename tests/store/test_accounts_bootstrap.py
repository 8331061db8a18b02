"""`bootstrap` makes an organisation that works at once, or nothing (DESIGN.md 6)."""

import argparse
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from server.accounts.authentication import TokenAuthenticator
from server.accounts.banned import Banned
from server.accounts.operators import OperatorTokens
from server.accounts.session_tokens import SessionTokens
from server.accounts.sessions import Sessions
from server.clock import SystemClock
from server.commands.bootstrap import add_arguments, bootstrap
from server.db.database import Database
from server.db.schema import metadata
from server.db.tables.accounts import members, organisations, users
from server.db.tables.domains import dkim_keys, domains
from server.db.tables.keys import api_keys
from server.domains.faults import DomainOwnedElsewhere
from server.domains.store import signing_keys, verified_domains
from server.faults import ValidationFailed
from server.keys.authenticate import ApiKeyAuthenticator
from server.settings import Settings
from server.wire.caller import KeyCaller, SessionCaller
from tests.harness import programs
from tests.harness.rows import row_count, stored

INSTALLATION = "what the installation derives its keys from"
PRINTED = {"org_id", "user_id", "jwt", "password", "key_id", "api_key", "domain_id"}


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """The settings of an installation with an empty store."""
    return Settings(data_dir=tmp_path, database_url=database_url, secret=INSTALLATION)


async def _bootstrap(settings: Settings, *options: str, email: str = "owner@example.com") -> dict[str, Any]:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_arguments(parser)
    return await bootstrap(parser.parse_args(["--email", email, "--plan", "pro", *options]), settings)


async def _rows(database: Database) -> int:
    tables = [
        table for table in metadata.sorted_tables if table.name not in {"log_heads", "log_readers", "plans"}
    ]
    return sum([await row_count(database, table) for table in tables])


async def test_api_key_and_session_of_bootstrap_work(settings: Settings, database: Database) -> None:
    made = await _bootstrap(settings)
    assert made.keys() == PRINTED
    authenticator = TokenAuthenticator(
        ApiKeyAuthenticator(database, SystemClock()),
        Sessions(SessionTokens(INSTALLATION, SystemClock()), database, SystemClock()),
        OperatorTokens(database, SystemClock()),
        Banned(database, SystemClock()),
    )
    assert await authenticator.authenticate(made["api_key"]) == KeyCaller(
        made["org_id"], made["key_id"], "full"
    )
    session = await authenticator.authenticate(made["jwt"])
    assert isinstance(session, SessionCaller)
    assert (session.org_id, session.user_id, session.role) == (made["org_id"], made["user_id"], "owner")


async def test_the_owner_and_the_organisation_are_stored_as_asked(
    settings: Settings, database: Database
) -> None:
    made = await _bootstrap(settings, "--profile", "level", "--sandbox", "--key-style", "zs")
    [org] = await stored(database, select(organisations))
    [user] = await stored(database, select(users))
    [key] = await stored(database, select(api_keys))
    assert (org.org_id, org.plan, org.profile, org.sandbox, org.state) == (
        made["org_id"],
        "pro",
        "level",
        True,
        "healthy",
    )
    [member] = await stored(database, select(members))
    assert (user.id, user.email) == (made["user_id"], "owner@example.com")
    assert (member.org_id, member.user_id, member.role) == (made["org_id"], made["user_id"], "owner")
    assert PasswordHasher().verify(user.password_hash, made["password"])
    assert (key.id, key.style, key.permission) == (made["key_id"], "zs", "full")
    assert made["api_key"].startswith(f"zs_{made['key_id']}_")
    assert made["domain_id"] is None


async def test_a_verified_domain_may_send_and_sign(settings: Settings, database: Database) -> None:
    made = await _bootstrap(settings, "--domain", "Mail.Example.com", "--verified")
    pair = made["org_id"], "mail.example.com"
    assert await database.read(verified_domains, [pair]) == {pair: made["domain_id"]}
    keys = await database.read(signing_keys, [(made["org_id"], made["domain_id"])])
    assert [key.algorithm for key in keys[made["org_id"], made["domain_id"]]] == ["rsa", "ed25519"]


async def test_domain_without_the_verified_option_is_pending(settings: Settings, database: Database) -> None:
    made = await _bootstrap(settings, "--domain", "mail.example.com")
    assert await database.read(verified_domains, [(made["org_id"], "mail.example.com")]) == {}
    [row] = await stored(database, select(domains))
    assert await row_count(database, dkim_keys) == 2
    assert (row.id, row.status) == (made["domain_id"], "pending")


async def test_second_bootstrap_makes_another_organisation_of_the_same_user(
    settings: Settings, database: Database
) -> None:
    """The user gets the password that was printed last."""
    first, second = await _bootstrap(settings), await _bootstrap(settings, email="Owner@example.com")
    assert {name for name in PRINTED if first[name] == second[name]} == {"domain_id", "user_id"}
    [user] = await stored(database, select(users))
    assert PasswordHasher().verify(user.password_hash, second["password"])
    assert {row.org_id for row in await stored(database, select(members))} == {
        first["org_id"],
        second["org_id"],
    }


@pytest.mark.parametrize("options", [["--verified"], []])
async def test_bootstrap_with_a_taken_domain_stores_nothing(
    settings: Settings, database: Database, options: list[str]
) -> None:
    """C-45."""
    await _bootstrap(settings, "--domain", "mail.example.com", "--verified")
    before = await _rows(database)
    with pytest.raises(DomainOwnedElsewhere):
        await _bootstrap(settings, "--domain", "mail.example.com", *options)
    assert await _rows(database) == before


@pytest.mark.parametrize(
    ("email", "options"),
    [
        ("nobody", []),
        ("owner@example.com", ["--verified"]),
        ("owner@example.com", ["--domain", "localhost"]),
        ("owner@example.com", ["--domain", ""]),
    ],
)
async def test_bootstrap_with_invalid_options_stores_nothing(
    settings: Settings, database: Database, email: str, options: list[str]
) -> None:
    with pytest.raises(ValidationFailed):
        await _bootstrap(settings, *options, email=email)
    assert await _rows(database) == 0


def _command(tmp_path: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ZIDIMAIL_")}
    words = ["bootstrap", "--email", "owner@example.com", "--plan", "free", *options]
    return programs.run("server", *words, env=kept | {"ZIDIMAIL_DATA_DIR": str(tmp_path / "data")})


def test_the_command_prints_one_json_object_on_an_empty_data_directory(tmp_path: Path) -> None:
    done = _command(tmp_path, "--domain", "mail.example.com", "--verified", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout).keys() == PRINTED
    refused = _command(tmp_path, "--domain", "mail.example.com", "--verified", "--json")
    assert refused.returncode != 0
    assert refused.stdout == ""
    assert "mail.example.com" in refused.stderr
    assert "Traceback" not in refused.stderr
