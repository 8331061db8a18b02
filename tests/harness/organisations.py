"""Organisations made by the operator's commands, within the test's process."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from sqlalchemy import update

from server.commands import account_state, bootstrap, operator, organisation
from server.db.tables.quotas import plans
from server.settings import Settings
from tests.harness.ledger import store

# The reason that the operator gives for each state of an account.
NOTE = "A list that was bought."


@dataclass(frozen=True, slots=True)
class Organisation:
    """The output of `bootstrap`: one organisation and its credentials."""

    org_id: str
    user_id: str
    jwt: str
    password: str
    key_id: str
    api_key: str
    domain_id: str
    domain: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of organisation: its `bootstrap` options, and the operator's later decisions about it.

    `is_operator` makes its owner an operator of the installation.
    """

    options: Sequence[str]
    decided: Mapping[str, str] = field(default_factory=dict)
    is_operator: bool = False


async def add(settings: Settings, email: str, domain: str, *options: str) -> Organisation:
    """An organisation with a verified domain and the options of `bootstrap`; on SQLite no server may run."""
    words = ["--email", email, *options, "--domain", domain, "--verified"]
    printed: Any = await bootstrap.bootstrap(parsed(bootstrap, words), settings)
    return Organisation(**printed, domain=domain)


async def make(kinds: Mapping[str, Kind], settings: Settings) -> dict[str, Organisation]:
    """One organisation of each kind, with the verified domain KIND.example.com."""
    made = {}
    for name, kind in kinds.items():
        domain = f"{name}.example.com"
        made[name] = await add(settings, f"owner@{domain}", domain, *kind.options)
        state = kind.decided.get("state")
        if state is not None:
            words = [made[name].org_id, state, "--note", NOTE, "--by", "eve"]
            await account_state.change(parsed(account_state, words), settings)
        if kind.is_operator:
            await operator.run(parsed(operator, ["grant", f"owner@{domain}"]), settings)
        limits = [f"--{key}={value}" for key, value in kind.decided.items() if key != "state"]
        if limits:
            await organisation.change(parsed(organisation, [made[name].org_id, *limits]), settings)
    return made


def own_without_limit(name: str, database_url: str) -> None:
    """Lets organisations on a plan own as many webhooks, keys, domains and contacts as their tests make.

    On SQLite no server may run.
    """
    owned = ("webhook", "key", "domain", "contact", "contact_list")
    limits = dict.fromkeys(f"{thing}_limit" for thing in owned)
    with store(database_url) as connection:
        connection.execute(update(plans).where(plans.c.plan == name).values(limits))


async def operator_token(settings: Settings) -> str:
    """A new token of a program of the operator's. On SQLite no server may run."""
    made: Any = await operator.run(parsed(operator, ["token", "harness"]), settings)
    return str(made["token"])


def parsed(command: ModuleType, words: Sequence[str]) -> argparse.Namespace:
    """The arguments of a command of the server."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(words)
