"""The settings of `python -m edge`, read once from the environment."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import NamedTuple

from limits import RateLimitItem, RateLimitItemPerMinute

from edge import environment
from edge.secret import FILE_NAME, check_secret, kept_secret

MIB = 1 << 20
_CA, _PRIVATE_KEY, _CERTIFICATE = (f"ZIDIMAIL_SERVER_{name}" for name in ("CA", "PRIVATE_KEY", "CERTIFICATE"))
IP_LIMIT = RateLimitItemPerMinute(6000)
SIGN_IN_IP_LIMIT = RateLimitItemPerMinute(10)


class Tls(NamedTuple):
    """TLS to the server, each part in PEM.

    `ca` signs the server's certificate, None for the CAs of the system; key and certificate are the edge's.
    """

    ca: bytes | None = None
    private_key: bytes | None = None
    certificate: bytes | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Every knob with its default, its unit and its reason."""

    http_listen: str = "127.0.0.1:8080"
    """`host:port` or `unix:/path` to serve HTTP on."""

    socket_mode: int = 0o660
    """The permissions of the socket file, if HTTP is served on one."""

    server: str = "127.0.0.1:50051"
    """The gRPC server: `host:port` or `unix:/path`."""

    secret: str = field(default="", repr=False)
    """By which the server knows its edges and believes what they say of their clients (C-91). While it is
    empty, keys that are bound to networks are refused."""

    server_tls: Tls | None = field(default=None, repr=False)
    """TLS to the server, with the edge's own certificate if the server asks for one; None for none: then keys
    and mail go in clear, as is right on one machine only."""

    app_url: str = "http://127.0.0.1:8080"
    """The public base URL: shown in the OpenAPI document, and its pages may call from a browser (Z-5)."""

    deadline_s: float = 30.0
    """Seconds from a request's head to its answer, reading the body included: a client that dribbles
    its body must not hold a place for longer."""

    body_limit: int = 2 * MIB
    """Bytes of a request body (Z-9)."""

    send_body_limit: int = 40 * MIB * 4 // 3 + 2 * MIB
    """Bytes of the body of a send: the largest attachments that any plan allows, in base64, and the rest
    (C-1). The rest alone may have `body_limit`."""

    requests_limit: int = 1024
    """Requests under way at once; more are answered 503, before they all time out."""

    bodies_limit: int = 256 * MIB
    """Bytes of all bodies of the requests under way; more are answered 503. A body is held about three
    times while it is parsed, bound and sent on: this bounds the memory of the process."""

    waiting_limit: int = 500
    """Sends of one credential that wait for a free call; more are answered 503."""

    ip_limit: RateLimitItem | None = IP_LIMIT
    """Requests of one address, and of one IPv6 /64, in a time; None for any number (C-47)."""

    sign_in_ip_limit: RateLimitItem | None = SIGN_IN_IP_LIMIT
    """The same for registration, login and passwords: each costs a slow hash or a mail (C-47)."""

    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks whose X-Forwarded-For is trusted. None by default: any client can write that header."""

    trusted_socket: bool = False
    """True if clients of the socket file are trusted too: the word `unix` among the networks."""

    @property
    def sends_in_clear(self) -> bool:
        """True if keys and mail go to another machine without TLS."""
        return sends_in_clear(self.server, self.server_tls)

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Settings:
        """Reads `ZIDIMAIL_*`, and makes the secret on first use. Raises ValueError when a number is none or
        not above zero, a rate no rate, a network no network, a URL no URL, or a secret too short."""
        default = cls()
        return cls(
            http_listen=environment.listen(env, "ZIDIMAIL_HTTP_LISTEN", default.http_listen),
            socket_mode=environment.mode(env, "ZIDIMAIL_SOCKET_MODE", default.socket_mode),
            server=env.get("ZIDIMAIL_SERVER") or default.server,
            secret=secret_of(env),
            server_tls=tls_of(env),
            app_url=environment.url(env, "ZIDIMAIL_APP_URL", default.app_url),
            deadline_s=environment.positive(env, "ZIDIMAIL_HTTP_DEADLINE", default.deadline_s),
            body_limit=int(environment.positive(env, "ZIDIMAIL_HTTP_BODY_LIMIT", default.body_limit)),
            send_body_limit=int(
                environment.positive(env, "ZIDIMAIL_HTTP_SEND_BODY_LIMIT", default.send_body_limit)
            ),
            requests_limit=int(
                environment.positive(env, "ZIDIMAIL_HTTP_REQUESTS_LIMIT", default.requests_limit)
            ),
            bodies_limit=int(environment.positive(env, "ZIDIMAIL_HTTP_BODIES_LIMIT", default.bodies_limit)),
            waiting_limit=int(
                environment.positive(env, "ZIDIMAIL_HTTP_WAITING_LIMIT", default.waiting_limit)
            ),
            ip_limit=environment.rate(env, "ZIDIMAIL_IP_LIMIT", default.ip_limit),
            sign_in_ip_limit=environment.rate(env, "ZIDIMAIL_AUTH_IP_LIMIT", default.sign_in_ip_limit),
            trusted_proxies=environment.networks(env, "ZIDIMAIL_TRUSTED_PROXIES"),
            trusted_socket="unix" in environment.words(env, "ZIDIMAIL_TRUSTED_PROXIES"),
        )


def sends_in_clear(server: str, tls: Tls | None) -> bool:
    """True if what goes to a server goes to another machine without TLS."""
    if tls is not None or server.startswith("unix:"):
        return False
    host = server.rpartition(":")[0].strip("[]")
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"


def tls_of(env: Mapping[str, str]) -> Tls | None:
    """TLS to the server; None for none. Raises ValueError."""
    ca = env.get(_CA)
    parts = {name: environment.file(env, name) for name in (_PRIVATE_KEY, _CERTIFICATE) if env.get(name)}
    if not ca and not parts:
        return None
    if not ca or len(parts) == 1:
        raise ValueError(
            f"TLS to the server needs {_CA}, a PEM file or the word system; a certificate of the edge needs "
            f"{_CERTIFICATE} and {_PRIVATE_KEY} besides"
        )
    root = None if ca == "system" else environment.file(env, _CA)
    try:
        # gRPC would notice at the first call what is no certificate.
        context = ssl.create_default_context(cafile=None if ca == "system" else ca)
        if parts:
            context.load_cert_chain(env[_CERTIFICATE], env[_PRIVATE_KEY])
    except ssl.SSLError as error:
        raise ValueError(f"{_CA}, {_CERTIFICATE} or {_PRIVATE_KEY} cannot be used: {error}") from None
    return Tls(root, parts.get(_PRIVATE_KEY), parts.get(_CERTIFICATE))


def secret_of(env: Mapping[str, str]) -> str:
    """The secret that proves an edge to the server, made and kept on first use. Raises ValueError."""
    if env.get(_CERTIFICATE) and not env.get("ZIDIMAIL_EDGE_SECRET"):
        # The certificate proves the edge; a secret made here would be another than the server's.
        return ""
    data_dir = Path(env.get("ZIDIMAIL_DATA_DIR") or "data")
    try:
        secret = env.get("ZIDIMAIL_EDGE_SECRET") or kept_secret(data_dir)
    except OSError as error:
        raise ValueError(
            f"ZIDIMAIL_EDGE_SECRET is not set, and {data_dir / FILE_NAME} cannot be read or made: "
            f"{error.strerror}"
        ) from None
    except UnicodeError:
        raise ValueError(
            f"ZIDIMAIL_EDGE_SECRET is not set, and {data_dir / FILE_NAME} is damaged: it holds bytes that "
            "are no text. Restore it from a backup, or give the server and all edges a new one."
        ) from None
    check_secret(secret)
    return secret
