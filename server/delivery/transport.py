"""The interface of transports: each delivers a message to recipients of one site and returns outcomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from server.delivery.verdict import Outcome


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A composed and signed message with its envelope sender.

    With `needs_utf8` its header holds addresses that need SMTPUTF8 (RFC 6531); with `needs_tls` it must be
    sent over TLS.
    """

    org_id: str
    email_id: str
    sender: str
    content: bytes
    needs_utf8: bool = False
    needs_tls: bool = False


class LeaseLost(Exception):
    """The lease on the recipients ran out: another engine may have claimed them."""


class CommitHooks(Protocol):
    """Hooks around the final dot, which commits a message to the receiver, for finding crashes there."""

    async def before_commit(self, numbers: Sequence[int]) -> None:
        """Called before the dot is sent, with the recipients that were accepted.

        Raises `LeaseLost` or OSError: then the dot must not be sent.
        """
        ...

    def commit_withdrawn(self, numbers: Sequence[int]) -> None:
        """Called if the connection broke after `before_commit`, so that the dot was not sent."""
        ...

    def after_commit(self, outcomes: Mapping[int, Outcome]) -> None:
        """Called as soon as the reply to the dot was read, or was given up."""
        ...


class Transport(Protocol):
    """A way to deliver messages."""

    @property
    def site_concurrency(self) -> int:
        """The most deliveries to one site at the same time."""
        ...

    @property
    def has_many_sites(self) -> bool:
        """True if recipients of different domains go to different sites."""
        ...

    def site_of(self, domain: str) -> str:
        """The site of a recipient's domain: deliveries to one site share its connections."""
        ...

    async def deliver(
        self, message: OutgoingMessage, recipients: Mapping[int, str], site: str, hooks: CommitHooks
    ) -> dict[int, Outcome]:
        """One attempt: the outcome for each recipient, by its number in the envelope.

        A failure is an outcome. Raises `LeaseLost`, and `Exhausted` if this machine lacks something: then
        nothing was attempted for the recipients without an outcome.
        """
        ...

    async def close(self) -> None:
        """Ends idle connections."""
        ...
