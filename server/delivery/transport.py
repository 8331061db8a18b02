"""The interface of every transport: it takes a message for recipients of one site, and returns outcomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from server.delivery.verdict import Outcome


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message ready to leave: complete, signed, with its envelope's sender.

    `needs_utf8` says that its header holds addresses which only SMTPUTF8 can carry (RFC 6531);
    `needs_tls` that it may only travel encrypted.
    """

    org_id: str
    email_id: str
    sender: str
    content: bytes
    needs_utf8: bool = False
    needs_tls: bool = False


class LeaseLost(Exception):
    """The recipients are no longer ours: another engine has taken them over."""


class CommitHooks(Protocol):
    """Hooks around the final dot of a message, which commits it: they make a crash there visible."""

    async def before(self, numbers: Sequence[int]) -> None:
        """Called when all is sent but the dot, with the recipients that were accepted.

        Raises `LeaseLost` or OSError: then the dot must not be sent.
        """
        ...

    def withdrawn(self, numbers: Sequence[int]) -> None:
        """Called when the dot was not sent after all, as the connection broke before it."""
        ...

    def after(self, outcomes: Mapping[int, Outcome]) -> None:
        """Called as soon as the reply to the dot was read."""
        ...


class Transport(Protocol):
    """A way to deliver."""

    @property
    def site_concurrency(self) -> int:
        """How many deliveries may run at once to one site."""
        ...

    @property
    def has_many_sites(self) -> bool:
        """Whether recipients of different domains go to different sites."""
        ...

    def site_of(self, domain: str) -> str:
        """What deliveries to a recipient's domain share their connections with."""
        ...

    async def deliver(
        self, message: OutgoingMessage, recipients: Mapping[int, str], site: str, hooks: CommitHooks
    ) -> dict[int, Outcome]:
        """One attempt: the outcome for each recipient, by its number in the envelope.

        Raises `LeaseLost`, and nothing else that it can foresee: a failure is an outcome.
        """
        ...

    async def close(self) -> None:
        """Ends idle connections."""
        ...
