"""Settings of all kinds, read from environment variables. An error names the variable and what it must be."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from limits import RateLimitItem, parse


def listen(env: Mapping[str, str], name: str, default: str) -> str:
    """An address to listen on, `host:port` or `unix:/path`. Raises ValueError."""
    text = env.get(name) or default
    host, _, port = text.rpartition(":")
    if not text.startswith("unix:") and not (host and port.isdecimal() and int(port) < 1 << 16):
        raise ValueError(f"{name} must have the form host:port, not {text!r}")
    return text


def mode(env: Mapping[str, str], name: str, default: int) -> int:
    """Permissions of a file, in octal digits. Raises ValueError."""
    text = env.get(name) or f"{default:o}"
    if not re.fullmatch(r"0?[0-7]{3}", text, re.ASCII):
        raise ValueError(f"{name} must be permissions such as 660, not {text!r}")
    return int(text, 8)


def file(env: Mapping[str, str], name: str) -> bytes:
    """The content of the file that a setting names. Raises ValueError."""
    try:
        return Path(env[name]).read_bytes()
    except OSError as error:
        raise ValueError(f"{name}: {env[name]} cannot be read: {error.strerror}") from None


def url(env: Mapping[str, str], name: str, default: str) -> str:
    """An HTTP URL without a slash at its end. Raises ValueError."""
    text = env.get(name) or default
    try:
        parts = urlsplit(text)
        # The port is looked at when it is asked for.
        is_url = parts.scheme in ("http", "https") and parts.hostname is not None and parts.port != 0
        (parts.hostname or "").encode("idna")
    except ValueError:
        is_url = False
    if not is_url or "@" in parts.netloc or " " in text:
        raise ValueError(f"{name} must be a URL such as https://mail.example.com, not {text!r}")
    return text.rstrip("/")


def positive(env: Mapping[str, str], name: str, default: float) -> float:
    """A number above zero. Raises ValueError."""
    text = env.get(name)
    if not text:
        return default
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < math.inf:
        raise ValueError(f"{name} must be a number above 0, not {text!r}")
    return number


def rate(env: Mapping[str, str], name: str, default: RateLimitItem | None) -> RateLimitItem | None:
    """A rate such as `10/minute`, None for `off`. Raises ValueError."""
    text = env.get(name)
    if not text:
        return default
    if text == "off":
        return None
    try:
        rate = parse(text)
    except ValueError:
        rate = None
    if rate is None or rate.amount < 1 or ";" in text:
        raise ValueError(f"{name} must be a rate such as 6000/minute, or off, not {text!r}")
    return rate


def words(env: Mapping[str, str], name: str) -> list[str]:
    """The words of a setting that holds several, parted by commas."""
    return [word for word in (part.strip() for part in env.get(name, "").split(",")) if word]


def networks(env: Mapping[str, str], name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Networks, parted by commas; the word `unix` among them is passed over. Raises ValueError."""
    try:
        return tuple(ip_network(word) for word in words(env, name) if word != "unix")
    except ValueError as error:
        raise ValueError(
            f"{name} must be networks such as 10.0.0.0/8, or unix, parted by commas: {error}"
        ) from None


def switch(env: Mapping[str, str], name: str, *, default: bool) -> bool:
    """`on` or `off`. Raises ValueError."""
    text = env.get(name) or ("on" if default else "off")
    if text not in ("on", "off"):
        raise ValueError(f"{name} must be on or off, not {text!r}")
    return text == "on"
