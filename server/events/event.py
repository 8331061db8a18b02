"""The part of the log's entries that its counters read."""

from typing import Protocol


class Event(Protocol):
    """An entry of the log; `created_at` is milliseconds since 1970 UTC."""

    @property
    def org_id(self) -> str: ...
    @property
    def email_id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def recipient(self) -> str: ...
    @property
    def test(self) -> bool: ...
    @property
    def created_at(self) -> int: ...
