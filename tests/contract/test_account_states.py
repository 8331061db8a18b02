"""The matrix of S-19: each method and route, in each state of the organisation's account (C-42, C-69).

The store is PostgreSQL, on which the operator decides while the server runs.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from edge.dialects.zsend.routes import ROUTES
from server.commands import account_state
from server.settings import Settings
from tests.contract.methods import METHODS, Method
from tests.contract.rows import INTERNAL, OPEN, OPERATOR, ROWS, K, Row
from tests.contract.world import Fields, Outcome, World
from tests.harness.organisations import NOTE, parsed
from tests.harness.postgres import Postgres
from tests.harness.stack import Stack
from tests.harness.waiting import until_sync

# The methods that send. All others work while sending is paused: so a waiting email is moved and cancelled.
# BatchSendRawEmails answers, with a refusal for each message.
SENDING = {
    "EmailService.SendEmail",
    "EmailService.BatchSendEmails",
    "EmailService.SendRawEmail",
    "BatchJobService.CreateBatchJob",
}
# Methods whose session or object another call of this test may have ended: the state must not be the reason.
SHARED = {
    f"AccountService.{name}"
    for name in (
        *("Logout", "SwitchOrganisation", "LeaveOrganisation"),
        *("UpdateMember", "DeleteMember", "DeleteInvitation"),
    )
}
STATES = ("healthy", "review", "paused", "banned")
OF_CUSTOMERS = {
    name: method for name, method in METHODS.items() if ROWS[name].kinds not in (INTERNAL, OPEN, OPERATOR)
}
# A server may notice a ban, and its end, only after 4 seconds, and an edge after 5.
NOTICED_WITHIN_S = 30.0


class Case:
    """One call of a method or route, made ready while the account was healthy."""

    def __init__(self, name: str, call: Callable[[], Outcome]) -> None:
        self.name = name
        self.call = call


@pytest.fixture(scope="module")
def own_world(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, postgres_template: str, sheets_url: str
) -> Iterator[World]:
    """Organisations of their own: no other test expects them to be healthy."""
    url = postgres.create_database(postgres_template)
    env = {"ZIDIMAIL_SHEETS_URL": sheets_url}
    with Stack(tmp_path_factory.mktemp("states"), database_url=url, env=env) as stack:
        world = World(stack)
        yield world
        world.close()
    postgres.drop_database(url)


def decide(world: World, state: str) -> None:
    """The operator's decision about A, and a wait until server and edge have noticed it."""
    settings = Settings.from_env(world.stack.env)
    words = [world.a.org_id, state, "--note", NOTE, "--by", "eve"]
    asyncio.run(account_state.change(parsed(account_state, words), settings))
    usage = METHODS["UsageService.GetUsage"]
    wanted = "UNAUTHENTICATED" if state == "banned" else "OK"

    def is_noticed() -> bool:
        codes = {call(usage, {}, world.a.api_key).code for call in (world.grpc, world.rest)}
        return codes == {wanted, "401" if state == "banned" else "200"}

    until_sync(is_noticed, within=NOTICED_WITHIN_S, message=f"nobody noticed that A is {state}")


def cases(world: World) -> list[tuple[Case, str]]:
    """Every method by gRPC and by REST, and every route of zsend; each with its way."""
    found: list[tuple[Case, str]] = []
    for name, method in OF_CUSTOMERS.items():
        row = ROWS[name]
        if row.answer[0] != "OK":
            continue
        call = bound(world.grpc, method, row.fields(world), credential_of(world, row))
        found.append((Case(name, call), "grpc"))
        if method.path is not None:
            fields = row.fields(world) | dict(row.rest)
            call = bound(world.rest, method, fields, credential_of(world, row))
            found.append((Case(name, call), "rest"))
    for route in ROUTES:
        name = f"{route.method.containing_service.name}.{route.method.name}"
        method = replace(METHODS[name], verb=route.verb, path=route.path)
        fields = zsend_fields(world, name, route.path)
        found.append((Case(name, bound(world.rest, method, fields, world.a.api_key)), "zsend"))
    # The end of an erasure ends exports: those calls come last.
    return sorted(found, key=lambda each: each[0].name == "AccountService.CreateErasure")


def credential_of(world: World, row: Row) -> str:
    """A credential that a method takes."""
    if K in row.kinds:
        return world.a.api_key
    return world.a.jwt if row.session is None else row.session(world)


def zsend_fields(world: World, name: str, path: str) -> Fields:
    """A good request of a route of zsend."""
    if path.endswith("/scheduled/{id}"):
        return {"id": world.new_scheduled()}
    fields = ROWS[name].fields(world)
    return fields | {"scheduled_at": world.later()} if path.endswith("/schedule") else fields


def bound(
    call: Callable[..., Outcome], method: Method, fields: Any, credential: str
) -> Callable[[], Outcome]:
    return lambda: call(method, fields, credential)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("state", STATES)
def test_account_may_do_in_each_state_what_the_matrix_says(own_world: World, state: str) -> None:
    """S-19: in review all of it, paused all but sending, banned nothing."""
    ready = cases(own_world)
    decide(own_world, state)
    try:
        outcomes = [(case.name, way, case.call()) for case, way in ready]
    finally:
        decide(own_world, "healthy")
    wrong = [found for found in outcomes if not is_right(state, *found)]
    assert not wrong
    assert {way for _, way, _ in outcomes} == {"grpc", "rest", "zsend"}


def is_right(state: str, name: str, way: str, outcome: Outcome) -> bool:
    """True if an outcome is the one of the matrix, and a refusal says why and where to appeal."""
    if state == "banned":
        wanted = "UNAUTHENTICATED" if way == "grpc" else "401"
    elif state == "paused" and name in SENDING:
        wanted = "PERMISSION_DENIED" if way == "grpc" else "403"
    elif name in SHARED:
        return NOTE not in str(outcome.body)
    else:
        return outcome.code in ("OK", "200", "201")
    texts = str(outcome.body)
    return (
        outcome.code == wanted
        and "A list that was bought." in texts
        and "Ask the operator to appeal." in texts
    )


def test_refusals_by_grpc_have_the_reason_of_the_state(own_world: World) -> None:
    """C-69: programs decide by reason and metadata, and read no message."""
    method, email = METHODS["EmailService.SendEmail"], own_world.email()
    decide(own_world, "paused")
    paused = own_world.grpc(method, email, own_world.a.api_key)
    decide(own_world, "banned")
    banned = own_world.grpc(method, email, own_world.a.api_key)
    decide(own_world, "healthy")
    assert paused.reason == "ACCOUNT_PAUSED"
    assert paused.body["metadata"] == {
        "state": "paused",
        "reasons": "policy",
        "why": "The operator decided so. The operator's note: A list that was bought.",
        "appeal": "Ask the operator to appeal.",
    }
    assert banned.reason == "ACCOUNT_BANNED"
    assert own_world.grpc(method, email, own_world.a.api_key).code == "OK"
