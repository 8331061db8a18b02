"""The host to connect to, the protection of the connection, and the time limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from server.delivery.verdict import Outcome


class Tls(Enum):
    """How a connection is protected."""

    # STARTTLS where offered, any certificate: better than clear text, and mail arrives (RFC 7435).
    OPPORTUNISTIC = "opportunistic"
    # STARTTLS with any certificate, or no mail: few exchangers can prove their names (RFC 7672 section 1.3).
    ENCRYPTED = "encrypted"
    # STARTTLS with a certificate that proves the host's name, or no mail.
    REQUIRED = "required"
    # TLS from the first byte, with such a certificate (RFC 8314).
    IMPLICIT = "implicit"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user and a password for AUTH."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect to: an address, the name that it goes by, and how."""

    name: str
    address: str
    port: int
    tls: Tls = Tls.OPPORTUNISTIC
    credentials: Credentials | None = None

    @property
    def display_name(self) -> str:
        """The host as events name it."""
        return self.name if self.name == self.address else f"{self.name} [{self.address}]"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait (RFC 5321 section 4.5.3.2): shorter ones give up on slow hosts that would answer."""

    connect: float = 30.0
    greeting: float = 300.0
    mail: float = 300.0
    rcpt: float = 300.0
    data: float = 120.0
    block: float = 180.0
    dot: float = 600.0
    tls: float = 60.0


class AttemptFailed(Exception):
    """The dialogue ended before the message was completely sent.

    `decided` are the recipients whose outcome was known by then, `outcome` is that of the others, if
    nothing else is tried for them. `in_handshake` says that it was TLS that failed.
    """

    def __init__(
        self, outcome: Outcome, decided: Mapping[int, Outcome] | None = None, *, in_handshake: bool = False
    ) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome
        self.decided = decided or {}
        self.in_handshake = in_handshake
