"""Numbered pages of lists (contract rows Z-27, C-7, C-20)."""

from dataclasses import dataclass
from typing import Any

from server.db.listing import Stretch
from server.faults import ValidationFailed, Violation
from server.ids import is_id

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
# Beyond this no list is meant to be paged through by number, and an offset must fit the store's integers.
MAX_PAGE = 1_000_000


@dataclass(frozen=True, slots=True)
class Page:
    """A page to read: its number from 1, and its size."""

    number: int
    limit: int

    @property
    def offset(self) -> int:
        """How many rows stand before the page."""
        return (self.number - 1) * self.limit


def limit_of(limit: int | None) -> int:
    """The size of a page: 50 if none is asked for, at most 100. Raises `ValidationFailed` below 1."""
    if limit is None:
        return DEFAULT_LIMIT
    if limit < 1:
        raise ValidationFailed([Violation("limit", "must be 1 or more")])
    return min(limit, MAX_LIMIT)


def page_of(limit: int | None, page: int | None) -> Page:
    """The page to read. Raises `ValidationFailed` for a number or size below 1."""
    number = 1 if page is None else page
    if not 1 <= number <= MAX_PAGE:
        raise ValidationFailed([Violation("page", f"must be a number from 1 to {MAX_PAGE}")])
    return Page(number, limit_of(limit))


def asked_page(request: Any) -> tuple[Page, Stretch]:
    """What a request with the fields `limit`, `page`, `after` and `before` asks for.

    Raises `ValidationFailed` for a number or size below 1, and for a cursor that is no id.
    """
    page = page_of(
        request.limit if request.HasField("limit") else None,
        request.page if request.HasField("page") else None,
    )
    given = {name: getattr(request, name) for name in ("after", "before") if request.HasField(name)}
    violations = [Violation(name, "is not an id of this list") for name, id in given.items() if not is_id(id)]
    if violations:
        raise ValidationFailed(violations)
    return page, Stretch(page.limit, page.offset, **given)
