"""What a webhook must look like (contract rows Z-38, C-35)."""

from collections.abc import Sequence

from server.faults import ValidationFailed, Violation
from server.net.guard import UrlRefused, check_url


def check(url: str, events: Sequence[str | None], *, allow_private_networks: bool) -> list[str]:
    """The event types of a new webhook, each once. None stands for a type that does not exist.

    Raises `ValidationFailed` naming everything that is wrong.
    """
    violations = []
    try:
        check_url(url, allow_private_networks=allow_private_networks)
    except UrlRefused as error:
        violations.append(Violation("url", str(error) if url else "must be given"))
    if not events:
        violations.append(Violation("events", "must name at least one event type"))
    violations += [
        Violation(f"events[{position}]", "is no event type")
        for position, event in enumerate(events)
        if event is None
    ]
    if violations:
        raise ValidationFailed(violations)
    return list(dict.fromkeys(event for event in events if event is not None))
