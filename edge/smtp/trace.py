"""The trace of a message: the part of its Received field that the relay knows (RFC 5321 section 4.4)."""

from __future__ import annotations

from typing import NamedTuple

from zidimail.v1 import email_service_pb2 as pb

from edge.client_ip import ClientIp


class Tls(NamedTuple):
    """The version and the cipher suite of a connection."""

    version: str
    cipher: str


def trace_of(helo: str, client: ClientIp, tls: Tls | None, *, is_extended: bool) -> pb.Trace:
    """The trace of a message from an authenticated client; the protocol's names are those of RFC 3848."""
    version, cipher = tls or Tls("", "")
    protocol = f"ESMTP{'S' if tls else ''}A" if is_extended else "SMTP"
    return pb.Trace(
        helo=helo, address=client.address, protocol=protocol, tls_version=version, tls_cipher=cipher
    )
