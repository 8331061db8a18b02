"""Records who changed what in an organisation, for its owners."""

from collections.abc import Mapping

from google.protobuf.message import Message

from server.accounts import audit_store
from server.accounts.audit_store import NewEntry
from server.clock import Clock
from server.db.writer import Writer
from server.ids import new_id
from server.wire.access import AccessRule
from server.wire.caller import KeyCaller, SessionCaller, any_caller

_READS = ("Get", "List", "Watch")
# Changes of people's own accounts; all else that needs no more than to be a member only reads.
_OWN = frozenset(
    {"LeaveOrganisation", "ChangePassword", "ActivateTotp", "DeactivateTotp", "RenewRecoveryCodes"}
)
# The fields that name the object of a request, or the new object in its answer.
_IDS = ("id", "webhook_id", "id_or_email", "org_id")
_LONGEST_ID = 256


class Audit:
    """Records calls that have changed settings. Sends are in the log of events, and reads change nothing.

    The entry is a transaction of its own after that of the call, which is answered when both are durable.
    """

    def __init__(self, writer: Writer, clock: Clock, rules: Mapping[str, AccessRule]) -> None:
        """`rules` are those of every method, by full method path."""
        self._writer = writer
        self._clock = clock
        self._recorded = frozenset(path for path, rule in rules.items() if _changes(path, rule))

    def records(self, path: str) -> bool:
        """True if calls of this method are recorded."""
        return path in self._recorded

    async def record(self, path: str, request: Message, response: Message, address: str) -> None:
        """Records a call of the present caller that succeeded; `address` is the client's.

        Raises `Unavailable`.
        """
        caller = any_caller()
        if not isinstance(caller, KeyCaller | SessionCaller):
            return
        actor_id = caller.key_id if isinstance(caller, KeyCaller) else caller.user_id
        entry = NewEntry(
            caller.org_id,
            new_id(),
            self._clock.now_ms(),
            path.removeprefix("/zidimail.v1."),
            (_id_in(request) or _id_in(response))[:_LONGEST_ID],
            caller.credential,
            actor_id,
            address,
        )
        await self._writer.run(audit_store.add, entry)


def _changes(path: str, rule: AccessRule) -> bool:
    method = path.rpartition("/")[2]
    if method.startswith(_READS):
        return False
    return method in _OWN or rule.permissions == ("full",) or rule.role in ("admin", "owner")


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
