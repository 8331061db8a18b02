"""The question of an SPF check and its answer (RFC 7208 sections 2.4, 2.6 and 4.1)."""

from dataclasses import dataclass
from typing import Literal

from server.domains.spf_terms import Verdict

Result = Literal[Verdict, "none", "permerror", "temperror"]


@dataclass(frozen=True, slots=True)
class Sender:
    """The identity to check: `local`@`domain`, and the name that the client says in EHLO."""

    domain: str
    helo: str
    local: str = "postmaster"


@dataclass(frozen=True, slots=True)
class Included:
    """A name whose record passes without being looked up: it costs `terms` terms beside its `include`."""

    name: str
    terms: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result and its cause: the term of the record of `domain` that decided, or the error in `reason`.

    `by_inclusion`: the `Included` name decided. `hint` says why that name did not count, if it was met.
    """

    result: Result
    domain: str
    term: str = ""
    reason: str = ""
    by_inclusion: bool = False
    hint: str = ""
