"""The host to connect to, the protection of the connection, and the time limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from server.delivery.verdict import Outcome
from server.net.guard import is_public


class Tls(Enum):
    """The protection of a connection."""

    # STARTTLS if it is offered, with any certificate; else clear text (RFC 7435).
    OPPORTUNISTIC = "opportunistic"
    # STARTTLS with any certificate, or no mail: few MX hosts have a valid one (RFC 7672 section 1.3).
    ENCRYPTED = "encrypted"
    # STARTTLS with a valid certificate of the host's name, or no mail.
    REQUIRED = "required"
    # TLS from the first byte, with a valid certificate (RFC 8314).
    IMPLICIT = "implicit"
    # Clear text, after STARTTLS failed.
    NONE = "none"


class Channel(Enum):
    """The state of a connection after its handshake."""

    TLS = "tls"
    CLEAR = "clear"
    # Clear text only because STARTTLS failed: the host's refusals may have that cause (contract row C-60).
    FALLEN_BACK = "fallen back"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user and a password for AUTH."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Target:
    """A host to connect to: its name, address and port, and the protection of the connection."""

    name: str
    address: str
    port: int
    tls: Tls = Tls.OPPORTUNISTIC
    credentials: Credentials | None = None

    @property
    def display_name(self) -> str:
        """The host in the form that events show, without an address of the operator's own network."""
        if is_public(self.address):
            return self.name if self.name == self.address else f"{self.name} [{self.address}]"
        return self.name if self.name != self.address else "a private host"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Timeouts in seconds (RFC 5321 section 4.5.3.2): with shorter ones, mail to slow hosts would fail."""

    connect: float = 30.0
    greeting: float = 300.0
    mail: float = 300.0
    rcpt: float = 300.0
    data: float = 120.0
    block: float = 180.0
    dot: float = 600.0
    tls: float = 60.0


class AttemptFailed(Exception):
    """The session ended before the message was sent completely.

    `decided` holds the outcomes known until then; `outcome` is that of the other recipients, unless another
    host is tried. With `in_handshake` the TLS handshake failed.
    """

    def __init__(
        self, outcome: Outcome, decided: Mapping[int, Outcome] | None = None, *, in_handshake: bool = False
    ) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome
        self.decided = decided or {}
        self.in_handshake = in_handshake
