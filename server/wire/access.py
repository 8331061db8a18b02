"""The access rule of each method, read from the contract (`protos/zidimail/v1/access.proto`)."""

from collections.abc import Iterable
from dataclasses import dataclass

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from zidimail.v1 import access_pb2

from server.permissions import PermissionName, RoleName
from server.wire.caller import (
    AnonymousCaller,
    Caller,
    CredentialKind,
    KeyCaller,
    SessionCaller,
)
from server.wire.faults import (
    ImpersonationNotAllowed,
    MissingCredentials,
    MissingPermission,
    MissingRole,
    OperatorSecondFactorRequired,
    WrongCredentialKind,
)

CREDENTIALS: dict[CredentialKind, access_pb2.Credential] = {
    "none": access_pb2.CREDENTIAL_NONE,
    "api_key": access_pb2.CREDENTIAL_API_KEY,
    "session": access_pb2.CREDENTIAL_SESSION,
    "operator": access_pb2.CREDENTIAL_OPERATOR,
    "internal": access_pb2.CREDENTIAL_INTERNAL,
}
PERMISSIONS: dict[PermissionName, access_pb2.Permission] = {
    "full": access_pb2.PERMISSION_FULL,
    "send_only": access_pb2.PERMISSION_SEND_ONLY,
    "read_only": access_pb2.PERMISSION_READ_ONLY,
}
# From the lowest: each role may do everything that the roles before it may (C-77).
ROLES: dict[RoleName, access_pb2.Role] = {
    "read_only": access_pb2.ROLE_READ_ONLY,
    "member": access_pb2.ROLE_MEMBER,
    "admin": access_pb2.ROLE_ADMIN,
    "owner": access_pb2.ROLE_OWNER,
}
# The services that keep to the bounds of a key that is bound to domains (C-90): what they show and change is
# of its domains. Such a key is refused by all others.
_WITHIN_DOMAINS = frozenset(
    {
        "AccessService",
        "AttachmentService",
        "BatchJobService",
        "DomainService",
        "EmailService",
        "EventService",
        "UsageService",
        "AccountService",
    }
)
# Their methods that are about the whole organisation nevertheless.
_OF_ALL_DOMAINS = frozenset({"CreateDomain", "GetEmailStats"})
_RANK = {role: rank for rank, role in enumerate(ROLES)}
_KIND_OF = {value: kind for kind, value in CREDENTIALS.items()}
_PERMISSION_OF = {value: name for name, value in PERMISSIONS.items()}
_ROLE_OF = {value: name for name, value in ROLES.items()}


@dataclass(frozen=True, slots=True)
class AccessRule:
    """The access rule of a method: kinds of credential, permissions of keys, least role of sessions.

    With `within_domains` it may be called with a key that is bound to domains. In a session that an operator
    opened on a person's behalf it may not be called with `in_person`, and may be with `on_behalf`: a method
    that sessions may call says one of both (F-14). With `sign_in` the calls of one address have a stricter
    limit (C-47).

    Raises ValueError for a rule that is incomplete or contradicts itself.
    """

    credentials: tuple[CredentialKind, ...]
    permissions: tuple[PermissionName, ...] = ()
    role: RoleName | None = None
    within_domains: bool = False
    in_person: bool = False
    sign_in: bool = False
    on_behalf: bool = False

    def __post_init__(self) -> None:
        if not self.credentials:
            raise ValueError("names no kind of credential")
        if self.is_open and len(self.credentials) > 1:
            raise ValueError("is open to everyone and names other credentials")
        if ("api_key" in self.credentials) != bool(self.permissions):
            raise ValueError("must name permissions if it names API keys, and only then")
        if ("session" in self.credentials) != (self.role is not None):
            raise ValueError("must name a role if it names sessions, and only then")
        if self.in_person and self.on_behalf:
            raise ValueError("says both in_person and on_behalf")
        if ("session" in self.credentials) != (self.in_person or self.on_behalf):
            raise ValueError("must say in_person or on_behalf if it names sessions, and only then")

    @property
    def is_open(self) -> bool:
        """True if the method needs no credential; one that is sent is ignored."""
        return "none" in self.credentials

    def check(self, caller: Caller) -> None:
        """Raises `MissingCredentials`, `WrongCredentialKind`, `MissingPermission`, `MissingRole`,
        `ImpersonationNotAllowed` or `OperatorSecondFactorRequired` if the caller may not call.

        A test key sends and reads, and changes no settings (C-87).
        """
        if self.is_open:
            return
        if isinstance(caller, AnonymousCaller):
            raise MissingCredentials
        if "operator" in self.credentials and isinstance(caller, SessionCaller):
            if caller.is_operator:
                return
            if caller.lacks_second_factor and "session" not in self.credentials:
                raise OperatorSecondFactorRequired
        if caller.credential not in self.credentials:
            raise WrongCredentialKind(self.credentials[0])
        if isinstance(caller, KeyCaller) and caller.test and self.permissions == ("full",):
            raise WrongCredentialKind("live_key")
        if isinstance(caller, KeyCaller) and caller.allowed_domains and not self.within_domains:
            raise WrongCredentialKind("unbound_key")
        if isinstance(caller, KeyCaller) and caller.permission not in ("full", *self.permissions):
            raise MissingPermission(caller.permission, ", ".join(self.permissions))
        if isinstance(caller, SessionCaller) and self.role and _RANK[caller.role] < _RANK[self.role]:
            raise MissingRole(caller.role, self.role)
        if isinstance(caller, SessionCaller) and caller.operator_id and not self.on_behalf:
            raise ImpersonationNotAllowed


def access_rules(services: Iterable[ServiceDescriptor]) -> dict[str, AccessRule]:
    """The rule of every method of the services, by full method path (`/package.Service/Method`).

    Raises ValueError for a method without a valid rule, so that no method is open by oversight.
    """
    return {
        f"/{service.full_name}/{method.name}": _rule_of(method)
        for service in services
        for method in service.methods
    }


def _rule_of(method: MethodDescriptor) -> AccessRule:
    access: access_pb2.Access = method.GetOptions().Extensions[access_pb2.access]  # type: ignore[index]
    try:
        return AccessRule(
            tuple(_KIND_OF[kind] for kind in access.credentials),
            tuple(_PERMISSION_OF[permission] for permission in access.permissions),
            _ROLE_OF[access.role] if access.role else None,
            method.containing_service.name in _WITHIN_DOMAINS and method.name not in _OF_ALL_DOMAINS,
            access.in_person,
            access.sign_in,
            access.on_behalf,
        )
    except KeyError as error:
        raise ValueError(f"the access rule of {method.full_name} names an unknown value: {error}") from None
    except ValueError as error:
        raise ValueError(f"the access rule of {method.full_name} {error}") from None
