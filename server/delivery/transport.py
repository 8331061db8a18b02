"""The interface of transports: each delivers a message to recipients of one site and returns outcomes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from server.delivery.verdict import Outcome
from server.message.raw_header import fields_of
from server.message.seven_bit import seven_bit

_SIGNATURE = "dkim-signature"

# The bytes of a message in pieces, of which each begins a line: joined, large ones would be copied.
Pieces: TypeAlias = Sequence[bytes | memoryview]


# Returns a header with its signatures and the empty line, from its fields, each with its CRLF, and the body.
Sign: TypeAlias = Callable[[Sequence[bytes], bytes], bytes]


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A composed and signed message with its envelope sender.

    With `needs_utf8` its header holds addresses that need SMTPUTF8 (RFC 6531). Then `ascii_head` is a header,
    signed and with its empty line, for hosts without it, or empty if there can be none; it takes the place of
    the first `head_size` bytes of `content`. With `needs_tls` the message must be sent over TLS. `sign` signs
    another form of it.
    """

    org_id: str
    email_id: str
    sender: str
    content: bytes
    needs_utf8: bool = False
    needs_tls: bool = False
    ascii_head: bytes = b""
    head_size: int = 0
    sign: Sign | None = None

    def pieces(self, *, utf8: bool) -> Pieces | None:
        """The message for a host with or without SMTPUTF8; None if such a host cannot take it."""
        if utf8 or not (self.needs_utf8 or not self.sender.isascii()):
            return (self.content,)
        if not self.ascii_head or not self.sender.isascii():
            return None
        return self.ascii_head, memoryview(self.content)[self.head_size :]

    def seven_bit(self) -> Pieces:
        """The message for a host without 8BITMIME, which knows no SMTPUTF8 either. Raises `Inconvertible`.

        It is made anew and signed by each call, which takes long for a large message.
        """
        size = self.head_size or self.content.find(b"\r\n\r\n") + 4
        lines, body = seven_bit(_unsigned(self.ascii_head or self.content[:size]), self.content[size:])
        signed = b"".join((*lines, b"\r\n")) if self.sign is None else self.sign(lines, body)
        return signed, body


def _unsigned(head: bytes) -> list[bytes]:
    """The fields of a header but for its signatures, which are the platform's own."""
    return [field.lines for field in fields_of(head.removesuffix(b"\r\n")) if field.key != _SIGNATURE]


class LeaseLost(Exception):
    """The lease on the recipients ran out: another engine may have claimed them."""


class CommitHooks(Protocol):
    """Hooks before MAIL, and around the final dot, which commits a message to the receiver."""

    async def before_mail(self, numbers: Sequence[int]) -> Mapping[int, Outcome]:
        """Called just before a message is offered to recipients: the outcomes of those it may not go to.

        Raises `Unavailable` if the store cannot be read: then the message must not be sent.
        """
        ...

    async def before_commit(self, numbers: Sequence[int]) -> None:
        """Called before the dot is sent, with the recipients that were accepted.

        Raises `LeaseLost` or OSError: then the dot must not be sent.
        """
        ...

    def commit_withdrawn(self, numbers: Sequence[int]) -> None:
        """Called after `before_commit` if the dot was not sent, or if the host refused the message for now.

        Then the message may be sent to another host.
        """
        ...

    def after_commit(self, outcomes: Mapping[int, Outcome]) -> None:
        """Called as soon as a reply to the dot that decides was read, or the wait for it was given up."""
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

        A failure is an outcome. Raises `LeaseLost`, and `Exhausted` or `Unavailable` if this machine lacks
        something: then nothing was attempted for the recipients without an outcome.
        """
        ...

    async def close(self) -> None:
        """Ends idle connections."""
        ...
