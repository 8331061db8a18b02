"""The relay, as its connections know it."""

from __future__ import annotations

from typing import NamedTuple

from edge.smtp.clients import Clients
from edge.smtp.session import Shared
from edge.smtp.tls import Certificate


class Relay(NamedTuple):
    """The parts that all connections share. `certificate` is None where there is no TLS."""

    shared: Shared
    clients: Clients
    certificate: Certificate | None
