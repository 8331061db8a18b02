"""Numbered pages of lists (contract rows Z-27, C-7, C-20)."""

from typing import Protocol

from server.db.listing import PageRequest
from server.faults import ValidationFailed, Violation
from server.ids import is_id

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
# The highest page number, so that the offset fits the store's integers.
MAX_PAGE = 1_000_000


class PagedRequest(Protocol):
    """A request message for a page of a list."""

    @property
    def limit(self) -> int: ...
    @property
    def page(self) -> int: ...
    @property
    def after(self) -> str: ...
    @property
    def before(self) -> str: ...
    def HasField(self, field_name: str) -> bool: ...


def limit_of(limit: int | None) -> int:
    """The size of a page: 50 by default, at most 100. Raises `ValidationFailed` below 1."""
    if limit is None:
        return DEFAULT_LIMIT
    if limit < 1:
        raise ValidationFailed([Violation("limit", "must be 1 or more")])
    return min(limit, MAX_LIMIT)


def page_request(request: PagedRequest) -> PageRequest:
    """The page of a request.

    Raises `ValidationFailed` for a number or size below 1, and for a cursor that is no id.
    """
    number = request.page if request.HasField("page") else 1
    if not 1 <= number <= MAX_PAGE:
        raise ValidationFailed([Violation("page", f"must be a number from 1 to {MAX_PAGE}")])
    limit = limit_of(request.limit if request.HasField("limit") else None)
    after = request.after if request.HasField("after") else None
    before = request.before if request.HasField("before") else None
    violations = [
        Violation(name, "is not an id of this list")
        for name, id in (("after", after), ("before", before))
        if id is not None and not is_id(id)
    ]
    if violations:
        raise ValidationFailed(violations)
    return PageRequest(limit, (number - 1) * limit, after, before)
