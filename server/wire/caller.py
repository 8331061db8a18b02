"""The caller, which the interceptors set for the duration of a call."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import ClassVar, Literal, Protocol

from server.db.reach import ALL, Reach
from server.owner import set_current_owner
from server.permissions import PermissionName, RoleName

CredentialKind = Literal["none", "api_key", "session", "operator", "internal"]

_current: ContextVar["Caller"] = ContextVar("caller")
_through_edge: ContextVar[bool] = ContextVar("through_edge", default=False)
_person: ContextVar["Person | None"] = ContextVar("person", default=None)


@dataclass(frozen=True, slots=True)
class AnonymousCaller:
    """The caller of a method that needs no credential."""

    credential: ClassVar[CredentialKind] = "none"


@dataclass(frozen=True, slots=True)
class KeyCaller:
    """The holder of an API key, with the key's permission and bounds."""

    credential: ClassVar[CredentialKind] = "api_key"
    user_id: ClassVar[None] = None

    org_id: str
    key_id: str
    permission: PermissionName
    # The domains that it may send from, read and change; empty for all of the organisation (F-7, C-90).
    allowed_domains: frozenset[str] = frozenset()
    # The networks it may call from; empty for every network (F-7).
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    # Its mail is simulated: never sent, and charged to no quota (F-5).
    test: bool = False
    expires_at_ms: int | None = None

    @property
    def reach(self) -> Reach:
        """The mail that it may see."""
        return Reach(self.test, self.allowed_domains, self.key_id if self.permission == "send_only" else None)


@dataclass(frozen=True, slots=True)
class SessionCaller:
    """A signed-in user in one organisation; the bounds of keys do not apply."""

    credential: ClassVar[CredentialKind] = "session"
    key_id: ClassVar[None] = None
    allowed_domains: ClassVar[frozenset[str]] = frozenset()
    test: ClassVar[bool] = False
    reach: ClassVar[Reach] = ALL

    org_id: str
    user_id: str
    role: RoleName
    expires_at_ms: int
    # Such a user may also call the methods for operators (C-76).
    is_operator: bool = False
    # The address that the user signs in with; empty unless the user is an operator.
    user_email: str = field(default="", kw_only=True)
    # The session, which ends with its row (C-75).
    session_id: str = ""
    # The user is an operator and has a second factor, but the session was opened without it.
    lacks_second_factor: bool = False
    # The operator who opened the session on behalf of the user, by id and name; empty for the user's own.
    operator_id: str = ""
    operator_name: str = ""


@dataclass(frozen=True, slots=True)
class OperatorCaller:
    """A program that holds an operator token (C-76)."""

    credential: ClassVar[CredentialKind] = "operator"

    token_id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class InternalCaller:
    """A program of this installation; its requests name the organisation."""

    credential: ClassVar[CredentialKind] = "internal"


@dataclass(frozen=True, slots=True)
class Person:
    """The user whom a login or a link has identified, and the organisation that the user came into.

    `org_id` is empty if the call is about the user's account alone.
    """

    user_id: str
    org_id: str = ""


OrganisationCaller = KeyCaller | SessionCaller
Caller = OrganisationCaller | OperatorCaller | InternalCaller | AnonymousCaller


class Authenticator(Protocol):
    """Finds the caller of a bearer token."""

    async def authenticate(self, token: str) -> KeyCaller | SessionCaller | OperatorCaller:
        """The caller of `token`. Raises `InvalidCredentials`."""
        ...


def current_caller() -> OrganisationCaller:
    """The caller of the present call, who belongs to an organisation.

    Raises LookupError outside a call, and for a caller that belongs to no organisation.
    """
    caller = _current.get()
    if not isinstance(caller, OrganisationCaller):
        raise LookupError(f"a caller of the kind {caller.credential} belongs to no organisation")
    return caller


def session_caller() -> SessionCaller:
    """The caller of the present call, a signed-in user. Raises LookupError for any other."""
    caller = _current.get()
    if not isinstance(caller, SessionCaller):
        raise LookupError(f"a caller of the kind {caller.credential} has no session")
    return caller


def any_caller() -> Caller:
    """The caller of the present call, of any kind. Raises LookupError outside a call."""
    return _current.get()


def identified_person() -> Person | None:
    """The person whom the present call has identified; None if it has not, or not yet."""
    return _person.get()


def identify_person(person: Person) -> None:
    """Notes the person whom the present call has identified, for the rest of this task's context."""
    _person.set(person)


def is_through_edge() -> bool:
    """True if the present call comes from a program of this installation that calls for others (C-91)."""
    return _through_edge.get()


def set_through_edge() -> None:
    """Marks the rest of this task's context as a call of an edge."""
    _through_edge.set(True)


def set_current_caller(caller: Caller) -> None:
    """Sets the caller for the rest of this task's context, and its organisation as the owner of the work."""
    _current.set(caller)
    if isinstance(caller, OrganisationCaller):
        set_current_owner(caller.org_id)
