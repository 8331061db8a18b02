"""The Received field of a message that was handed in (RFC 5321 section 4.4, RFC 3848)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from ipaddress import ip_address

_MAX_WORD = 255
# Characters of the longest address that is read: an IPv6 address with a zone.
_MAX_ADDRESS = 128
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
    helo, address = _word(trace.helo[:_MAX_WORD]), _address(trace.address[:_MAX_ADDRESS])
    if helo or address:
        lines.append(f"from {helo or 'unknown'}" + (f" ({address})" if address else ""))
    by = f"by {_word(host[:_MAX_WORD])}"
    if _PROTOCOL.match(trace.protocol):
        by += f" with {trace.protocol}"
    lines.append(by)
    tls = (_word(trace.tls_version[:_MAX_WORD]), _word(trace.tls_cipher[:_MAX_WORD]))
    if any(tls):
        lines.append(f"({' '.join(filter(None, tls))})")
    lines.append(f"id {email_id}; {_date(now_ms // 1000)}")
    return ("Received: " + "\r\n ".join(lines) + "\r\n").encode()


# The messages of a moment come from few clients: cached, each line costs a few lookups.
@lru_cache(maxsize=1024)
def _word(text: str) -> str:
    """The text with other characters than those of names and addresses left out."""
    return _BEYOND_WORD.sub("", text)


@lru_cache(maxsize=16)
def _date(seconds: int) -> str:
    """A time in seconds since 1970 UTC, as fields have it (RFC 5322 section 3.3)."""
    return format_datetime(datetime.fromtimestamp(seconds, UTC))


@lru_cache(maxsize=1024)
def _address(text: str) -> str:
    """An address as a literal (RFC 5321 section 4.1.3); empty for none."""
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"
