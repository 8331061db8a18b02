"""The description of the API against the running programs: callers, links, examples."""

from typing import Any, NamedTuple

import httpx
import pytest

from tests.contract.methods import METHODS
from tests.contract.rows import INTERNAL, OPEN, OPERATOR, ROWS, J, K
from tests.contract.world import Fields, Outcome, World, authorization

SCHEMES = {K: "api_key", J: "session", OPERATOR: "operator"}
# The examples that are refused here, with the status.
REFUSED = {
    "AccountService.Login": 401,
    "AccountService.FinishOidcLogin": 404,
    "ContactsService.AddContactListMembers": 404,
    "ContactsService.ImportContactsSheet": 422,
    "ContactsService.SendToContactList": 422,
}
BY_ROUTE = {(method.verb, method.path): name for name, method in METHODS.items() if method.path is not None}


class Operation(NamedTuple):
    """An operation as the description has it, with the name of its method."""

    name: str
    path: str
    verb: str
    described: dict[str, Any]


@pytest.fixture(scope="module")
def operations(world: World) -> dict[str, Operation]:
    """The operations of `/v1`, by their ids."""
    document = httpx.get(f"{world.stack.http}/v1/openapi.json").json()
    return {
        described["operationId"]: Operation(BY_ROUTE[verb.upper(), path], path, verb.upper(), described)
        for path, verbs in document["paths"].items()
        for verb, described in verbs.items()
    }


def test_every_route_is_described_once(operations: dict[str, Operation]) -> None:
    described = sorted(operation.name for operation in operations.values())
    assert described == sorted(name for name in BY_ROUTE.values() if ROWS[name].kinds != INTERNAL)


def test_security_names_the_callers_that_are_admitted(operations: dict[str, Operation]) -> None:
    """As the matrix says, which is compared with the running programs; no scheme for what is open to all."""
    for operation in operations.values():
        wanted = [scheme for kind, scheme in SCHEMES.items() if kind in ROWS[operation.name].kinds]
        named = [scheme for alternative in operation.described["security"] for scheme in alternative]
        assert sorted(named) == sorted(wanted), operation.name


def test_links_lead_to_what_the_answer_is_about(world: World, operations: dict[str, Operation]) -> None:
    """Each id is where its link says, and the operation that it leads to finds the object."""
    followed = set()
    for operation in operations.values():
        [(status, answer)] = [
            (status, answer)
            for status, answer in operation.described["responses"].items()
            if "links" in answer
        ]
        row = ROWS[operation.name]
        if not answer["links"] or row.answer[0] != "OK" or row.kinds == OPERATOR:
            continue
        fields = row.fields(world)
        given = world.rest(METHODS[operation.name], fields, credential_for(world, operation.name))
        assert given.code == status, (operation.name, given)
        if given.body.get("data") == []:
            continue
        for link in answer["links"].values():
            target = operations[link["operationId"]]
            path = {name: value_of(text, fields, given) for name, text in link["parameters"].items()}
            assert all(path.values()), (operation.name, link)
            assert set(path) == {word[1:-1] for word in target.path.split("/") if word.startswith("{")}
            if target.verb == "GET" and operation.name not in followed:
                found = world.rest(METHODS[target.name], path, credential_for(world, target.name))
                assert found.code == "200", (operation.name, link, found)
        followed.add(operation.name)
    assert len(followed) >= 20


def test_examples_are_taken(world: World, operations: dict[str, Operation]) -> None:
    """Or are refused for what the example cannot have: the reader's own domain, a token, a shared sheet."""
    for operation in operations.values():
        content = operation.described.get("requestBody", {}).get("content", {}).get("application/json", {})
        row = ROWS[operation.name]
        # Operators' acts would change what other tests rely on.
        if "example" not in content or row.kinds == OPERATOR:
            continue
        verb, path = operation.verb, operation.path
        for name, value in row.fields(world).items():
            path = path.replace(f"{{{name}}}", str(value))
        credential = credential_for(world, operation.name)
        headers = {} if credential is None else {"authorization": authorization(credential)}
        answer = httpx.request(verb, world.stack.http + path, json=content["example"], headers=headers)
        success = [int(status) for status in operation.described["responses"] if status.startswith("2")]
        assert answer.status_code == REFUSED.get(operation.name, success[0]), (operation.name, answer.text)


def value_of(expression: str, fields: Fields, given: Outcome) -> str:
    """The value of a runtime expression (OpenAPI 3.1, section 4.8.20.3)."""
    if expression.startswith("$request.path."):
        return str(fields[expression.removeprefix("$request.path.")])
    value: Any = given.body
    for word in expression.removeprefix("$response.body#/").split("/"):
        value = value[int(word)] if isinstance(value, list) else value[word]
    return str(value)


def credential_for(world: World, name: str) -> str | None:
    """A credential of A's that a method admits."""
    row = ROWS[name]
    if row.kinds == OPERATOR:
        return world.stack.operator_token
    if row.kinds == OPEN:
        return None
    if row.session is not None:
        return row.session(world)
    return world.a.api_key if K in row.kinds else world.a.jwt
