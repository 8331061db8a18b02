"""Every method and route, called with every kind of credential, and by another organisation."""

import json

import pytest

from tests.contract.methods import METHODS, Method
from tests.contract.rows import ROWS, Row
from tests.contract.world import MISSING_ID, World

NOBODY = ["nobody"]
REFUSED = [
    "nonsense",
    "a malformed key",
    "an unknown key",
    "a known key with another secret",
    "a revoked key",
    "a forged session",
    "an unsigned session",
    "an expired session",
]
OWN = {
    "A, full key": ("K", "full"),
    "A, send_only key": ("K", "send_only"),
    "A, read_only key": ("K", "read_only"),
    "A, session": ("J", "full"),
    "internal": ("I", "full"),
}
EVERYBODY = [*NOBODY, *REFUSED, *OWN]


def expected(row: Row, caller: str) -> tuple[str, str]:
    """The gRPC code and the reason that the documents ask for (Z-1, Z-2, C-9, F-7)."""
    if caller in NOBODY:
        return "UNAUTHENTICATED", "MISSING_CREDENTIALS"
    if caller in REFUSED:
        return "UNAUTHENTICATED", "INVALID_CREDENTIALS"
    kind, permission = OWN[caller]
    if kind not in row.kinds:
        return "UNAUTHENTICATED", "WRONG_CREDENTIAL_KIND"
    if kind == "K" and permission != "full" and row.permission not in (permission, "any"):
        return "PERMISSION_DENIED", "MISSING_PERMISSION"
    return "OK", ""


def rest_status(row: Row, code: str) -> str:
    """The HTTP status of `/v1` for a code of this matrix (Z-8, C-9, C-16)."""
    if code == "OK":
        return "201" if row.created else "200"
    return {"UNAUTHENTICATED": "401", "PERMISSION_DENIED": "401", "NOT_FOUND": "404"}[code]


def test_every_method_has_a_row() -> None:
    assert ROWS.keys() == METHODS.keys()


def test_every_reference_field_of_a_method_is_in_its_row() -> None:
    assert {name: set(row.points_to) for name, row in ROWS.items()} == {
        name: method.references for name, method in METHODS.items()
    }


@pytest.mark.parametrize("caller", EVERYBODY)
@pytest.mark.parametrize("name", METHODS)
def test_each_method_admits_exactly_its_credentials(world: World, name: str, caller: str) -> None:
    row, method, credential = ROWS[name], METHODS[name], world.credentials[caller]
    code, reason = expected(row, caller)
    outcome = world.grpc(method, row.fields(world), credential)
    assert (outcome.code, outcome.reason) == (code, reason), outcome
    if method.path is not None:
        answer = world.rest(method, row.fields(world) | dict(row.rest), credential)
        assert answer.code == rest_status(row, code), answer
        if code != "OK":
            assert answer.body["error"]
            assert answer.body["statusCode"] == int(answer.code)


POINTING = [(name, field) for name, method in METHODS.items() for field in sorted(method.references)]
STRANGERS = {"B, full key": "K", "B, session": "J", "internal": "I"}


def strangers_of(row: Row) -> list[str]:
    """B's credentials of a kind that the method takes; an internal caller names B in its requests."""
    return [stranger for stranger, kind in STRANGERS.items() if kind in row.kinds]


@pytest.mark.parametrize(("name", "field"), POINTING)
def test_object_of_another_organisation_answers_like_a_missing_one(
    world: World, name: str, field: str
) -> None:
    """C-48, on every method and route, also for filters and cursors."""
    row, method = ROWS[name], METHODS[name]
    for stranger in strangers_of(row):
        credential = world.credentials[stranger]
        theirs = row.points_to[field](world)
        for call in ways_to_call(world, method):
            beside = row.beside(world, field)
            foreign = call({**beside, field: theirs}, credential)
            assert world.a.org_id not in json.dumps(foreign.body)
            if field == "after" and name.startswith("EventService"):
                # A cursor is sealed for its organisation (C-92).
                assert foreign.code in ("INVALID_ARGUMENT", "422")
                continue
            # The place that an id stands for must not matter, only whose it is.
            nobodys = MISSING_ID if field not in ("after", "before") else theirs[:-1] + "f"
            missing = call({**beside, field: nobodys}, credential)
            assert foreign.without(theirs) == missing.without(nobodys), stranger
            if field in ("id", "id_or_email", "email_id") and not name.startswith("EventService"):
                assert foreign.code in ("NOT_FOUND", "404")


def ways_to_call(world: World, method: Method):  # type: ignore[no-untyped-def]
    """The ways to call a method."""
    yield lambda fields, credential: world.grpc(method, fields, credential)
    if method.path is not None:
        yield lambda fields, credential: world.rest(method, fields, credential)


@pytest.mark.parametrize(
    "name", [name for name in METHODS if METHODS[name].descriptor.name.startswith("Delete")]
)
def test_another_organisation_cannot_delete(world: World, name: str) -> None:
    row, method = ROWS[name], METHODS[name]
    theirs = row.fields(world)
    for stranger in strangers_of(row):
        assert world.grpc(method, theirs, world.credentials[stranger]).code == "NOT_FOUND"
    assert world.grpc(method, theirs, world.a.jwt).code == "OK"


LISTS = [
    name
    for name, method in METHODS.items()
    if method.descriptor.name.startswith("List")
    and not (name.startswith("AttachmentService") or "webhook_id" in method.references)
]


@pytest.mark.parametrize("name", LISTS)
def test_list_shows_nothing_of_another_organisation(world: World, name: str) -> None:
    method = METHODS[name]
    mine = {entry["id"] for entry in world.made(name, {"limit": 100}, world.a.api_key)["data"]}
    assert mine
    for call in ways_to_call(world, method):
        for stranger in strangers_of(ROWS[name]):
            shown = call({"limit": 100}, world.credentials[stranger])
            assert shown.code in ("OK", "200"), shown
            assert mine.isdisjoint(entry["id"] for entry in shown.body.get("data", []))


def test_stream_shows_nothing_of_another_organisation(world: World) -> None:
    method = METHODS["EventService.WatchEvents"]
    first = world.grpc(method, {"from_beginning": True}, world.b.api_key).body["event"]
    own = world.made("EmailService.ListEmails", {"limit": 100}, world.b.api_key)["data"]
    assert first["email_id"] in {email["id"] for email in own}


def test_send_from_another_organisations_domain_answers_like_an_unknown_domain(world: World) -> None:
    """Z-12."""
    method = METHODS["EmailService.SendEmail"]
    unknown = "nobody-has-this.example"
    for call in ways_to_call(world, method):
        stolen = call({**world.email(), "from": f"a@{world.a.domain}"}, world.b.api_key)
        invented = call({**world.email(), "from": f"a@{unknown}"}, world.b.api_key)
        assert stolen.code in ("FAILED_PRECONDITION", "422")
        assert stolen.without(world.a.domain) == invented.without(unknown)


def test_idempotency_keys_are_scoped_to_the_organisation(world: World) -> None:
    """F-1: the scope of a key is the organisation."""
    key = {"idempotency_key": f"matrix-{world.number()}"}
    mine = world.made("EmailService.SendEmail", world.email() | key, world.a.api_key)
    theirs = world.made("EmailService.SendEmail", world.email(world.b) | key, world.b.api_key)
    assert mine["id"] != theirs["id"]
    assert not theirs.get("replayed")
