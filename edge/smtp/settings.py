"""The settings of `python -m edge.smtp`, read once from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from limits import RateLimitItem, RateLimitItemPerMinute

from edge import environment
from edge.settings import MIB, Tls, secret_of, sends_in_clear, tls_of

FAILED_LOGINS = RateLimitItemPerMinute(10)


@dataclass(frozen=True, slots=True)
class Settings:
    """Every knob with its default, its unit and its reason."""

    listen: str = "127.0.0.1:2525"
    """`host:port` to serve SMTP on."""

    listen_tls: str | None = None
    """`host:port` to serve SMTP on with TLS from the first byte (RFC 8314); None for nowhere."""

    hostname: str = "localhost"
    """The name of this host, in the greeting."""

    server: str = "127.0.0.1:50051"
    """The gRPC server: `host:port` or `unix:/path`."""

    secret: str = field(default="", repr=False)
    """By which the server knows its edges and believes what they say of their clients (C-91)."""

    server_tls: Tls | None = field(default=None, repr=False)
    """TLS to the server; None for none, as is right on one machine only."""

    certificate: tuple[Path, Path] | None = None
    """The PEM files of the certificate and its key. Without them STARTTLS is not offered: clients upgrade by
    themselves, and fail on a certificate that they cannot verify (C-5)."""

    require_tls: bool = False
    """Refuses AUTH without TLS. Off by default, since printed set-ups of clients have none (C-5)."""

    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks whose connections begin with a PROXY header that names the client. None by default: any client
    could write one."""

    failed_logins: RateLimitItem | None = FAILED_LOGINS
    """Refused AUTHs of one address, and of one key, in a time; each one more makes the next wait longer, for
    five minutes at most. None for any number (C-47)."""

    connections: int = 4096
    """Connections at once; more are answered 421."""

    connections_per_ip: int = 256
    """Connections at once from one address, and from one IPv6 /64; more are answered 421."""

    command_deadline_s: float = 300.0
    """Seconds to the next command (RFC 5321 section 4.5.3.2)."""

    login_deadline_s: float = 60.0
    """Seconds from the connection to a successful AUTH: strangers hold no place for longer."""

    session_deadline_s: float = 3600.0
    """Seconds of a session; the transaction that is open then may end."""

    message_limit: int = 40 * MIB * 4 // 3 + 2 * MIB
    """Bytes of a message: the largest attachments that any plan allows, in base64, and the rest. The plan's
    own limit holds after AUTH."""

    sending_limit: int = 64 * MIB
    """Bytes of all messages larger than 256 KiB that are on their way to the server; others wait their turn,
    on disk."""

    waiting_limit: int = 500
    """Messages of one key that wait for a free call; more are answered 451."""

    send_deadline_s: float = 30.0
    """Seconds for the server to take a message, and one more for each MiB of it."""

    drain_s: float = 35.0
    """Seconds that transactions under way get to finish after SIGTERM."""

    @property
    def sends_in_clear(self) -> bool:
        """True if keys and mail go to another machine without TLS."""
        return sends_in_clear(self.server, self.server_tls)

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Settings:
        """Reads `ZIDIMAIL_*`, and makes the secret on first use. Raises ValueError."""
        default = cls()

        def number(name: str, value: float) -> float:
            return environment.positive(env, f"ZIDIMAIL_SMTP_{name}", value)

        certificate = _certificate(env)
        listen_tls = _tcp(env, "ZIDIMAIL_SMTPS_LISTEN", "") if env.get("ZIDIMAIL_SMTPS_LISTEN") else None
        require_tls = environment.switch(env, "ZIDIMAIL_SMTP_REQUIRE_TLS", default=default.require_tls)
        for name, needs in (("SMTPS_LISTEN", listen_tls), ("SMTP_REQUIRE_TLS", require_tls)):
            if needs and certificate is None:
                raise ValueError(f"ZIDIMAIL_{name} needs ZIDIMAIL_TLS_CERT and ZIDIMAIL_TLS_KEY")
        return cls(
            listen=_tcp(env, "ZIDIMAIL_SMTP_LISTEN", default.listen),
            listen_tls=listen_tls,
            hostname=env.get("ZIDIMAIL_HOSTNAME") or default.hostname,
            server=env.get("ZIDIMAIL_SERVER") or default.server,
            secret=secret_of(env),
            server_tls=tls_of(env),
            certificate=certificate,
            require_tls=require_tls,
            proxies=environment.networks(env, "ZIDIMAIL_PROXY_NETWORKS"),
            failed_logins=environment.rate(env, "ZIDIMAIL_AUTH_IP_LIMIT", default.failed_logins),
            connections=int(number("CONNECTIONS", default.connections)),
            connections_per_ip=int(number("CONNECTIONS_PER_IP", default.connections_per_ip)),
            command_deadline_s=number("COMMAND_DEADLINE", default.command_deadline_s),
            login_deadline_s=number("LOGIN_DEADLINE", default.login_deadline_s),
            session_deadline_s=number("SESSION_DEADLINE", default.session_deadline_s),
            message_limit=int(number("MESSAGE_LIMIT", default.message_limit)),
            sending_limit=int(number("SENDING_LIMIT", default.sending_limit)),
            waiting_limit=int(number("WAITING_LIMIT", default.waiting_limit)),
            send_deadline_s=number("SEND_DEADLINE", default.send_deadline_s),
        )


def _tcp(env: Mapping[str, str], name: str, default: str) -> str:
    address = environment.listen(env, name, default)
    if address.startswith("unix:"):
        raise ValueError(f"{name} must have the form host:port, not {address!r}")
    return address


def _certificate(env: Mapping[str, str]) -> tuple[Path, Path] | None:
    names = ("ZIDIMAIL_TLS_CERT", "ZIDIMAIL_TLS_KEY")
    given = [env[name] for name in names if env.get(name)]
    if len(given) == 1:
        raise ValueError(f"TLS needs both {names[0]} and {names[1]}, each a PEM file")
    return (Path(given[0]), Path(given[1])) if given else None
