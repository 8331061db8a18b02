"""The server's settings: environment variables `ZIDIMAIL_*`, each with its default, unit and reason."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from server.environment import Environment, Rate, SettingsError, is_address
from server.private_files import is_of_the_system, private_directory

__all__ = ["Settings", "SettingsError"]

PAYPAL_URL = "https://api-m.paypal.com"
# The days for which data is kept by default: the contents of emails, all else about them, the log of events,
# the calls of webhooks, captured mail, the audit logs, sends to lists, batch jobs.
RETENTION_DAYS = {
    "bodies": 30,
    "emails": 400,
    "events": 90,
    "webhook_calls": 30,
    "captured": 30,
    "audit": 400,
    "list_sends": 90,
    "batch_jobs": 90,
}
# A hundred years: as good as for ever.
MAX_RETENTION_DAYS = 36_500
SIGN_IN_LIMIT = Rate(10, 60)


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
    # The rates of bounces and complaints, in percent, from which on sending is paused; from half of them on
    # an account is reviewed (S-20, C-43). None switches a rate off, for operators who know their senders.
    bounce_limit: Fraction | None = Fraction("4.0")
    complaint_limit: Fraction | None = Fraction("0.08")
    # The days for which the rates are taken, and the recipients from which on they say something.
    health_days: int = 7
    health_least_sent: int = 100
    # Registration (C-78): for everybody (`open`), for people who were invited (`invite`), or closed (`off`).
    registration: str = "open"
    # Calls of one address that sign people in, if it calls without an edge (C-47); None for any number.
    sign_in_limit: Rate | None = SIGN_IN_LIMIT
    # The sender of the platform's own mail (C-78). It is signed for the sender's domain, if one of the
    # organisations here has verified that.
    system_from: str = "no-reply@localhost.localdomain"
    # The plan of an organisation that registers itself (C-14).
    default_plan: str = "free"
    # The place where a customer appeals: a URL or an address, shown in refusals (C-69).
    support_url: str = ""
    # PayPal's API, with the credentials of an app there and the id of its webhook (C-79). Without these three
    # there is no billing.
    paypal_url: str = PAYPAL_URL
    paypal_client_id: str = ""
    paypal_client_secret: str = field(default="", repr=False)
    paypal_webhook_id: str = ""
    # The host of the certificates with which PayPal signs events; empty for that of PayPal's API.
    paypal_certificates_url: str = ""
    # The OpenID Connect provider where people may sign in, with the credentials of this installation there,
    # and its name for people. Without the first three there are passwords only.
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = field(default="", repr=False)
    oidc_name: str = "OpenID Connect"
    # The days for which each kind of data is kept, unless an organisation has numbers of its own (F-13).
    retention: Mapping[str, int] = field(default_factory=lambda: dict(RETENTION_DAYS))
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
        read = Environment(env)
        data_dir = Path(env.get("ZIDIMAIL_DATA_DIR") or "data").absolute()
        try:
            if is_of_the_system(data_dir):
                raise SettingsError(
                    f"ZIDIMAIL_DATA_DIR: {data_dir} holds what others need, and a data directory is closed "
                    f"to them. Name a directory of its own, such as {data_dir / 'zidimail'}."
                )
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
            registration=read.choice("REGISTRATION", "open", "invite", "off"),
            sign_in_limit=read.rate("AUTH_IP_LIMIT", "10/minute"),
            system_from=read.address("SYSTEM_FROM", f"no-reply@{_mail_domain(env)}"),
            default_plan=read.choice("DEFAULT_PLAN", "free", "starter", "pro", "scale", "enterprise"),
            simulator_domain=read.text("SIMULATOR_DOMAIN", "simulator.test").lower(),
            delivery_concurrency=read.integer("DELIVERY_CONCURRENCY", 500),
            site_concurrency=read.integer("SITE_CONCURRENCY", 20),
            lease_s=read.seconds("LEASE_SECONDS", 60.0),
            lifetime_s=read.seconds("LIFETIME_SECONDS", 4 * 86_400.0),
            uncertain_delay_s=read.seconds("UNCERTAIN_DELAY_SECONDS", 600.0),
            sheets_url=read.text("SHEETS_URL", "https://docs.google.com"),
            slow_start=read.integers("SLOW_START"),
            bounce_limit=read.percent("BOUNCE_LIMIT", "4.0"),
            complaint_limit=read.percent("COMPLAINT_LIMIT", "0.08"),
            health_days=read.integer("HEALTH_DAYS", 7, most=90),
            health_least_sent=read.integer("HEALTH_LEAST_SENT", 100),
            support_url=read.text("SUPPORT_URL", ""),
            paypal_url=read.url("PAYPAL_URL", PAYPAL_URL),
            paypal_client_id=read.text("PAYPAL_CLIENT_ID", ""),
            paypal_client_secret=read.text("PAYPAL_CLIENT_SECRET", ""),
            paypal_webhook_id=read.text("PAYPAL_WEBHOOK_ID", ""),
            paypal_certificates_url=read.url("PAYPAL_CERTIFICATES_URL", ""),
            oidc_issuer=read.issuer("OIDC_ISSUER"),
            oidc_client_id=read.text("OIDC_CLIENT_ID", ""),
            oidc_client_secret=read.text("OIDC_CLIENT_SECRET", ""),
            oidc_name=read.text("OIDC_NAME", "OpenID Connect"),
            retention={
                kind: read.integer(f"RETENTION_{kind.upper()}_DAYS", days, most=MAX_RETENTION_DAYS)
                for kind, days in RETENTION_DAYS.items()
            },
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


def _mail_domain(env: Mapping[str, str]) -> str:
    """The domain of the platform's own mail by default: the name of this host, if mail can come from it."""
    hostname = env.get("ZIDIMAIL_HOSTNAME") or "localhost"
    return hostname if is_address(f"x@{hostname}") else "localhost.localdomain"


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
    if scheme != "sqlite" and not _names_a_host(f"{scheme}://{rest}"):
        raise SettingsError(
            "ZIDIMAIL_DATABASE_URL cannot be read: write it as `postgresql://user:password@host:port/name`, "
            "and `@` in a password as `%40` (its value is not shown)."
        )
    return f"{scheme}://{rest}"


def _names_a_host(url: str) -> bool:
    """False for a URL of which a part of the password would be taken for the host, and shown in errors."""
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):
        return False
    return "@" not in f"{parts.host or ''}{parts.database or ''}"
