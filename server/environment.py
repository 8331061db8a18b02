"""Reads settings from environment variables `ZIDIMAIL_*`, and says what is wrong with one."""

import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from limits import parse

from server.kept_secret import kept_secret

_LEAST_SECRET_BYTES = 32
_MODE = re.compile(r"0?[0-7]{3}", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,6})?", re.ASCII)
_HOSTNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\Z")
_ADDRESS = re.compile(r"[A-Za-z0-9._+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]\Z")
_URL = re.compile(
    r"(?:https://[A-Za-z0-9.-]+|http://(?:localhost|127\.0\.0\.1|\[::1\]))(?::[0-9]{1,5})?(?:/[!-~]*)?"
)
_EXAMPLE = "no-reply@mail.example.com"


def is_confidential(url: str) -> bool:
    """True if what is sent to this URL goes over https, or stays on this machine."""
    return _URL.fullmatch(url) is not None


class SettingsError(Exception):
    """A setting has an invalid value; the message names it and says what it must be."""


class Rate(NamedTuple):
    """A limit: `most` in a window of `window_s` seconds."""

    most: int
    window_s: int


def is_address(text: str) -> bool:
    """True for a bare address of a usual form."""
    return _ADDRESS.match(text) is not None


class Environment:
    """The variables of a process. Each method reads one by its name without `ZIDIMAIL_`.

    All of them raise `SettingsError`.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def text(self, name: str, default: str) -> str:
        return self._env.get(f"ZIDIMAIL_{name}") or default

    def optional(self, name: str, default: str | None) -> str | None:
        value = self.text(name, default or "")
        return None if value in {"", "off"} else value

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(word for part in self.text(name, "").split(",") if (word := part.strip()))

    def secret(self, name: str, kept: Path) -> str:
        """A secret of at least 32 bytes, by default the one in the file `kept` (contract row C-89)."""
        try:
            value = self.text(name, "") or kept_secret(kept)
        except OSError as error:
            raise SettingsError(f"ZIDIMAIL_{name} is not set, and {kept}: {error.strerror}.") from error
        except UnicodeError:
            value = "\0"
        if "\0" in value:
            # As a disk leaves it that lost its power. Another secret would open nothing that is stored.
            raise SettingsError(
                f"ZIDIMAIL_{name} is not set, and {kept} is damaged: it holds bytes that are no text. "
                "Restore it from a backup."
            )
        if len(value.strip().encode()) < _LEAST_SECRET_BYTES:
            raise SettingsError(
                f"ZIDIMAIL_{name} (or the file `{kept.name}` in ZIDIMAIL_DATA_DIR) must have at least "
                f"{_LEAST_SECRET_BYTES} bytes. `openssl rand -hex 32` prints a good one."
            )
        return value

    def header_secret(self, name: str, kept: Path) -> str:
        """A secret that can be sent as metadata of a call."""
        value = self.secret(name, kept)
        if not (value.isascii() and value.isprintable()) or " " in value:
            raise SettingsError(f"ZIDIMAIL_{name} must have printable ASCII characters only, and no space.")
        return value

    def listen(self, name: str, default: str) -> str:
        value = self.text(name, default)
        host, _, port = value.rpartition(":")
        # gRPC would take the port modulo 65536.
        if not value.startswith("unix:") and not (host and port.isdecimal() and 0 <= int(port) < 65_536):
            raise SettingsError(f"ZIDIMAIL_{name} must have the form host:port, not {value!r}.")
        return value

    def optional_port(self, name: str, default: str) -> str | None:
        value = self.optional(name, default)
        if value is not None and value.startswith("unix:"):
            raise SettingsError(f"ZIDIMAIL_{name} must have the form host:port, not {value!r}.")
        return None if value is None else self.listen(name, default)

    def hostname(self, name: str, default: str) -> str:
        value = self.text(name, default)
        if not _HOSTNAME.match(value):
            raise SettingsError(f"ZIDIMAIL_{name} must be a host name, not {value!r}.")
        return value

    def choice(self, name: str, *words: str) -> str:
        """One of the words; the first is the default."""
        value = self.text(name, words[0])
        if value not in words:
            raise SettingsError(f"ZIDIMAIL_{name} must be one of {', '.join(words)}, not {value!r}.")
        return value

    def address(self, name: str, default: str) -> str:
        value = self.text(name, default)
        if not is_address(value):
            raise SettingsError(f"ZIDIMAIL_{name} must be an address such as {_EXAMPLE}, not {value!r}.")
        return value

    def url(self, name: str, default: str) -> str:
        """A URL without the slash at its end. Credentials are sent there: in clear to this machine only."""
        value = self.text(name, default).rstrip("/")
        if value and _URL.fullmatch(value) is None:
            raise SettingsError(
                f"ZIDIMAIL_{name} must be a URL that begins with https:// (on this machine http:// too), "
                f"not {value!r}."
            )
        return value

    def issuer(self, name: str) -> str:
        """As `url`, but as it was written: a slash at the end belongs to an issuer's name."""
        return self.text(name, "") if self.url(name, "") else ""

    def path(self, name: str) -> Path | None:
        value = self.optional(name, None)
        return None if value is None else Path(value)

    def switch(self, name: str, *, default: bool) -> bool:
        value = self.text(name, "on" if default else "off").lower()
        if value in {"1", "on", "true", "yes"}:
            return True
        if value in {"0", "off", "false", "no"}:
            return False
        raise SettingsError(f"ZIDIMAIL_{name} must be `on` or `off`, not {value!r}.")

    def integer(self, name: str, default: int, most: int = 10**9) -> int:
        value = self.text(name, str(default))
        if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= most:
            raise SettingsError(f"ZIDIMAIL_{name} must be a whole number from 1 to {most}, not {value!r}.")
        return int(value)

    def mode(self, name: str, default: int) -> int:
        value = self.text(name, f"{default:o}")
        if not _MODE.fullmatch(value):
            raise SettingsError(f"ZIDIMAIL_{name} must be permissions such as 660, not {value!r}.")
        return int(value, 8)

    def integers(self, name: str) -> tuple[int, ...]:
        value = self.optional(name, None)
        parts = [] if value is None else value.replace(" ", "").split(",")
        if not all(part.isascii() and part.isdigit() for part in parts):
            raise SettingsError(f"ZIDIMAIL_{name} must be `off` or whole numbers with commas, not {value!r}.")
        return tuple(map(int, parts))

    def seconds(self, name: str, default: float) -> float:
        value = self.text(name, str(default))
        try:
            seconds = float(value)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds < 1e9:
            raise SettingsError(f"ZIDIMAIL_{name} must be a number of seconds above zero, not {value!r}.")
        return seconds

    def percent(self, name: str, default: str) -> Fraction | None:
        """A number above 0 up to 100, exact as it is written; None for `off`."""
        value = self.optional(name, default)
        if value is None:
            return None
        percent = Fraction(value) if _DECIMAL.fullmatch(value) else Fraction(0)
        if not 0 < percent <= 100:
            raise SettingsError(
                f"ZIDIMAIL_{name} must be `off` or a percentage above 0, up to 100, not {value!r}."
            )
        return percent

    def rate(self, name: str, default: str) -> Rate | None:
        """A rate such as `10/minute`; None for `off`."""
        text = self.text(name, default)
        if text == "off":
            return None
        try:
            rate = parse(text)
        except ValueError:
            rate = None
        if rate is None or rate.amount < 1 or ";" in text:
            raise SettingsError(f"ZIDIMAIL_{name} must be a rate such as {default}, or off, not {text!r}.")
        return Rate(rate.amount, rate.get_expiry())

    def share(self, name: str, default: float, *, least: float) -> float:
        value = self.text(name, str(default))
        try:
            share = float(value)
        except ValueError:
            share = 0.0
        if not least <= share <= 1:
            raise SettingsError(f"ZIDIMAIL_{name} must be a number from {least} to 1, not {value!r}.")
        return share
