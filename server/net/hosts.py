"""Names that need no DNS: IP addresses, the names of the hosts file, and localhost (RFC 6761).

And names that public DNS can have: `is_public_name`.
"""

import ipaddress
import re
from pathlib import Path

HOSTS_FILE = Path("/etc/hosts")
_LOCALHOST = ("127.0.0.1", "::1")
_MAX_NAME = 253  # RFC 1035 section 2.3.4, without the final dot
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# Top-level domains that public DNS never has (RFC 6761, RFC 6762, RFC 8375, RFC 7686), and others that people
# and programs give to hosts of a private network.
_PRIVATE = frozenset({"localhost", "localdomain", "local", "invalid", "onion", "arpa"}).union(
    ("internal", "intranet", "private", "lan", "home", "corp")
)


class Hosts:
    """The names of a hosts file, read once; a file that cannot be read has none."""

    def __init__(self, file: Path = HOSTS_FILE) -> None:
        self._addresses = _read(file)

    def addresses(self, host: str) -> list[str] | None:
        """The addresses of `host` in the file's order, None if DNS must be queried."""
        if (literal := ip_address(host)) is not None:
            return [literal]
        name = host.rstrip(".").lower()
        if name in self._addresses:
            return list(self._addresses[name])
        return list(_LOCALHOST) if name == "localhost" or name.endswith(".localhost") else None


def is_public_name(name: str) -> bool:
    """True for a host name of two labels or more that public DNS may have: no `localhost`, no IP address."""
    labels = name.lower().split(".")
    well_formed = len(labels) > 1 and len(name) <= _MAX_NAME and all(map(_LABEL.fullmatch, labels))
    return well_formed and labels[-1] not in _PRIVATE and not labels[-1].isdecimal()


def ip_address(text: str) -> str | None:
    """The address in its canonical form, None if the text is not an IP address."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def _read(path: Path) -> dict[str, tuple[str, ...]]:
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return {}
    hosts: dict[str, tuple[str, ...]] = {}
    for line in lines:
        address, *names = line.partition("#")[0].split() or [""]
        literal = ip_address(address)
        for name in names if literal is not None else ():
            known = hosts.get(name.lower(), ())
            if literal not in known:
                hosts[name.lower()] = (*known, str(literal))
    return hosts
