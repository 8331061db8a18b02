"""The part of access that concerns the edge: is there a credential, and can it be passed on?"""

from __future__ import annotations

from google.protobuf.descriptor import MethodDescriptor
from zidimail.v1 import access_pb2

from edge.transcoding.status import Failure

# Longer than any credential, shorter than what gRPC takes as metadata (8 KiB).
CREDENTIAL_CHARACTERS = 4096


def is_public(method: MethodDescriptor) -> bool:
    """True if a method takes no credential (`protos/zidimail/v1/access.proto`). Without a rule: False."""
    names = [access_pb2.Credential.Name(credential) for credential in _rule(method).credentials]
    return "CREDENTIAL_NONE" in names


def is_sign_in(method: MethodDescriptor) -> bool:
    """True if the calls of a method have the stricter limit of an address (C-47)."""
    return _rule(method).sign_in


def _rule(method: MethodDescriptor) -> access_pb2.Access:
    rule: access_pb2.Access = method.GetOptions().Extensions[access_pb2.access]  # type: ignore[index]
    return rule


def checked(authorization: str) -> str:
    """A credential that a call can carry. Its worth is the server's to know.

    Raises Failure (MISSING_CREDENTIALS, INVALID_CREDENTIALS).
    """
    if not authorization:
        raise Failure("MISSING_CREDENTIALS")
    # No valid credential has characters that gRPC metadata cannot carry.
    if (
        len(authorization) > CREDENTIAL_CHARACTERS
        or not authorization.isascii()
        or not authorization.isprintable()
    ):
        raise Failure("INVALID_CREDENTIALS")
    return authorization
