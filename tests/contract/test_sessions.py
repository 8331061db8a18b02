"""Real sessions of each role, of operators, and on behalf of others, against every method and route."""

from functools import cache
from typing import NamedTuple

import pytest

from server.permissions import RoleName
from server.wire.access import ROLES
from tests.contract.methods import METHODS
from tests.contract.people import session_of_a_guest
from tests.contract.rows import OPEN, OPERATOR, ROWS, J, Row
from tests.contract.test_matrix import rest_status
from tests.contract.test_roles import IN_PERSON
from tests.contract.world import World

RANKS = list(ROLES)
ADMITTED = ("OK", "")
OTHER_KIND = ("UNAUTHENTICATED", "WRONG_CREDENTIAL_KIND")


class Person(NamedTuple):
    """A caller: the role of its session, and whose session it is."""

    role: RoleName
    is_operator: bool = False
    is_on_behalf: bool = False


PEOPLE = {
    **{f"session of {role}": Person(role) for role in ("read_only", "member", "admin")},
    "session of an operator": Person("owner", is_operator=True),
    "session on behalf, reading": Person("read_only", is_on_behalf=True),
    "session on behalf, as admin": Person("admin", is_on_behalf=True),
}


@cache
def session(world: World, name: str) -> str:
    """The token of a person's session."""
    person = PEOPLE[name]
    if person.is_operator:
        return world.stack.orgs["operator"].jwt
    if not person.is_on_behalf:
        return session_of_a_guest(world, person.role)
    fields = {
        "organisation_id": world.a.org_id,
        "user_id": world.a.user_id,
        "reason": "The matrix.",
        "role": f"ROLE_{person.role.upper()}",
    }
    operator = str(world.credentials["operator token"])
    return str(world.made("AdminService.CreateImpersonation", fields, operator)["token"])


def expected(name: str, row: Row, person: Person) -> tuple[str, str]:
    """The code and the reason of the answer (C-9, C-76, C-77, F-14)."""
    if row.kinds == OPEN or (row.kinds == OPERATOR and person.is_operator):
        return ADMITTED
    if J not in row.kinds:
        return ADMITTED if OPERATOR in row.kinds and person.is_operator else OTHER_KIND
    if RANKS.index(person.role) < RANKS.index(row.role):
        return "PERMISSION_DENIED", "MISSING_PERMISSION"
    if person.is_on_behalf and name in IN_PERSON:
        return "PERMISSION_DENIED", "IMPERSONATION_NOT_ALLOWED"
    return ADMITTED


@pytest.mark.parametrize("name", METHODS)
def test_each_method_admits_exactly_the_sessions_of_its_row(world: World, name: str) -> None:
    """Whoever is admitted is only asked for, as the calls would change what the other tests need."""
    row, method = ROWS[name], METHODS[name]
    for caller, person in PEOPLE.items():
        credential, wanted = session(world, caller), expected(name, row, person)
        question = {"method": method.grpc_path}
        found = world.grpc(METHODS["AccessService.GetCaller"], question, credential)
        assert (found.code, found.reason) == wanted, caller
        if wanted == ADMITTED:
            continue
        fields = row.fields(world)
        refused = world.grpc(method, fields, credential)
        assert (refused.code, refused.reason) == wanted, caller
        if method.path is not None:
            answer = world.rest(method, fields | dict(row.rest), credential)
            assert answer.code == rest_status(row, *wanted), (caller, answer)


def test_sessions_of_every_role_are_called_with() -> None:
    assert {person.role for person in PEOPLE.values()} == set(RANKS)
