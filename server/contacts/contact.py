"""A contact, as it is stored."""

from typing import NamedTuple


class ContactRow(NamedTuple):
    """A contact; `created_at` in milliseconds since 1970 UTC."""

    id: str
    email: str
    first_name: str
    last_name: str
    unsubscribed: bool
    created_at: int
