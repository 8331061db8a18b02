"""Emails as the tests of this folder write them."""

from datetime import UTC, datetime, timedelta
from typing import Any


def email_of(name: str, **fields: Any) -> dict[str, Any]:
    """An email from the domain of an organisation of `KINDS`."""
    return {
        "from": f"Shop <hello@{name}.example.com>",
        "to": ["ada@example.org"],
        "subject": "Your order",
        "html": "<p>It is on its way.</p>",
        **fields,
    }


def ahead(**delta: float) -> str:
    """A time from now on, as the document writes times."""
    return f"{datetime.now(UTC) + timedelta(**delta):%Y-%m-%dT%H:%M:%SZ}"
