"""Bad input on every route: a 4xx with the documented body, and nothing stored.

The wrong types are generated from the contract: a new field is tried without a line here.
"""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import zidimail.v1
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from edge.dialects.zidimail.shapes import REQUESTS
from edge.transcoding.routes import Route, routes_of, services_of
from tests.harness.sheets_server import MISSING, address
from tests.rest.golden import Description

# A body that is a file or a message is no JSON: see the tests of each.
ROUTES = [
    route for route in routes_of(services_of(zidimail.v1)) if not (route.is_upload or route.is_of_bytes)
]
NOWHERE = "0" * 24

EMAIL = {"from": "a@mail.example.com", "to": ["b@example.org"], "subject": "s", "text": "t"}

RIGHT: dict[str, dict[str, Any]] = {
    "SendEmail": EMAIL,
    "BatchSendEmails": {"emails": [EMAIL]},
    "CreateBatchJob": {"emails": [EMAIL]},
    "CreateDomain": {"domain": "bad-input.example.com"},
    "CreateApiKey": {"name": "bad input"},
    "CreateWebhook": {"url": "https://127.0.0.1:9/x", "events": ["email.sent"]},
    "VerifyDomain": {},
    "UpdateEmail": {"scheduled_at": "2099-01-01T00:00:00Z"},
    "CancelEmail": {},
    "UpdateDomain": {"open_tracking": True},
    "RotateDomainKeys": {},
    "UpdateApiKey": {"name": "bad input"},
    "UpdateWebhook": {"url": "https://127.0.0.1:9/x", "status": "enabled"},
    "RotateWebhookSecret": {},
    "TestWebhook": {},
    "ReplayWebhookEvent": {},
    "ReplayWebhookEvents": {"since": "2099-01-01T00:00:00Z"},
    "Register": {"email": "bad-input@example.org", "password": "correct horse battery"},
    "ConfirmRegistration": {"token": "none"},
    "Login": {"email": "bad-input@example.org", "password": "correct horse battery"},
    "BeginOidcLogin": {},
    "FinishOidcLogin": {"code": "none", "state": "none"},
    "Logout": {},
    "RequestPasswordReset": {"email": "bad-input@example.org"},
    "ResetPassword": {"token": "none", "password": "correct horse battery"},
    "ChangePassword": {"current_password": "none", "new_password": "correct horse battery"},
    "BeginTotp": {"password": "correct horse battery"},
    "ActivateTotp": {"code": "000000"},
    "DeactivateTotp": {"password": "correct horse battery", "code": "000000"},
    "RenewRecoveryCodes": {"password": "correct horse battery", "code": "000000"},
    "DeactivateIdentity": {"password": "correct horse battery"},
    "ActivateIdentity": {"password": "correct horse battery"},
    "SwitchOrganisation": {"org_id": NOWHERE},
    "UpdateOrganisation": {"name": "bad input"},
    "LeaveOrganisation": {},
    "CloseOrganisation": {"password": "correct horse battery"},
    "UpdateMember": {"role": "member"},
    "CreateInvitation": {"email": "bad-input@example.org", "role": "member"},
    "AcceptInvitation": {"token": "none", "password": "correct horse battery"},
    "CreateExport": {},
    "CreateErasure": {"email": "bad-input@example.org"},
    "CreateSuppression": {"email": "bad-input@example.org"},
    "BatchAddSuppressions": {"emails": ["bad-input@example.org"]},
    "BatchRemoveSuppressions": {"emails": ["bad-input@example.org"]},
    "CreateContact": {"email": "bad-input@example.org"},
    "UpdateContact": {"first_name": "Bad"},
    "BatchRemoveContacts": {"contacts": ["bad-input@example.org"]},
    "CreateContactList": {"name": "Bad input"},
    "UpdateContactList": {"name": "Bad input"},
    "AddContactListMembers": {"members": ["bad-input@example.org"]},
    "AddContactListMember": {},
    "ImportContacts": {"contacts": [{"email": "bad-input@example.org"}]},
    "SendToContactList": {"from": "a@mail.example.net", "subject": "s", "text": "t"},
    "CancelContactListSend": {},
    "Unsubscribe": {"token": "A" * 64},
    "ImportContactsSheet": {"url": address(MISSING)},
    "Subscribe": {"plan": "pro"},
    "ChangeSubscription": {"plan": "pro"},
    "CancelSubscription": {},
    "UpdateOrganisationAccount": {"limits": {"daily": 5}, "reason": "bad input"},
    "ChangeAccountState": {"state": "healthy"},
    "CreateImpersonation": {"user_id": NOWHERE, "reason": "bad input"},
    "UpdateRetention": {"days": {"bodies": 30}},
    "UpdatePlanLimits": {"limits": {"daily": 100}},
}
"""A body of each method that would be taken, to be spoiled in one place."""

BODILESS = {
    "GetEmail", "ListEmails", "GetDomain", "ListDomains", "DeleteDomain", "ListApiKeys", "DeleteApiKey",
    "ListWebhooks", "GetWebhook", "DeleteWebhook", "ListEvents", "GetEmailStats", "ListWebhookEvents",
    "GetWebhookEvent", "ListWebhookAttempts", "GetSuppression", "ListSuppressions", "DeleteSuppression",
    "GetUsage", "ListAttachments", "GetAttachment", "GetBatchJob", "ListBatchJobs",
    "GetAccountHealth", "GetSession", "GetSignInMethods", "GetOrganisation", "ListMembers", "DeleteMember",
    "ListInvitations", "DeleteInvitation", "ListAuditEntries", "GetErasure", "ListErasures", "GetExport",
    "ListExports",
    "ListContacts", "GetContact", "DeleteContact", "GetContactQuota", "ListContactLists", "GetContactList",
    "DeleteContactList", "ListContactListMembers", "RemoveContactListMember", "GetContactListSend",
    "ListContactListSends", "GetBilling",
    "ListOrganisationAccounts", "GetOrganisationAccount", "ListOrganisationMembers", "RemoveSecondFactor",
    "ListOrganisationSuppressions", "RemoveOrganisationSuppression", "GetRetention", "GetPlanLimits",
    "GetQueueOverview", "GetAbuseFigures", "ListOperatorEntries",
}  # fmt: skip


def test_every_method_is_covered() -> None:
    assert RIGHT.keys() | BODILESS == {route.method.name for route in ROUTES}


WRITES = [route for route in ROUTES if route.method.name in RIGHT]
READS = [route for route in ROUTES if route.method.name in BODILESS]

VALUES: list[Any] = [True, 7, 7.5, "text", ["text"], [7], [None], [["text"]], [{}], {"a": 7}, {"a": "b"}]


def accepts(field: FieldDescriptor, value: Any) -> bool:
    """True if a value has the type that the contract or the dialect's wider shapes give a field."""
    if field.name == "tags":
        return value == [{}] or value == {"a": "b"}
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return bool(value == {"a": "b"})
    if field.is_repeated:
        inner = [{}] if field.message_type is not None else ["text"]
        return bool(value == inner) or (value == "text" and field.name in ("to", "cc", "bcc", "reply_to"))
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return isinstance(value, str)
    if field.cpp_type in (FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64):
        return type(value) is int
    if field.message_type is not None and field.message_type.file.package == "zidimail.v1":
        # Unknown fields are ignored (C-50).
        return isinstance(value, dict)
    return field.cpp_type == FieldDescriptor.CPPTYPE_BOOL and value is True


def wrong_types(descriptor: Descriptor) -> Iterator[tuple[str, Any]]:
    """Each field with each value of a wrong type; to JSON a hidden field is an unknown one (C-50)."""
    shape = REQUESTS.get(descriptor.name)
    hidden = shape.hidden if shape else ()
    for field in descriptor.fields:
        if field.name in hidden:
            continue
        for value in VALUES:
            if not accepts(field, value):
                yield field.name, value


def spoiled() -> Iterator[Any]:
    """Each body route with each of its bodies that are wrong in one field."""
    for route in WRITES:
        right = RIGHT[route.method.name]
        for name, value in wrong_types(route.method.input_type):
            if name not in route.parameters:
                yield pytest.param(route, {**right, name: value}, id=f"{route.method.name}-{name}-{value!r}")
        if route.method.name == "BatchSendEmails":
            for name, value in wrong_types(route.method.input_type.fields_by_name["emails"].message_type):
                yield pytest.param(
                    route, {"emails": [EMAIL, {**EMAIL, name: value}]}, id=f"batch-{name}-{value!r}"
                )


OF_SESSIONS = (
    "/v1/api-keys",
    "/v1/auth",
    "/v1/organisation",
    "/v1/members",
    "/v1/invitations",
    "/v1/audit-log",
    "/v1/erasures",
    "/v1/exports",
    "/v1/contacts",
    "/v1/contact-lists",
    "/v1/contact-list-sends",
    "/v1/billing",
)
STORED = ("emails", "domains", "webhooks", "suppressions")
STORED_BY_SESSIONS = ("api-keys", "contacts", "contact-lists", "contact-list-sends")


class Org:
    """One organisation: clients with each of its credentials, and the counts of its stored objects."""

    def __init__(
        self, api: httpx.Client, session: httpx.Client, operator: httpx.Client, description: Description
    ) -> None:
        self._api = api
        self._session = session
        self._operator = operator
        self._description = description

    def call(self, route: Route, query: str = "", **request: Any) -> httpx.Response:
        """Calls a route with the credential that it takes; its parameters name nothing."""
        return self.call_on(route, NOWHERE, query, **request)

    def call_on(self, route: Route, name: str, query: str = "", **request: Any) -> httpx.Response:
        """Calls a route on what has this id, if anything has."""
        path = re.sub(r"{\w+}", lambda _: name, route.path)
        client = self._session if route.path.startswith(OF_SESSIONS) else self._api
        if route.path.startswith("/v1/admin"):
            client = self._operator
        return client.request(route.verb, f"{path}?{query}", **request)

    def stored(self) -> list[int]:
        """The number of stored objects of each kind."""
        lists = [self._api.get(f"/v1/{name}") for name in STORED]
        lists += [self._session.get(f"/v1/{name}") for name in STORED_BY_SESSIONS]
        return [answer.json()["total"] for answer in lists]

    def assert_refused(self, answer: httpx.Response, *statuses: int) -> None:
        """Checks the status, and the body against the description."""
        assert answer.status_code in statuses, answer.text
        self._description.check(answer)
        assert answer.json()["statusCode"] == answer.status_code


@pytest.fixture(scope="module")
def org(
    other_api: httpx.Client, other_session: httpx.Client, operator: httpx.Client, description: Description
) -> Org:
    return Org(other_api, other_session, operator, description)


@pytest.fixture(scope="module", autouse=True)
def nothing_is_stored(org: Org) -> Iterator[None]:
    """Of everything in this file."""
    before = org.stored()
    yield
    assert org.stored() == before


@pytest.mark.parametrize(("route", "body"), [*spoiled()])
def test_value_of_a_wrong_type_is_refused_by_field(org: Org, route: Route, body: dict[str, Any]) -> None:
    answer = org.call(route, json=body)
    org.assert_refused(answer, 422)
    right = RIGHT[route.method.name]
    (wrong,) = [name for name, value in body.items() if right.get(name) != value]
    assert all(error["field"].startswith(wrong) for error in answer.json()["errors"])


BODIES = {
    "truncated": (b'{"from": "a', 400),
    "no-object": (b'"text"', 400),
    "trailing": (b"{} {}", 400),
    "latin-1": ('{"subject": "Größe", "name": "ö"}'.encode("latin-1"), 415),
    "utf-16": ('{"subject": "x"}'.encode("utf-16"), 415),
    "lone-surrogate": (b'{"subject": "\\udc00"}', 400),
    "nan": (b'{"subject": NaN}', 400),
    "deep-arrays": (b"[" * 500_000, 400),
    "deep-objects": (b'{"a":' * 200_000, 400),
    "deep-and-closed": (b'{"x":' * 5_000 + b"1" + b"}" * 5_000, 400),
    "huge": (b'{"x": "' + b"x" * (2 << 20) + b'"}', 413),
    "xml": (b"<email/>", 400),
    "gzip": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", 415),
}


@pytest.mark.parametrize("route", WRITES, ids=lambda route: route.method.name)
@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_no_json_object_is_refused(org: Org, route: Route, name: str) -> None:
    body, status = BODIES[name]
    org.assert_refused(org.call(route, content=body), status)


@pytest.mark.parametrize("route", WRITES, ids=lambda route: route.method.name)
def test_a_body_of_another_media_type_is_refused(org: Org, route: Route) -> None:
    org.assert_refused(org.call(route, content=b"{}", headers={"content-type": "text/xml"}), 415)


def test_unknown_fields_of_any_value_are_ignored(org: Org, api: httpx.Client) -> None:
    """C-50; the owner's key, so that the mail counts elsewhere."""
    body = {**EMAIL, "": 1, "__proto__": {}, "reply-to": 5, "audience_id": None, "é\0": [[[]]]}
    assert api.post("/v1/emails", json=body).status_code == 200


def test_last_of_duplicate_json_keys_counts(org: Org, other_api: httpx.Client) -> None:
    body = b'{"from":"a@mail.example.net","to":"b@example.org","text":"t","subject":"right","subject":""}'
    org.assert_refused(other_api.post("/v1/emails", content=body), 422)


INJECTIONS = ["a\r\nBcc: victim@example.org", "a\nX-Injected: 1", "a\rb", "a\0b", "a\r\n\r\nbody", "\n"]


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: {"subject": text},
        lambda text: {"from": f"{text} <a@mail.example.net>"},
        lambda text: {"from": f"{text}@mail.example.net"},
        lambda text: {"to": [f"{text} <b@example.org>"]},
        lambda text: {"to": [f"b@example.org{text}"]},
        lambda text: {"cc": [f"{text} <b@example.org>"]},
        lambda text: {"bcc": [f"{text}@example.org"]},
        lambda text: {"reply_to": [f"{text} <b@example.org>"]},
        lambda text: {"headers": {"X-A": text}},
        lambda text: {"headers": {f"X-{text}": "a"}},
    ],
    ids=["subject", "from-name", "from", "to-name", "to", "cc-name", "bcc", "reply-to-name", "value", "name"],
)
def test_line_break_in_a_header_value_is_refused(
    org: Org, other_api: httpx.Client, text: str, spoil: Any
) -> None:
    """C-36, RFC 5322 section 2.2."""
    body = {**EMAIL, "from": "a@mail.example.net", **spoil(text)}
    org.assert_refused(other_api.post("/v1/emails", json=body), 422)
    batch = other_api.post("/v1/emails/batch", json=[body])
    org.assert_refused(batch, 422)


@pytest.mark.parametrize(
    "body",
    [
        {"name": "a\0b", "domain": "a\0b.example.com", "url": "https://127.0.0.1/\0", "events": ["\0"]},
        {"name": "x" * 100_000, "domain": "x" * 100_000, "url": "https://" + "x" * 100_000, "events": ["x"]},
        {"name": [], "domain": {}, "url": 1, "events": {}},
    ],
    ids=["nul", "long", "types"],
)
@pytest.mark.parametrize("name", ["CreateDomain", "CreateApiKey", "CreateWebhook"])
def test_settings_requests_are_as_strict(org: Org, name: str, body: dict[str, Any]) -> None:
    (route,) = [route for route in WRITES if route.method.name == name]
    org.assert_refused(org.call(route, json=body), 422)


IDS = ["x", "%00", "%ff", "%F0%9F%92%A9", "..%2F..", "0" * 10_000, "'%20OR%201=1", "%7B%7D", NOWHERE.upper()]


@pytest.mark.parametrize("id", IDS, ids=lambda id: id[:20])
@pytest.mark.parametrize(
    "route", [route for route in WRITES + READS if route.parameters], ids=lambda route: route.method.name
)
def test_malformed_id_is_not_found_or_refused(org: Org, route: Route, id: str) -> None:
    org.assert_refused(org.call_on(route, id), 404, 422)


NUMBERS = ["", "-1", "1.5", "-9999999999", "%00", "%ff", "1e2", "0"]
PAGED = [
    (route, name)
    for route in READS
    for name in ("limit", "page", "days")
    if name in route.method.input_type.fields_by_name
]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(
    ("route", "name"), PAGED, ids=lambda of: of if isinstance(of, str) else of.method.name
)
def test_malformed_number_in_a_query_is_refused(org: Org, route: Route, name: str, number: str) -> None:
    """C-20."""
    org.assert_refused(org.call(route, f"{name}={number}"), 422)


@pytest.mark.parametrize(
    "query",
    [
        "search=%00",
        "search=%ff",
        "search=" + "x" * 900,
        "after=%00",
        "before=x",
        "status=",
        "status=sent&status=exploded",
        "tag=%00",
        "domain=%ff",
        "since=",
        "since=yesterday",
        "until=2026-02-30T00:00:00Z",
        "until=99999-01-01T00:00:00Z",
    ],
)
def test_invalid_search_is_refused(org: Org, other_api: httpx.Client, query: str) -> None:
    org.assert_refused(other_api.get(f"/v1/emails?{query}"), 422)


@pytest.mark.parametrize(
    "query",
    ["search=%00", "after=x", "before=%ff", "origin=", "origin=wish", "origin=manual&origin=%00"],
)
def test_invalid_suppressions_are_refused(org: Org, other_api: httpx.Client, query: str) -> None:
    org.assert_refused(other_api.get(f"/v1/suppressions?{query}"), 422)


@pytest.mark.parametrize("query", ["after=%00", "after=nonsense", "types=", "types=1", "types=email.sent%00"])
def test_invalid_range_of_the_log_is_refused(org: Org, other_api: httpx.Client, query: str) -> None:
    org.assert_refused(other_api.get(f"/v1/events?{query}"), 422)
