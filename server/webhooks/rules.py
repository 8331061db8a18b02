"""What a webhook must look like (contract rows Z-38, C-35)."""

from collections.abc import Sequence

from server.faults import ValidationFailed, Violation
from server.net.guard import UrlRefused, check_url

# A webhook that took nothing for so long is disabled (F-3) ...
LOST_AFTER_MS = 5 * 86_400_000
# ... if some call to it failed for so long, so that no short outage after a quiet week does it.
FAILED_FOR_MS = 12 * 3_600_000
# For so long after a rotation calls are signed with both secrets.
OVERLAP_MS = 86_400_000
# How long calls and their attempts can be looked up and made again.
KEPT_MS = 30 * 86_400_000


def is_lost(failing_since: int, began_at: int, now_ms: int) -> bool:
    """Whether a webhook is disabled after a failure now, none having succeeded since `failing_since`.

    The call that failed was first made, or made again, at `began_at`.
    """
    return now_ms - failing_since >= LOST_AFTER_MS and now_ms - began_at >= FAILED_FOR_MS


def check(url: str, events: Sequence[str | None], *, allow_private_networks: bool) -> list[str]:
    """The event types of a new webhook, each once. None stands for a type that does not exist.

    Raises `ValidationFailed` naming everything that is wrong.
    """
    violations = _url(url, allow_private_networks=allow_private_networks)
    if not events:
        violations.append(Violation("events", "must name at least one event type"))
    return _checked(events, violations)


def check_change(url: str | None, events: Sequence[str | None], *, allow_private_networks: bool) -> list[str]:
    """The event types that a webhook changes to, each once; none if they stay. Raises `ValidationFailed`."""
    violations = [] if url is None else _url(url, allow_private_networks=allow_private_networks)
    return _checked(events, violations)


def _url(url: str, *, allow_private_networks: bool) -> list[Violation]:
    try:
        check_url(url, allow_private_networks=allow_private_networks)
    except UrlRefused as error:
        return [Violation("url", str(error) if url else "must be given")]
    return []


def _checked(events: Sequence[str | None], violations: list[Violation]) -> list[str]:
    violations += [
        Violation(f"events[{position}]", "is no event type that a webhook can be told of")
        for position, event in enumerate(events)
        if event is None or not event.startswith("email.")
    ]
    if violations:
        raise ValidationFailed(violations)
    return list(dict.fromkeys(event for event in events if event is not None))
