"""The Received field of a message that was handed in (RFC 5321 section 4.4, RFC 3848)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from ipaddress import ip_address

_MAX_WORD = 255
_BEYOND_WORD = re.compile(r"[^A-Za-z0-9.:_\[\]-]")
_PROTOCOL = re.compile(r"[A-Za-z0-9]{1,32}\Z")


@dataclass(frozen=True, slots=True)
class Trace:
    """The way of a message to this host; empty texts are unknown. Nothing in it has to be well-formed."""

    helo: str = ""
    address: str = ""
    protocol: str = ""
    tls_version: str = ""
    tls_cipher: str = ""


def received(trace: Trace, host: str, email_id: str, now_ms: int) -> bytes:
    """The lines of the field. `host` is this installation's name, `now_ms` milliseconds since 1970 UTC."""
    lines = []
    helo, address = _word(trace.helo), _address(trace.address)
    if helo or address:
        lines.append(f"from {helo or 'unknown'}" + (f" ({address})" if address else ""))
    by = f"by {_word(host)}"
    if _PROTOCOL.match(trace.protocol):
        by += f" with {trace.protocol}"
    lines.append(by)
    if tls := " ".join(filter(None, (_word(trace.tls_version), _word(trace.tls_cipher)))):
        lines.append(f"({tls})")
    at = datetime.fromtimestamp(now_ms // 1000, UTC)
    lines.append(f"id {email_id}; {format_datetime(at)}")
    return ("Received: " + "\r\n ".join(lines) + "\r\n").encode()


def _word(text: str) -> str:
    """The text with other characters than those of names and addresses left out."""
    return _BEYOND_WORD.sub("", text[:_MAX_WORD])


def _address(text: str) -> str:
    """An address as a literal (RFC 5321 section 4.1.3); empty for none."""
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"
