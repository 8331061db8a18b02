"""Records who changed what in an organisation, for its owners."""

from collections.abc import Mapping

from google.protobuf.message import Message

from server.accounts import audit_store, operator_log
from server.accounts.audit_store import NewEntry
from server.accounts.operator_log import Act, Actor
from server.clock import Clock
from server.db.writer import Writer
from server.ids import new_id
from server.wire.access import AccessRule
from server.wire.caller import Caller, KeyCaller, OperatorCaller, SessionCaller, any_caller

_READS = ("Get", "List", "Watch")
# Changes of people's own accounts; all else that needs no more than to be a member only reads.
_OWN = frozenset(
    {"LeaveOrganisation", "ChangePassword", "ActivateTotp", "DeactivateTotp", "RenewRecoveryCodes"}
)
# The fields that name the object of a request, or the new object in its answer.
_IDS = ("id", "webhook_id", "id_or_email", "subscription_id", "org_id")
_LONGEST_ID = 256
# Operators' requests name an organisation by it; their changes are recorded in their own transactions.
_OF_OPERATORS = "organisation_id"


class Audit:
    """Records calls that have changed settings. Sends are in the log of events, and reads change nothing.

    In a session that an operator opened on behalf of a member all changes are recorded, sends included, as
    the operator's. Operators' looks at the data of an organisation are in the log of operators.

    The entry is a transaction of its own after that of the call, which is answered when both are durable.
    """

    def __init__(self, writer: Writer, clock: Clock, rules: Mapping[str, AccessRule]) -> None:
        """`rules` are those of every method, by full method path."""
        self._writer = writer
        self._clock = clock
        self._settings = frozenset(path for path, rule in rules.items() if _changes(path, rule))
        self._of_people = frozenset(
            path for path, rule in rules.items() if "session" in rule.credentials and not _reads(path)
        )
        self._looks = frozenset(
            path for path, rule in rules.items() if rule.credentials == ("operator",) and _reads(path)
        )

    def records(self, path: str) -> bool:
        """True if calls of this method are recorded, be it for some callers only."""
        return path in self._settings or path in self._of_people or path in self._looks

    async def record(self, path: str, request: Message, response: Message, address: str) -> None:
        """Records a call of the present caller that succeeded; `address` is the client's.

        Raises `Unavailable`.
        """
        caller, method, now = any_caller(), path.removeprefix("/zidimail.v1."), self._clock.now_ms()
        if path in self._looks:
            org_id = getattr(request, _OF_OPERATORS, "")
            if org_id:
                act = Act(method=method, org_id=org_id)
                await self._writer.run(operator_log.record, actor_of(caller, address), act, now)
            return
        if not isinstance(caller, KeyCaller | SessionCaller):
            return
        by_operator = isinstance(caller, SessionCaller) and bool(caller.operator_id)
        if path not in self._settings and not by_operator:
            return
        entry = NewEntry(
            caller.org_id,
            new_id(),
            now,
            method,
            (_id_in(request) or _id_in(response))[:_LONGEST_ID],
            caller.credential,
            caller.key_id if isinstance(caller, KeyCaller) else caller.user_id,
            address,
        )
        if isinstance(caller, SessionCaller) and by_operator:
            entry = entry._replace(
                actor="operator", actor_id=caller.operator_id, actor_name=caller.operator_name, address=""
            )
        await self._writer.run(audit_store.add, entry)


def actor_of(caller: Caller, address: str) -> Actor:
    """The operator of a call of `AdminService`: a token or a user."""
    if isinstance(caller, OperatorCaller):
        return Actor("operator", caller.token_id, caller.name, address)
    if isinstance(caller, SessionCaller):
        return Actor("session", caller.user_id, caller.user_email, address)
    raise LookupError(f"a caller of the kind {caller.credential} is no operator")


def _changes(path: str, rule: AccessRule) -> bool:
    method = path.rpartition("/")[2]
    if _reads(path):
        return False
    return method in _OWN or rule.permissions == ("full",) or rule.role in ("admin", "owner")


def _reads(path: str) -> bool:
    return path.rpartition("/")[2].startswith(_READS)


def _id_in(message: Message) -> str:
    """The id of the object that a message is about; empty for none. Answers may hold it one level deeper."""
    fields = message.DESCRIPTOR.fields_by_name
    for name in _IDS:
        if name in fields and isinstance(value := getattr(message, name), str) and value:
            return value
    for field, value in message.ListFields():
        if (
            field.message_type is not None
            and not field.is_repeated
            and "id" in field.message_type.fields_by_name
        ):
            return str(value.id)
    return ""
