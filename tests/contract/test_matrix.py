"""Every method and route, called with every kind of credential, and by another organisation."""

import json

import pytest
from zidimail.v1 import event_pb2

from tests.contract.methods import METHODS, Method
from tests.contract.people import erasure_id, export_id, invitation_id
from tests.contract.rows import OPEN, OPERATOR, ROWS, K, Row
from tests.contract.world import MISSING_ID, TIMEOUT_S, World

# Seconds without an event after which a stream is believed to have none.
SILENCE_S = 2.0
# The names of all kinds of events.
EVENT_TYPES = tuple(event_pb2.EventType.DESCRIPTOR.values_by_name)
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
    "an unknown operator token",
]
OWN = {
    "A, full key": ("K", "full"),
    "A, send_only key": ("K", "send_only"),
    "A, read_only key": ("K", "read_only"),
    "A, full test key": ("K", "full"),
    "A, send_only test key": ("K", "send_only"),
    "A, read_only test key": ("K", "read_only"),
    "A, key of its domain": ("K", "full"),
    "A, key of another domain": ("K", "full"),
    "A, session": ("J", "full"),
    "internal": ("I", "full"),
    "operator token": ("O", "full"),
}
EVERYBODY = [*NOBODY, *REFUSED, *OWN]


# The others that send have the errors of what they hold in their answers.
SENDING = ("SendEmail", "BatchSendEmails", "SendRawEmail", "CreateBatchJob", "UpdateEmail", "CancelEmail")


def expected(name: str, row: Row, caller: str) -> tuple[str, str]:
    """The gRPC code and the reason that the documents ask for (Z-1, Z-2, C-9, F-7, C-87, C-90)."""
    if row.kinds == OPEN:
        return row.answer
    if caller in NOBODY:
        return "UNAUTHENTICATED", "MISSING_CREDENTIALS"
    if caller in REFUSED:
        return "UNAUTHENTICATED", "INVALID_CREDENTIALS"
    kind, permission = OWN[caller]
    is_test, is_bound = "test key" in caller, "domain" in caller
    if kind not in row.kinds or (is_test and row.permission == "full") or (is_bound and not row.bound):
        return "UNAUTHENTICATED", "WRONG_CREDENTIAL_KIND"
    if kind == "K" and permission != "full" and row.permission not in (permission, "any"):
        return "PERMISSION_DENIED", "MISSING_PERMISSION"
    return beyond(name, row, caller) or row.answer


def beyond(name: str, row: Row, caller: str) -> tuple[str, str] | None:
    """The answer about objects that a limited key does not see; None if the request is about none of them.

    The requests of the rows are about live mail of A's domain, and about domains without a key.
    """
    service, _, method = name.partition(".")
    if service == "DomainService" and "id" in row.points_to:
        is_seen = "domain" not in caller or (method == "GetDomain" and caller == "A, key of its domain")
        return None if is_seen else ("NOT_FOUND", "DOMAIN_NOT_FOUND")
    if name == "EventService.WatchEvents" and caller == "A, key of another domain":
        return "DEADLINE_EXCEEDED", ""
    if service not in ("EmailService", "AttachmentService", "BatchJobService"):
        return None
    if caller == "A, key of another domain" and method in SENDING:
        return "PERMISSION_DENIED", "DOMAIN_NOT_ALLOWED"
    names_mail = row.points_to.keys() & {"id", "email_id"}
    sees_none = "test key" in caller or caller == "A, key of another domain"
    sees_its_own = "send_only" in caller and method not in SENDING
    if names_mail and (sees_none or sees_its_own):
        return "NOT_FOUND", "BATCH_JOB_NOT_FOUND" if service == "BatchJobService" else "EMAIL_NOT_FOUND"
    return None


def rest_status(row: Row, code: str, reason: str) -> str:
    """The HTTP status of `/v1` for a code of this matrix (Z-8, C-9, C-16, S-16)."""
    if code == "OK":
        return "201" if row.created else "200"
    statuses = {
        **dict.fromkeys(("DOMAIN_NOT_ALLOWED", "IMPERSONATION_NOT_ALLOWED"), "403"),
        **dict.fromkeys(("LINK_NOT_VALID", "NO_SECOND_FACTOR"), "422"),
        **dict.fromkeys(("SECOND_FACTOR_NOT_BEGUN", "SECOND_FACTOR_NOT_ACTIVE"), "422"),
    }
    if reason in statuses:
        return statuses[reason]
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
    row, method = ROWS[name], METHODS[name]
    code, reason = expected(name, row, caller)
    is_silent = name == "EventService.WatchEvents" and caller == "A, key of another domain"
    within_s = SILENCE_S if is_silent else TIMEOUT_S
    outcome = world.grpc(method, row.fields(world), credential_of(world, row, caller), within_s=within_s)
    assert (outcome.code, outcome.reason) == (code, reason), outcome
    if method.path is not None:
        fields = row.fields(world) | dict(row.rest)
        answer = world.rest(method, fields, credential_of(world, row, caller))
        assert answer.code == rest_status(row, code, reason), answer
        if code != "OK":
            assert answer.body["error"]
            assert answer.body["statusCode"] == int(answer.code)


def credential_of(world: World, row: Row, caller: str) -> str | None:
    """The credential of a caller; a new session where the row asks for one."""
    if row.session is not None and caller == "A, session":
        return row.session(world)
    return world.credentials[caller]


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


def test_login_in_an_organisation_of_others_answers_like_in_a_missing_one(world: World) -> None:
    """C-48."""
    method = METHODS["AccountService.Login"]
    body = {"email": world.b_email, "password": world.b.password}
    for call in ways_to_call(world, method):
        theirs, missing = (call({**body, "org_id": id}, None) for id in (world.a.org_id, MISSING_ID))
        assert theirs.code in ("PERMISSION_DENIED", "403")
        assert theirs.without(world.a.org_id) == missing.without(MISSING_ID)


LISTS = [
    name
    for name, method in METHODS.items()
    if method.descriptor.name.startswith("List")
    and not (name.startswith("AttachmentService") or "webhook_id" in method.references)
    and not name.endswith("Members")
    and ROWS[name].kinds != OPERATOR
]


@pytest.mark.parametrize("name", LISTS)
def test_list_shows_nothing_of_another_organisation(world: World, name: str) -> None:
    method = METHODS[name]
    # Of each kind A has one.
    for make in (invitation_id, erasure_id, export_id):
        make(world)
    for one in ("job_id", "suppression", "webhook_event"):
        assert getattr(world, one)
    assert world.contacts.one["id"]
    assert world.contacts.send_id
    credential = world.a.api_key if K in ROWS[name].kinds else world.a.jwt
    mine = {entry["id"] for entry in world.made(name, {"limit": 100}, credential)["data"]}
    assert mine
    for call in ways_to_call(world, method):
        for stranger in strangers_of(ROWS[name]):
            shown = call({"limit": 100}, world.credentials[stranger])
            assert shown.code in ("OK", "200"), shown
            assert mine.isdisjoint(entry["id"] for entry in shown.body.get("data", []))


SEEN_BY_ALL_KEYS = {"DomainService.ListDomains", "EmailService.ListEmails", "EventService.ListEvents"}


@pytest.mark.parametrize("name", sorted(SEEN_BY_ALL_KEYS))
def test_lists_show_a_key_that_is_bound_to_a_domain_nothing_of_the_others(world: World, name: str) -> None:
    """C-90."""
    asked: dict[str, object] = {"limit": 100}
    if name == "EventService.ListEvents":
        # Events of contacts are of no domain.
        asked["types"] = [type_ for type_ in EVENT_TYPES if "_EMAIL_" in type_]
    shown = {
        caller: world.made(name, asked, str(world.credentials[caller])).get("data", [])
        for caller in ("A, full key", "A, key of its domain", "A, key of another domain")
    }
    if name == "DomainService.ListDomains":
        assert [domain["id"] for domain in shown["A, key of its domain"]] == [world.a.domain_id]
        assert len(shown["A, key of another domain"]) == 1
        assert len(shown["A, full key"]) > 1
    else:
        # The status of an email may change between two lists.
        ids = {caller: [one["id"] for one in rows] for caller, rows in shown.items()}
        assert ids["A, key of its domain"] == ids["A, full key"] != []
        assert shown["A, key of another domain"] == []


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
