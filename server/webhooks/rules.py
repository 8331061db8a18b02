"""Rules for webhooks (contract rows Z-38, C-35, F-3)."""

from collections.abc import Collection, Sequence

from yarl import URL

from server.faults import ValidationFailed, Violation
from server.net.guard import UrlRefused, check_url
from server.webhooks.formats.format import TEST_TYPE

# The time after which a webhook that accepted no call is disabled (F-3) ...
LOST_AFTER_MS = 5 * 86_400_000
# ... if one of its calls has failed for this time, so that a short outage after a quiet week does not count.
FAILED_FOR_MS = 12 * 3_600_000
# The time after a rotation in which calls are signed with both secrets.
OVERLAP_MS = 86_400_000
# The time for which calls and their attempts can be read and replayed.
KEPT_MS = 30 * 86_400_000


def is_lost(failing_since: int, began_at: int, now_ms: int) -> bool:
    """True if a webhook is to be disabled after a failure now; no call has succeeded since `failing_since`.

    The first attempt of the failed call, or of its replay, was at `began_at`.
    """
    return now_ms - failing_since >= LOST_AFTER_MS and now_ms - began_at >= FAILED_FOR_MS


def check(url: str, events: Sequence[str | None], *, allow_private_networks: bool) -> list[str]:
    """The event types of a new webhook, each once; None in `events` is a type that does not exist.

    Raises `ValidationFailed` with all violations.
    """
    violations = _url(url, allow_private_networks=allow_private_networks)
    if not events:
        violations.append(Violation("events", "must name at least one event type"))
    return _checked(events, violations)


def check_change(
    url: str | None, events: Sequence[str | None] | None, *, allow_private_networks: bool
) -> list[str] | None:
    """The event types that a webhook changes to, each once; None if they stay. Raises `ValidationFailed`."""
    violations = [] if url is None else _url(url, allow_private_networks=allow_private_networks)
    checked = _checked(events or [], violations)
    return None if events is None else checked


def is_same(url: str, events: Collection[str], other_url: str, other_events: Collection[str]) -> bool:
    """True if two webhooks have the same URL, however it is written, and the same events (C-88)."""
    return set(events) == set(other_events) and _canonical(url) == _canonical(other_url)


def _canonical(url: str) -> str:
    try:
        # Also the path, as RFC 3986 section 6.2.2 compares it.
        return str(URL(check_url(url, allow_private_networks=True)))
    except UrlRefused:
        return url


def _url(url: str, *, allow_private_networks: bool) -> list[Violation]:
    try:
        check_url(url, allow_private_networks=allow_private_networks)
    except UrlRefused as error:
        return [Violation("url", str(error) if url else "must be given")]
    return []


def _checked(events: Sequence[str | None], violations: list[Violation]) -> list[str]:
    violations += [
        Violation(f"events[{position}]", "is no event type that a webhook can subscribe to")
        for position, event in enumerate(events)
        if event is None or event == TEST_TYPE
    ]
    if violations:
        raise ValidationFailed(violations)
    return list(dict.fromkeys(event for event in events if event is not None))
