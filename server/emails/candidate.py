"""An email to decide about, and the stored facts that the decision needs: plain values for `admission`."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from server.faults import Fault
from server.quotas.rules import AccountLimits, Periods, Used

# Sending one email, a finished message, a batch or a job, of live or of test mail: a test run never swallows
# a live send (C-52).
Operation: TypeAlias = Literal["send", "raw", "batch", "job", "t-send", "t-raw", "t-batch", "t-job"]


class IdempotencyKey(NamedTuple):
    """An idempotency key in its scope: one organisation, one operation (F-1)."""

    org_id: str
    operation: Operation
    key: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """The serialized answer to an earlier call, and the hash of its request."""

    request_hash: bytes
    response: bytes


@dataclass(slots=True, kw_only=True)
class Candidate:
    """An email to decide about."""

    org_id: str
    # The sender's domain: its name; at "release" its id, which is stored with the email, as is the next one.
    domain: str
    # The recipients' mailboxes in lower case, each once.
    addresses: Sequence[str]
    # The domain of the envelope's sender, if it is not the sender's.
    envelope_domain: str = ""
    # The domains that the caller's key may send from; empty for all.
    allowed_domains: Set[str] = frozenset()
    # Test mail is never sent out and uses no quota (F-5).
    test: bool = False
    # The time at which delivery begins, in milliseconds since 1970 UTC; None for now.
    scheduled_at: int | None = None
    # The bytes of all attachments whose content is known, and of the rest of the content.
    attachments_size: int = 0
    content_size: int = 0
    idempotency_key: IdempotencyKey | None = None
    request_hash: bytes = b""
    # A fault found before; the email may have been without it when its idempotency key was first used.
    refusal: Fault | None = None

    @property
    def size(self) -> int:
        """The bytes of its content and its attachments."""
        return self.attachments_size + self.content_size

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains from which it is sent: the envelope's comes first."""
        return (self.envelope_domain, self.domain) if self.envelope_domain else (self.domain,)

    @property
    def is_of_key(self) -> bool:
        """True if the caller's key may send from its domains (F-7)."""
        return not self.allowed_domains or self.allowed_domains >= set(self.domains)


@dataclass(frozen=True, slots=True)
class Facts:
    """The stored state that concerns some candidates at one time."""

    now_ms: int
    periods: Periods
    # The usage is the present one: an `Admission` charges it.
    accounts: Mapping[str, tuple[AccountLimits, Used]]
    # The ids of verified domains by organisation and `Candidate.domain`.
    domain_ids: Mapping[tuple[str, str], str]
    # Organisations with addresses to which they may not send.
    suppressed: Set[tuple[str, str]] = frozenset()
    answers: Mapping[IdempotencyKey, Remembered] = field(default_factory=dict)
    # The place to appeal against the state of the account.
    support_url: str = ""
