"""Pages of lists, by number and by cursor: one rule for every list (contract rows Z-27, C-7, C-20, C-63).

A number that is 0 and a cursor that is empty count as absent: proto3 cannot tell them apart.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Protocol, TypedDict

from server.db.listing import PageRequest
from server.faults import ValidationFailed, Violation
from server.ids import is_id

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
# The highest page number, so that the offset fits the store's integers.
MAX_PAGE = 1_000_000
# Beyond it there is no more to have (C-20).
MAX_OFFSET = MAX_PAGE * MAX_LIMIT


class PagedRequest(Protocol):
    """A request message for a page of a list."""

    @property
    def limit(self) -> int: ...
    @property
    def page(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def after(self) -> str: ...
    @property
    def before(self) -> str: ...


class PageFields(TypedDict):
    """The fields of every list's answer beside its data."""

    has_more: bool
    total: int
    page: int
    limit: int
    next_cursor: str


class Listed(Protocol):
    """Rows of a list, whether more follow in the direction of reading, and the length of the whole list."""

    @property
    def rows(self) -> Sequence[object]: ...
    @property
    def has_more(self) -> bool: ...
    @property
    def total(self) -> int: ...


def limit_of(limit: int) -> int:
    """The size of a page: 50 by default, at most 100. Raises `ValidationFailed` below 0."""
    if limit < 0:
        raise ValidationFailed([Violation("limit", "must be 1 or more")])
    return min(limit or DEFAULT_LIMIT, MAX_LIMIT)


def page_request(request: PagedRequest) -> PageRequest:
    """The page of a request.

    Of an offset and a page the offset counts. Raises `ValidationFailed` for a negative number or size, and
    for a cursor that is no id.
    """
    number = request.page or 1
    if not 1 <= number <= MAX_PAGE:
        raise ValidationFailed([Violation("page", f"must be a number from 1 to {MAX_PAGE}")])
    limit = limit_of(request.limit)
    violations = [
        Violation(name, "is not an id of this list")
        for name, id in (("after", request.after), ("before", request.before))
        if id and not is_id(id)
    ]
    if request.offset < 0:
        violations.append(Violation("offset", "must be 0 or more"))
    if violations:
        raise ValidationFailed(violations)
    offset = min(request.offset, MAX_OFFSET) or (number - 1) * limit
    return PageRequest(limit, offset, request.after or None, request.before or None)


def page_fields(
    page: Listed, request: PageRequest, id_of: Callable[[Any], str] = attrgetter("id")
) -> PageFields:
    """The fields of the answer with a page; the next page begins after the last row of this one.

    `id_of` returns the id of a row of the page.
    """
    # A page that was read towards newer rows is followed by the row at which it ended, if by nothing else.
    is_followed = bool(page.rows) and (page.has_more or request.is_upward)
    return PageFields(
        has_more=page.has_more,
        total=page.total,
        page=request.number,
        limit=request.limit,
        next_cursor=id_of(page.rows[-1]) if is_followed else "",
    )
