"""The access rule of each method, read from the contract (`protos/zidimail/v1/access.proto`)."""

from collections.abc import Iterable
from dataclasses import dataclass

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from zidimail.v1 import access_pb2

from server.wire.caller import Caller
from server.wire.faults import MissingPermission, WrongCredentialKind

_CREDENTIALS = {access_pb2.CREDENTIAL_API_KEY: "api_key", access_pb2.CREDENTIAL_SESSION: "session"}
_PERMISSIONS = {
    access_pb2.PERMISSION_FULL: "full",
    access_pb2.PERMISSION_SEND_ONLY: "send_only",
    access_pb2.PERMISSION_READ_ONLY: "read_only",
}


@dataclass(frozen=True, slots=True)
class AccessRule:
    """Who may call a method."""

    credentials: frozenset[str]
    permission: str

    def check(self, caller: Caller) -> None:
        """Raises `WrongCredentialKind` or `MissingPermission` if the caller may not call."""
        if caller.credential not in self.credentials:
            raise WrongCredentialKind(min(self.credentials))
        if caller.permission not in {"full", self.permission}:
            raise MissingPermission(caller.permission, self.permission)


def access_rules(services: Iterable[ServiceDescriptor]) -> dict[str, AccessRule]:
    """The rule of every method of the services, by full method path (`/package.Service/Method`).

    Raises ValueError for a method that has none: nothing is open by oversight.
    """
    return {
        f"/{service.full_name}/{method.name}": _rule_of(method)
        for service in services
        for method in service.methods
    }


def _rule_of(method: MethodDescriptor) -> AccessRule:
    access: access_pb2.Access = method.GetOptions().Extensions[access_pb2.access]  # type: ignore[index]
    if not access.credentials or access.permission not in _PERMISSIONS:
        raise ValueError(f"{method.full_name} has no access rule")
    return AccessRule(
        frozenset(_CREDENTIALS[credential] for credential in access.credentials),
        _PERMISSIONS[access.permission],
    )
