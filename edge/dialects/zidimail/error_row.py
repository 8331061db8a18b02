"""The form of a row in the tables of errors."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One reason's status, its name in Resend's vocabulary, and its texts with the metadata's keys."""

    status: int
    name: str
    error: str
    message: str
    action: str | None = None
