"""Who calls: set by the interceptor for the length of a call."""

from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Literal, Protocol

CredentialKind = Literal["api_key", "session"]
PermissionName = Literal["full", "send_only", "read_only"]

_current: ContextVar["Caller"] = ContextVar("caller")


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller: its organisation, and what its credential allows."""

    org_id: str
    credential: CredentialKind
    permission: PermissionName
    key_id: str | None = None
    user_id: str | None = None
    # From which domains it may send; empty: all of the organisation's (F-7).
    allowed_domains: frozenset[str] = frozenset()
    # From where it may call; empty: from everywhere (F-7).
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    # What it sends never leaves the building and uses no quota (F-5).
    test: bool = False


class Authenticator(Protocol):
    """Tells who a credential belongs to."""

    async def authenticate(self, token: str) -> Caller:
        """The caller whose token this is. Raises `InvalidCredentials`."""
        ...


def current_caller() -> Caller:
    """Who makes the call that is being served. Raises LookupError outside a call."""
    return _current.get()


def set_current_caller(caller: Caller) -> None:
    """Sets the caller for the rest of this task's context."""
    _current.set(caller)
