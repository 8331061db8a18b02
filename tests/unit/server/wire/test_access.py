"""Access rules: every kind of caller against every kind of rule (contract rows C-9, C-76, C-77, F-7)."""

from typing import get_args

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor
from zidimail.v1 import access_pb2, email_service_pb2

from server.faults import Fault
from server.wire.access import AccessRule, access_rules
from server.wire.caller import (
    AnonymousCaller,
    Caller,
    InternalCaller,
    KeyCaller,
    OperatorCaller,
    PermissionName,
    RoleName,
    SessionCaller,
)
from server.wire.faults import MissingCredentials, MissingPermission, MissingRole, WrongCredentialKind

PERMISSIONS: tuple[PermissionName, ...] = get_args(PermissionName)
ROLES: tuple[RoleName, ...] = get_args(RoleName)


def key(permission: PermissionName) -> KeyCaller:
    return KeyCaller("org", "key", permission)


def session(role: RoleName, *, is_operator: bool = False) -> SessionCaller:
    return SessionCaller("org", "user", role, 0, is_operator)


CALLERS: dict[str, Caller] = {
    "anonymous": AnonymousCaller(),
    **{f"{permission} key": key(permission) for permission in PERMISSIONS},
    **{f"{role} session": session(role) for role in ROLES},
    "operator's session": session("read_only", is_operator=True),
    "operator token": OperatorCaller("token"),
    "internal": InternalCaller(),
}
RULES = {
    "open": AccessRule(("none",)),
    "sends": AccessRule(("api_key",), ("send_only",)),
    "reads": AccessRule(("api_key", "session"), ("read_only",), "read_only", on_behalf=True),
    "reads or sends": AccessRule(
        ("api_key", "session"), ("send_only", "read_only"), "member", on_behalf=True
    ),
    "changes": AccessRule(("session", "api_key"), ("full",), "admin", on_behalf=True),
    "bills": AccessRule(("session",), role="owner", in_person=True),
    "operates": AccessRule(("operator",)),
    "closes": AccessRule(("session", "operator"), role="owner", on_behalf=True),
    "reports": AccessRule(("internal",)),
    "asks": AccessRule(
        ("api_key", "session", "operator", "internal"),
        ("send_only", "read_only"),
        "read_only",
        on_behalf=True,
    ),
}
KEYS = {f"{permission} key" for permission in PERMISSIONS}
SESSIONS = {f"{role} session" for role in ROLES}
ADMITTED = {
    "open": set(CALLERS),
    "sends": {"full key", "send_only key"},
    "reads": {"full key", "read_only key", "operator's session", *SESSIONS},
    "reads or sends": KEYS | SESSIONS - {"read_only session"},
    "changes": {"full key", "admin session", "owner session"},
    "bills": {"owner session"},
    "operates": {"operator's session", "operator token"},
    "closes": {"owner session", "operator's session", "operator token"},
    "reports": {"internal"},
    "asks": set(CALLERS) - {"anonymous"},
}


def fault_of(rule: AccessRule, caller: Caller) -> Fault | None:
    try:
        rule.check(caller)
    except Fault as fault:
        return fault
    return None


@pytest.mark.parametrize("name", RULES)
def test_a_rule_admits_exactly_these_callers(name: str) -> None:
    admitted = {label for label, caller in CALLERS.items() if fault_of(RULES[name], caller) is None}
    assert admitted == ADMITTED[name]


@pytest.mark.parametrize("name", [name for name in RULES if name != "open"])
def test_missing_credential_is_unauthenticated(name: str) -> None:
    assert isinstance(fault_of(RULES[name], AnonymousCaller()), MissingCredentials)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("label", [label for label in CALLERS if label != "anonymous"])
def test_wrong_kind_of_credential_names_the_first_kind_admitted(name: str, label: str) -> None:
    rule, caller = RULES[name], CALLERS[label]
    fault = fault_of(rule, caller)
    if rule.is_open or caller.credential in rule.credentials or fault is None:
        assert not isinstance(fault, WrongCredentialKind)
    else:
        assert isinstance(fault, WrongCredentialKind)
        assert fault.metadata == {"needed": rule.credentials[0]}


def test_key_without_permission_is_refused_with_both_permissions() -> None:
    fault = fault_of(RULES["changes"], key("read_only"))
    assert isinstance(fault, MissingPermission)
    assert fault.metadata == {"permission": "read_only", "needed": "full"}
    several = fault_of(AccessRule(("api_key",), ("full", "read_only")), key("send_only"))
    assert several is not None
    assert several.metadata == {"permission": "send_only", "needed": "full, read_only"}


def test_lesser_role_is_refused_with_the_required_role() -> None:
    fault = fault_of(RULES["changes"], session("member"))
    assert isinstance(fault, MissingRole)
    assert fault.reason == "MISSING_PERMISSION"
    assert fault.metadata == {"permission": "member", "needed": "admin"}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_every_lesser_role_may(role: RoleName) -> None:
    needed = ROLES[: ROLES.index(role) + 1]
    admitted = [
        least
        for least in ROLES
        if fault_of(AccessRule(("session",), role=least, on_behalf=True), session(role)) is None
    ]
    assert admitted == list(needed)


# Rules of the contract.


def service_of(access: access_pb2.Access | None) -> ServiceDescriptor:
    """A service `Test.Do` with an access rule of its own."""
    file = descriptor_pb2.FileDescriptorProto(
        name="test.proto", package="test", dependency=["zidimail/v1/access.proto"], syntax="proto3"
    )
    file.message_type.add(name="Empty")
    method = file.service.add(name="Test").method.add(
        name="Do", input_type=".test.Empty", output_type=".test.Empty"
    )
    if access is not None:
        method.options.Extensions[access_pb2.access].CopyFrom(access)
    pool = descriptor_pool.DescriptorPool()
    for needed in (descriptor_pb2.DESCRIPTOR, access_pb2.DESCRIPTOR):
        pool.AddSerializedFile(needed.serialized_pb)
    pool.Add(file)
    return pool.FindServiceByName("test.Test")


def access(
    *credentials: access_pb2.Credential,
    permissions: tuple[access_pb2.Permission, ...] = (),
    role: access_pb2.Role = access_pb2.ROLE_UNSPECIFIED,
) -> access_pb2.Access:
    return access_pb2.Access(credentials=credentials, permissions=permissions, role=role)


def test_rules_are_read_from_the_contract() -> None:
    rules = access_rules([email_service_pb2.DESCRIPTOR.services_by_name["EmailService"]])
    assert rules["/zidimail.v1.EmailService/SendEmail"] == AccessRule(
        ("api_key",), ("send_only",), within_domains=True
    )
    assert rules["/zidimail.v1.EmailService/GetEmail"] == AccessRule(
        ("api_key", "session"), ("read_only", "send_only"), "read_only", within_domains=True, on_behalf=True
    )


def test_key_that_is_bound_to_domains_needs_a_method_that_keeps_to_them() -> None:
    """C-90: unless a method says so, it does not."""
    bound = KeyCaller("org", "key", "full", frozenset({"a.test"}))
    fault = fault_of(AccessRule(("api_key",), ("full",)), bound)
    assert isinstance(fault, WrongCredentialKind)
    assert fault.metadata == {"needed": "unbound_key"}
    assert fault_of(AccessRule(("api_key",), ("full",), within_domains=True), bound) is None


KEY, SESSION, NONE = (
    access_pb2.CREDENTIAL_API_KEY,
    access_pb2.CREDENTIAL_SESSION,
    access_pb2.CREDENTIAL_NONE,
)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (None, "names no kind of credential"),
        (access(), "names no kind of credential"),
        (access(access_pb2.CREDENTIAL_UNSPECIFIED), "an unknown value"),
        (access(NONE, SESSION, role=access_pb2.ROLE_OWNER), "is open to everyone"),
        (access(KEY), "must name permissions"),
        (access(KEY, permissions=(access_pb2.PERMISSION_UNSPECIFIED,)), "an unknown value"),
        (access(NONE, permissions=(access_pb2.PERMISSION_FULL,)), "must name permissions"),
        (access(SESSION), "must name a role"),
        (access(access_pb2.CREDENTIAL_INTERNAL, role=access_pb2.ROLE_OWNER), "must name a role"),
        (access(SESSION, role=access_pb2.ROLE_OWNER), "must say in_person or on_behalf"),
    ],
)
def test_method_without_a_valid_rule_fails_at_start(given: access_pb2.Access | None, problem: str) -> None:
    with pytest.raises(ValueError, match=rf"test\.Test\.Do .*{problem}"):
        access_rules([service_of(given)])
