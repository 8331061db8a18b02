"""Texts about failures: every answer's table has one for each reason, with places for the failure's values.

Texts are made from the reason and its metadata, never from a status message.
"""

from __future__ import annotations

from collections.abc import Collection

from zidimail.v1.error_reason_pb2 import ErrorReason

from edge.transcoding.status import Failure

_KINDS = {
    "api_key": "API keys",
    "live_key": "API keys that are not for tests",
    "unbound_key": "API keys that are not bound to domains",
    "session": "sessions (sign in to the dashboard)",
}
# The things of which a plan limits the number (C-88): their names in a text, and the advice to make room.
_LIMITED = {
    "webhooks": ("webhooks", "Delete one that is not needed"),
    "api_keys": ("API keys", "Delete one that is not needed"),
    "domains": ("domains", "Delete one that is not needed"),
    "scheduled_emails": ("scheduled emails that wait", "Cancel some, or wait until some have left"),
    "scheduled_bytes": ("bytes of scheduled emails that wait", "Cancel some, or wait until some have left"),
    "test_emails": ("test emails today", "Send more tomorrow (UTC)"),
}


def reasons() -> set[str]:
    """Every reason that the contract names."""
    prefix = "ERROR_REASON_"
    return {name.removeprefix(prefix) for name in ErrorReason.keys() if ErrorReason.Value(name)}  # noqa: SIM118


def check_rows(rows: Collection[str]) -> None:
    """Raises RuntimeError if a reason of the contract has no row."""
    if missing := reasons() - set(rows):
        raise RuntimeError(f"no answer for the reasons {sorted(missing)}")


class _Values(dict[str, str]):
    """Metadata for a text: a key that a server left out leaves a gap, not an error."""

    def __missing__(self, key: str) -> str:
        return "?"


def text_values(failure: Failure, request_id: str) -> dict[str, str]:
    """New values for the placeholders in a text: metadata, `request_id`, and the first `violation`. A missing
    key has the value `?`."""
    values = _Values(failure.metadata)
    values.setdefault("request_id", request_id)
    if failure.reason == "WRONG_CREDENTIAL_KIND":
        values["needed"] = _KINDS.get(values["needed"], values["needed"])
    if failure.reason == "LIMIT_EXCEEDED":
        resource = values["resource"]
        values["resource"], values["advice"] = _LIMITED.get(resource, (resource, "Delete or cancel some"))
    if failure.violations:
        values["violation"] = ": ".join(part for part in failure.violations[0] if part)
    return values
