"""Records who changed what in an organisation, who came into it, and who took its data, for its owners."""

from collections.abc import Mapping

from google.protobuf.message import Message

from server.accounts import audit_store, operator_log
from server.accounts.audit_store import NewEntry
from server.accounts.operator_log import Act, Actor
from server.clock import Clock
from server.db.writer import Writer
from server.ids import new_id
from server.wire.access import AccessRule
from server.wire.caller import (
    Caller,
    KeyCaller,
    OperatorCaller,
    SessionCaller,
    any_caller,
    identified_person,
)

_READS = ("Get", "List", "Watch")
_ACCOUNTS = "/zidimail.v1.AccountService/"
# Reads that take all of an organisation's data away.
_DOWNLOADS = frozenset({f"{_ACCOUNTS}GetExportFile"})
# Acts of people that change nothing until they are finished by another call, or by a link.
_BEGINNINGS = frozenset(
    f"{_ACCOUNTS}{name}" for name in ("Register", "RequestPasswordReset", "BeginOidcLogin", "BeginTotp")
)
# Acts on a person's account, which all organisations of that person depend on.
_ON_ACCOUNTS = frozenset(
    f"{_ACCOUNTS}{name}"
    for name in (
        *("ResetPassword", "ChangePassword", "ActivateTotp", "DeactivateTotp", "RenewRecoveryCodes"),
        *("ActivateIdentity", "DeactivateIdentity"),
    )
)
# The fields that name the object of a request, or the new object in its answer.
_IDS = ("id", "export_id", "webhook_id", "id_or_email", "subscription_id")
_LONGEST_ID = 256
# Operators' requests name an organisation by it; their changes are recorded in their own transactions.
_OF_OPERATORS = "organisation_id"


class Audit:
    """Records calls that have changed settings or a person's account, logins, and downloads of all data.

    Sends are in the log of events, and so are contacts; other reads change nothing. In a session that an
    operator opened on behalf of a member all changes are recorded, sends included, as the operator's.
    Operators' looks at the data of an organisation are in the log of operators.

    The entry is a transaction of its own after that of the call, which is answered when both are durable.
    A download is recorded before its first byte.
    """

    def __init__(self, writer: Writer, clock: Clock, rules: Mapping[str, AccessRule]) -> None:
        """`rules` are those of every method, by full method path."""
        self._writer = writer
        self._clock = clock
        self._acts = frozenset(path for path, rule in rules.items() if _is_act(path, rule))
        self._of_people = frozenset(
            path for path, rule in rules.items() if "session" in rule.credentials and not _reads(path)
        )
        self._looks = frozenset(
            path for path, rule in rules.items() if rule.credentials == ("operator",) and _reads(path)
        )

    def records(self, path: str) -> bool:
        """True if calls of this method are recorded, be it for some callers only."""
        return path in self._acts or path in self._of_people or path in self._looks

    async def record(self, path: str, request: Message, response: Message | None, address: str) -> None:
        """Records a call that succeeded, or a download that begins; `address` is the client's.

        Raises `Unavailable`.
        """
        caller, method, now = any_caller(), path.removeprefix("/zidimail.v1."), self._clock.now_ms()
        if path in self._looks:
            org_id = getattr(request, _OF_OPERATORS, "")
            if org_id:
                act = Act(method=method, org_id=org_id)
                await self._writer.run(operator_log.record, actor_of(caller, address), act, now)
            return
        by_operator = isinstance(caller, SessionCaller) and bool(caller.operator_id)
        if path not in self._acts and not by_operator:
            return
        if isinstance(caller, KeyCaller):
            org_id, kind, actor_id = caller.org_id, caller.credential, caller.key_id
        elif (person := identified_person()) is not None:
            org_id, kind, actor_id = person.org_id, SessionCaller.credential, person.user_id
        elif isinstance(caller, SessionCaller):
            org_id, kind, actor_id = caller.org_id, caller.credential, caller.user_id
        else:
            return
        target_id = _id_in(request) or ("" if response is None else _id_in(response))
        entry = NewEntry(org_id, new_id(), now, method, target_id[:_LONGEST_ID], kind, actor_id, address)
        if isinstance(caller, SessionCaller) and by_operator:
            entry = entry._replace(
                actor="operator", actor_id=caller.operator_id, actor_name=caller.operator_name, address=""
            )
        if path in _ON_ACCOUNTS:
            await self._writer.run(audit_store.add_for_user, entry)
        else:
            await self._writer.run(audit_store.add, entry)


def actor_of(caller: Caller, address: str) -> Actor:
    """The operator of a call of `AdminService`: a token or a user."""
    if isinstance(caller, OperatorCaller):
        return Actor("operator", caller.token_id, caller.name, address)
    if isinstance(caller, SessionCaller):
        return Actor("session", caller.user_id, caller.user_email, address)
    raise LookupError(f"a caller of the kind {caller.credential} is no operator")


def _is_act(path: str, rule: AccessRule) -> bool:
    if path in _DOWNLOADS:
        return True
    if _reads(path) or path in _BEGINNINGS:
        return False
    if path.startswith(_ACCOUNTS):
        return True
    return rule.permissions == ("full",) or rule.role in ("admin", "owner")


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
