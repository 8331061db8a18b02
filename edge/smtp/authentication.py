"""AUTH PLAIN (RFC 4616) and LOGIN: the user is `apikey`, the password an API key (Z-56). No I/O."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Generator

from edge.smtp.replies import Refusal, Reply, refusal
from edge.transcoding.access import checked
from edge.transcoding.status import Failure

USER = "apikey"
MECHANISMS = ("PLAIN", "LOGIN")
# Octets of a line of the exchange (RFC 4954 section 4).
LINE_OCTETS = 12288

_MALFORMED = Reply(501, "5.5.2", "The response is not in base64, or has not the form of this mechanism.")

# Yields what the server says, gets what the client answers, returns the credential for the server's calls.
Exchange = Generator[Reply, bytes, str]


def exchange(argument: str) -> Exchange:
    """The exchange that AUTH begins with this argument: a mechanism, and an initial response if there is one.

    Raises Refusal (501, 504, 535).
    """
    mechanism, _, initial = argument.partition(" ")
    response = initial.strip(" ").encode() if initial else None
    match mechanism.upper():
        case "PLAIN":
            return (yield from _plain(response))
        case "LOGIN":
            return (yield from _login(response))
    raise refusal(504, "5.5.4", f"The mechanisms here are {' and '.join(MECHANISMS)}.")


def _plain(response: bytes | None) -> Exchange:
    if response is None:
        response = yield Reply(334, "", "")
    parts = _decoded(response).split(b"\0")
    if len(parts) != 3:
        raise Refusal(_MALFORMED)
    identity, user, password = parts
    if identity not in (b"", user):
        raise refusal(535, "5.7.8", "The API key cannot act for another identity: leave that empty.")
    return _credential(user, password)


def _login(response: bytes | None) -> Exchange:
    if response is None:
        response = yield Reply(334, "", "VXNlcm5hbWU6")
    user = _decoded(response)
    password = _decoded((yield Reply(334, "", "UGFzc3dvcmQ6")))
    return _credential(user, password)


def _decoded(response: bytes) -> bytes:
    if response == b"*":
        raise refusal(501, "5.7.0", "The authentication was cancelled.")
    if response == b"=":
        # An empty initial response (RFC 4954 section 4).
        return b""
    try:
        return base64.b64decode(response, validate=True)
    except binascii.Error:
        raise Refusal(_MALFORMED) from None


def _credential(user: bytes, password: bytes) -> str:
    """The credential as gRPC metadata carries it."""
    if user.strip().lower() != USER.encode():
        raise refusal(535, "5.7.8", f"The user name must be {USER}, and the password an API key.")
    key = password.decode("latin-1").strip()
    try:
        if not key:
            raise Failure("INVALID_CREDENTIALS")
        return checked(f"Bearer {key}")
    except Failure:
        raise refusal(535, "5.7.8", "The password must be an API key: this is none.") from None
