"""The result of the check of one DNS record, and the text in which it is kept with the domain."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import orjson

from server.domains.rules import CheckStatus, Record

# Limits of an answer that is kept and shown: the records, and the characters of each.
_MAX_RECORDS = 10
_MAX_CHARS = 1000
_ORDER: Sequence[CheckStatus] = ("failed", "temporary_failure", "pending", "verified")


@dataclass(frozen=True, slots=True)
class Finding:
    """The result for one record: what DNS returned, and the part that is wrong, for its owner to read."""

    status: CheckStatus
    found: tuple[str, ...] = ()
    problem: str = ""


Findings = Mapping[tuple[str, str], Finding]
"""Findings by the name and the type of their records."""


def failed(found: Iterable[str], problem: str) -> Finding:
    """DNS answered, and the record is missing or wrong."""
    return Finding("failed", shortened(found), problem)


def unanswered(name: str, reason: str) -> Finding:
    """DNS did not answer: nothing is known."""
    problem = f"DNS did not answer for {name}: {reason}. The record may be right: verify again later."
    return Finding("temporary_failure", problem=problem)


def combined(statuses: Iterable[CheckStatus]) -> CheckStatus:
    """The worst of several statuses: `failed`, `temporary_failure`, `pending`; `failed` for none."""
    every = set(statuses)
    return next((status for status in _ORDER if status in every), "failed")


def shortened(found: Iterable[str]) -> tuple[str, ...]:
    """An answer of DNS, cut to a size that can be kept and shown."""
    records = list(found)[:_MAX_RECORDS]
    return tuple(text if len(text) <= _MAX_CHARS else f"{text[:_MAX_CHARS]}…" for text in records)


def finding_of(record: Record, findings: Findings) -> Finding:
    """The finding for a record, or its status alone while there is none."""
    return findings.get((record.name, record.type), Finding(record.status))


def dump(findings: Findings) -> str:
    """The text to store."""
    rows = [[name, type, *_fields(finding)] for (name, type), finding in findings.items()]
    return orjson.dumps(rows).decode()


def load(text: str | None) -> dict[tuple[str, str], Finding]:
    """The findings of a stored text; none before the first check."""
    rows = orjson.loads(text or "[]")
    return {
        (name, type): Finding(status, tuple(found), problem) for name, type, status, found, problem in rows
    }


def _fields(finding: Finding) -> list[object]:
    return [finding.status, finding.found, finding.problem]
