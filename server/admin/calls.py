"""Parts of every call of an operator: the operator, the organisation, the reason."""

from server.account_health.rules import State
from server.account_health.to_proto import ACCOUNT_STATES
from server.accounts.audit import actor_of
from server.accounts.operator_log import Actor
from server.admin.acts import By
from server.admin.faults import OrganisationNotFound
from server.clock import Clock
from server.faults import ValidationFailed, Violation
from server.ids import SYSTEM_ORG_ID, is_id
from server.wire.admission import by_key, client_address
from server.wire.caller import any_caller, is_through_edge
from server.wire.interceptors import Context

MAX_REASON_LENGTH = 500
_STATES: dict[int, State] = {value: name for name, value in ACCOUNT_STATES.items()}  # type: ignore[misc]


def actor(context: Context) -> Actor:
    """The operator of the present call, with the address of the client."""
    metadata = by_key(context.invocation_metadata() or ())
    address = client_address(metadata, context.peer(), is_edge=is_through_edge())
    return actor_of(any_caller(), address)


def acting(context: Context, clock: Clock, method: str, reason: str) -> By:
    """The act of the present call, by this method of `AdminService`, now."""
    return By(actor(context), f"AdminService/{method}", clock.now_ms(), reason)


def organisation_id(text: str) -> str:
    """The id of an organisation of customers. Raises `OrganisationNotFound` for what cannot be one."""
    if not is_id(text) or text == SYSTEM_ORG_ID:
        raise OrganisationNotFound(text)
    return text


def reason(text: str, *, field: str = "reason", required: bool = False) -> str:
    """A reason without the space around it. Raises `ValidationFailed` for a long or missing one."""
    text = text.strip()
    if len(text) > MAX_REASON_LENGTH:
        raise ValidationFailed([Violation(field, f"must have at most {MAX_REASON_LENGTH} characters")])
    if required and not text:
        raise ValidationFailed([Violation(field, "is required: it is kept in the log")])
    return text


def state_of(value: int) -> State:
    """The state of an account. Raises `ValidationFailed`."""
    if value not in _STATES:
        raise ValidationFailed([Violation("state", f"must be one of {', '.join(_STATES.values())}")])
    return _STATES[value]
