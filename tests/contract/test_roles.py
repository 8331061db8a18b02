"""The access rule of every method, held against every role, and against operators (C-76, C-77, F-14)."""

from collections.abc import Iterator

import pytest
import zidimail.v1
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from edge.transcoding.response_shape import is_secret
from server.faults import Fault
from server.permissions import RoleName
from server.wire.access import ROLES, AccessRule, access_rules
from server.wire.caller import Caller, OperatorCaller, SessionCaller
from server.wire.faults import (
    ImpersonationNotAllowed,
    MissingRole,
    OperatorSecondFactorRequired,
    WrongCredentialKind,
)
from server.wire.registration import services_of
from tests.contract.methods import METHODS
from tests.contract.rows import OPEN, OPERATOR, ROWS, J

RULES = access_rules(services_of(zidimail.v1))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", METHODS)
def test_each_method_admits_sessions_from_its_least_role_on(name: str, role: RoleName) -> None:
    """C-77; a user marked as operator has no more than the role says, but for the methods of operators."""
    row, rule = ROWS[name], RULES[METHODS[name].grpc_path]
    only_operators = row.kinds == OPERATOR
    ranks = list(ROLES)
    wanted: type[Fault] | None = None
    if row.kinds == OPEN:
        pass
    elif J not in row.kinds:
        wanted = WrongCredentialKind
    elif ranks.index(role) < ranks.index(row.role):
        wanted = MissingRole
    for is_operator in (False, True):
        refusal = type_of_refusal(rule, SessionCaller("org", "user", role, 0, is_operator))
        assert refusal is (None if only_operators and is_operator else wanted)


@pytest.mark.parametrize("name", METHODS)
def test_operators_need_their_second_factor_where_only_operators_may_call(name: str) -> None:
    """C-76: elsewhere a session is worth what its role says, as before."""
    caller = SessionCaller("org", "user", "owner", 0, lacks_second_factor=True)
    refusal = type_of_refusal(RULES[METHODS[name].grpc_path], caller)
    wanted = OperatorSecondFactorRequired if ROWS[name].kinds == OPERATOR else WrongCredentialKind
    assert refusal is (None if J in ROWS[name].kinds or ROWS[name].kinds == OPEN else wanted)


# The acts that a person must do itself (F-14): those on its own account and payments, on who else has access,
# on keys, on where events and copies of all data go, and each that shows a lasting secret.
IN_PERSON = {
    *(
        f"AccountService.{name}"
        for name in (
            *("ChangePassword", "BeginTotp", "ActivateTotp", "DeactivateTotp", "RenewRecoveryCodes"),
            *("GetSignInMethods", "DeactivateIdentity", "ActivateIdentity", "SwitchOrganisation"),
            *("LeaveOrganisation", "CloseOrganisation", "UpdateMember", "DeleteMember", "CreateInvitation"),
            *("CreateExport", "GetExportFile"),
        )
    ),
    *(f"BillingService.{name}" for name in ("Subscribe", "ChangeSubscription", "CancelSubscription")),
    *(f"WebhookService.{name}" for name in ("CreateWebhook", "UpdateWebhook", "RotateWebhookSecret")),
    "ApiKeyService.CreateApiKey",
}
READS = ("Get", "List", "Watch")
# The session's own token, which its holder has.
OF_THE_SESSION = {"zidimail.v1.GetSessionResponse.token"}


@pytest.mark.parametrize("name", METHODS)
def test_session_that_an_operator_opened_does_nothing_in_the_persons_own_name(name: str) -> None:
    caller = SessionCaller("org", "user", "owner", 0, operator_id="operator")
    refusal = type_of_refusal(RULES[METHODS[name].grpc_path], caller)
    admitted = J in ROWS[name].kinds or ROWS[name].kinds == OPEN
    assert refusal is (
        ImpersonationNotAllowed if name in IN_PERSON else None if admitted else WrongCredentialKind
    )


@pytest.mark.parametrize("name", METHODS)
def test_session_that_an_operator_opened_is_shown_no_secret(name: str) -> None:
    """A secret outlasts the session: whatever method shows one is the person's own."""
    secrets = filter(is_secret, fields_below(METHODS[name].descriptor.output_type))
    shown = {field.full_name for field in secrets} - OF_THE_SESSION
    owner = SessionCaller("org", "user", "owner", 0, operator_id="operator")
    is_open = J in ROWS[name].kinds and type_of_refusal(RULES[METHODS[name].grpc_path], owner) is None
    assert not (is_open and shown), shown


def test_method_that_does_not_say_whether_it_may_be_called_on_behalf_is_refused() -> None:
    """A new method of sessions needs a decision: without one a server does not start."""
    with pytest.raises(ValueError, match="in_person or on_behalf"):
        AccessRule(("session",), role="admin")


@pytest.mark.parametrize("name", METHODS)
def test_reading_session_that_an_operator_opened_changes_nothing(name: str) -> None:
    """But that it can end itself."""
    reader = SessionCaller("org", "user", "read_only", 0, operator_id="operator")
    if J not in ROWS[name].kinds or type_of_refusal(RULES[METHODS[name].grpc_path], reader):
        return
    assert name.partition(".")[2].startswith(READS) or name == "AccountService.Logout"


@pytest.mark.parametrize("name", METHODS)
def test_operator_tokens_open_no_method_of_organisations(name: str) -> None:
    """C-76: beside its own service all that such a program may ask is who it is."""
    refusal = type_of_refusal(RULES[METHODS[name].grpc_path], OperatorCaller("token"))
    is_open = OPERATOR in ROWS[name].kinds or ROWS[name].kinds == OPEN
    assert refusal is (None if is_open else WrongCredentialKind)


def fields_below(message: Descriptor) -> Iterator[FieldDescriptor]:
    """The fields of a message, and those of the messages in it."""
    waiting, seen = [message], {message.full_name}
    for found in waiting:
        for field in found.fields:
            yield field
            if field.message_type is not None and field.message_type.full_name not in seen:
                seen.add(field.message_type.full_name)
                waiting.append(field.message_type)


def type_of_refusal(rule: AccessRule, caller: Caller) -> type[Fault] | None:
    """The class of the fault with which a rule refuses a caller; None if it admits it."""
    try:
        rule.check(caller)
    except Fault as fault:
        return type(fault)
    return None
