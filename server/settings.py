"""The server's settings: environment variables `ZIDIMAIL_*`, each with its default, unit and reason."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from server.kept_secret import kept_secret
from server.private_files import private_directory

_LEAST_SECRET_BYTES = 32
_MODE = re.compile(r"0?[0-7]{3}", re.ASCII)
_HOSTNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\Z")


class SettingsError(Exception):
    """A setting has an invalid value; the message names it and says what it must be."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process, which `from_env` reads once at start-up."""

    data_dir: Path
    database_url: str = field(repr=False)  # it may hold a password
    secret: str = field(repr=False)
    # Authenticates edges and internal callers (C-91); while it is empty, none can.
    edge_secret: str = field(default="", repr=False)
    grpc_listen: str = "127.0.0.1:50051"
    metrics_listen: str | None = "127.0.0.1:9464"
    app_url: str = "http://127.0.0.1:8080"
    transport: str = field(default="capture", repr=False)  # a smarthost's URL may hold a password
    mx_port: int = 25
    dns: str | None = None
    allow_private_networks: bool = False
    # The name of this host in EHLO; customers' DNS records point to names below it (C-61).
    hostname: str = "localhost"
    # Mail to this domain is never sent: the local part chooses its simulated outcome (F-5). The default is in
    # a reserved top-level domain (RFC 2606).
    simulator_domain: str = "simulator.test"
    # The most deliveries at the same time in one process: bounds memory and sockets. Most of them wait for
    # slow hosts, so that hundreds of these must not stop the others.
    delivery_concurrency: int = 500
    # The most connections to one destination at the same time (Postfix's default limit is 20).
    site_concurrency: int = 20
    # The duration of a lease on a recipient or webhook call; it is renewed after each third.
    lease_s: float = 60.0
    # The time after which a recipient is given up (RFC 5321 section 4.5.4.1).
    lifetime_s: float = 4 * 86_400.0
    # The delay before an attempt is repeated that broke off after the message was sent: by then the cause may
    # have passed, and a receiver that has the message may recognise its Message-ID.
    uncertain_delay_s: float = 600.0
    # Google Sheets are fetched from here (C-11).
    sheets_url: str = "https://docs.google.com"
    # The most recipients a day of a new account, by its age in days; after the last day its plan decides. Off
    # by default, as operators who know their customers do not need it.
    slow_start: tuple[int, ...] = ()
    # The part of its time that each background loop (webhook fan-out, statistics) keeps while many sends are
    # being accepted. An event takes the slower one about 40 us, so a quarter is about 6,000 events a second:
    # more than one process appends when it delivers what it accepts.
    background_share: float = 0.25
    # Open streams of events (WatchEvents) of one API key or session, and of one organisation: each holds a
    # connection and some memory.
    streams_of_caller: int = 100
    streams_of_org: int = 500
    # The permissions of the socket file, if `grpc_listen` is one.
    socket_mode: int = 0o660
    # The time for calls in flight to finish after SIGTERM.
    drain_s: float = 20.0
    tls_certificate: Path | None = None
    tls_private_key: Path | None = None
    tls_client_ca: Path | None = None
    # Clients whose certificate has one of these names are edges (C-91).
    tls_edge_names: tuple[str, ...] = ()

    @property
    def is_sqlite(self) -> bool:
        """True if the store is SQLite: one process, no workers beside the server."""
        return self.database_url.startswith("sqlite")

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """The settings of this process. Raises `SettingsError`.

        Creates the data directory, and on first use the secrets in it.
        """
        read = _Reader(env)
        data_dir = Path(env.get("ZIDIMAIL_DATA_DIR") or "data").absolute()
        try:
            private_directory(data_dir)
        except OSError as error:
            raise SettingsError(f"ZIDIMAIL_DATA_DIR: {data_dir} cannot be made: {error.strerror}.") from error
        tls = [read.path(f"TLS_{name}") for name in ("CERTIFICATE", "PRIVATE_KEY", "CLIENT_CA")]
        if any(tls) and not all(tls[:2]):
            # With one of them only, the server would listen without TLS although the operator wants it.
            raise SettingsError("TLS needs both ZIDIMAIL_TLS_CERTIFICATE and ZIDIMAIL_TLS_PRIVATE_KEY.")
        edge_names = read.words("TLS_EDGE_NAMES")
        if edge_names and tls[2] is None:
            raise SettingsError(
                "ZIDIMAIL_TLS_EDGE_NAMES needs ZIDIMAIL_TLS_CLIENT_CA, which signs the edges."
            )
        return cls(
            data_dir=data_dir,
            database_url=_database_url(env, data_dir),
            secret=read.secret("SECRET", data_dir / "secret"),
            edge_secret=read.header_secret("EDGE_SECRET", data_dir / "edge-secret"),
            grpc_listen=read.listen("GRPC_LISTEN", "127.0.0.1:50051"),
            metrics_listen=read.optional_port("METRICS_LISTEN", "127.0.0.1:9464"),
            app_url=read.text("APP_URL", "http://127.0.0.1:8080"),
            transport=read.text("TRANSPORT", "capture"),
            mx_port=read.integer("MX_PORT", 25, most=65_535),
            dns=read.optional("DNS", None),
            allow_private_networks=read.switch("ALLOW_PRIVATE_NETWORKS", default=False),
            hostname=read.hostname("HOSTNAME", "localhost"),
            simulator_domain=read.text("SIMULATOR_DOMAIN", "simulator.test").lower(),
            delivery_concurrency=read.integer("DELIVERY_CONCURRENCY", 500),
            site_concurrency=read.integer("SITE_CONCURRENCY", 20),
            lease_s=read.seconds("LEASE_SECONDS", 60.0),
            lifetime_s=read.seconds("LIFETIME_SECONDS", 4 * 86_400.0),
            uncertain_delay_s=read.seconds("UNCERTAIN_DELAY_SECONDS", 600.0),
            sheets_url=read.text("SHEETS_URL", "https://docs.google.com"),
            slow_start=read.integers("SLOW_START"),
            background_share=read.share("BACKGROUND_SHARE", 0.25, least=0.05),
            streams_of_caller=read.integer("STREAMS_OF_CALLER", 100),
            streams_of_org=read.integer("STREAMS_OF_ORGANISATION", 500),
            socket_mode=read.mode("SOCKET_MODE", 0o660),
            drain_s=read.seconds("DRAIN_SECONDS", 20.0),
            tls_certificate=tls[0],
            tls_private_key=tls[1],
            tls_client_ca=tls[2],
            tls_edge_names=edge_names,
        )


class _Reader:
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

    def share(self, name: str, default: float, *, least: float) -> float:
        value = self.text(name, str(default))
        try:
            share = float(value)
        except ValueError:
            share = 0.0
        if not least <= share <= 1:
            raise SettingsError(f"ZIDIMAIL_{name} must be a number from {least} to 1, not {value!r}.")
        return share


def _database_url(env: Mapping[str, str], data_dir: Path) -> str:
    url = env.get("ZIDIMAIL_DATABASE_URL") or f"sqlite:///{data_dir / 'zidimail.db'}"
    scheme, separator, rest = url.partition("://")
    drivers = {
        "sqlite": "sqlite",
        "postgres": "postgresql+psycopg",
        "postgresql": "postgresql+psycopg",
    }
    scheme = drivers.get(scheme, scheme)
    if not separator or scheme not in drivers.values():
        raise SettingsError(
            "ZIDIMAIL_DATABASE_URL must begin with `sqlite:///` or `postgresql://` (its value is not shown)."
        )
    return f"{scheme}://{rest}"
