"""The connections that are open, in all and of each client."""

from __future__ import annotations

from collections import Counter

from edge.smtp.replies import Reply

_TOO_MANY = Reply(421, "4.3.2", "Too many connections are open here. Connect again later.")


class Clients:
    """Counts connections by the client's network: an IPv4 address, or an IPv6 /64."""

    def __init__(self, most: int, most_of_client: int) -> None:
        self._most = most
        self._most_of_client = most_of_client
        self._too_many_of_client = Reply(
            421,
            "4.7.0",
            f"Too many connections from your address: at most {most_of_client} may be open.",
        )
        self._open: Counter[str] = Counter()
        self._total = 0

    def came(self, network: str) -> Reply | None:
        """Counts a connection; the reply that refuses it, if it is one too many: then it is not counted.

        An unknown client, whose network is empty, is counted in all only.
        """
        if self._total >= self._most:
            return _TOO_MANY
        if network and self._open[network] >= self._most_of_client:
            return self._too_many_of_client
        self._total += 1
        self._open[network] += 1
        return None

    def left(self, network: str) -> None:
        """A connection that was counted is gone."""
        self._total -= 1
        self._open[network] -= 1
        if not self._open[network]:
            del self._open[network]
