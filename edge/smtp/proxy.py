"""The PROXY protocol, version 2: a load balancer names the client that it connects. No I/O.

haproxy.org, "The PROXY protocol", section 2.2.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
HEAD_BYTES = 16
# Bytes of addresses and extensions: no sender needs as many.
MOST_BYTES = 4096
_LOCAL, _PROXY = 0x20, 0x21
_TCP4, _TCP6 = 0x11, 0x21


class BadHeader(Exception):
    """The bytes are no PROXY header of version 2."""


def length_of(head: bytes) -> int:
    """The number of bytes that follow the first 16 of a header. Raises BadHeader."""
    command, _, length = struct.unpack_from("!BBH", head, len(SIGNATURE))
    if not head.startswith(SIGNATURE) or command not in (_LOCAL, _PROXY) or length > MOST_BYTES:
        raise BadHeader
    return int(length)


def header_of(header: bytes) -> str:
    """The address of the client; empty for a connection of the proxy itself, such as its health checks, and
    for a client without an IP address. Raises BadHeader."""
    command, family, length = struct.unpack_from("!BBH", header, len(SIGNATURE))
    addresses = header[HEAD_BYTES:]
    if command == _LOCAL or family not in (_TCP4, _TCP6):
        return ""
    if family == _TCP4 and length >= 12:
        return str(IPv4Address(addresses[:4]))
    if family == _TCP6 and length >= 36:
        return str(IPv6Address(addresses[:16]))
    raise BadHeader
