"""Rules of contacts: names, lists and limits, as pure functions (contract rows Z-48, Z-49, section D)."""

import re
from dataclasses import dataclass

from server.addresses import CONTROL
from server.faults import Violation

# Characters of names and texts.
MAX_NAME_LENGTH = 256
MAX_PART_LENGTH = 128
MAX_LIST_NAME_LENGTH = 100
MAX_DESCRIPTION_LENGTH = 500
# Ids or addresses of one call.
MAX_NAMED = 1000
# Lists that a new contact joins.
MAX_JOINED = 100

_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class ContactLimits:
    """The most contacts, rows of one import, and lists of an organisation; None for any number."""

    contacts: int | None
    import_rows: int | None
    lists: int | None


@dataclass(frozen=True, slots=True)
class Name:
    """A name in two parts, each empty if it is not known."""

    first: str = ""
    last: str = ""

    @property
    def whole(self) -> str:
        """Both parts with a blank between them."""
        return f"{self.first} {self.last}".strip()


def split_name(whole: str) -> Name:
    """A whole name in two parts: its first word, and the rest. Several blanks become one."""
    first, _, last = _SPACE.sub(" ", whole).strip().partition(" ")
    return Name(first, last)


def check_text(
    field: str, text: str, most: int, violations: list[Violation], *, required: bool = False
) -> str:
    """The text without blanks around it. Adds to `violations` if it is too long or has control characters."""
    text = text.strip()
    if required and not text:
        violations.append(Violation(field, f"must have 1 to {most} characters"))
    elif len(text) > most:
        violations.append(Violation(field, f"must have at most {most} characters; it has {len(text)}"))
    elif CONTROL.search(text):
        violations.append(Violation(field, "must not hold line breaks or other control characters"))
    return text


def check_names(
    whole: str | None, first: str | None, last: str | None, violations: list[Violation]
) -> tuple[str | None, str | None]:
    """The first and the last name that a request gives, None for one that it does not.

    Adds to `violations` for a wrong text, and for a whole name beside its parts.
    """
    if whole is not None and (first is not None or last is not None):
        violations.append(Violation("name", "must not stand beside first_name or last_name"))
    if whole is not None:
        name = split_name(check_text("name", whole, MAX_NAME_LENGTH, violations))
        return name.first, name.last
    if first is not None:
        first = check_text("first_name", first, MAX_PART_LENGTH, violations)
    if last is not None:
        last = check_text("last_name", last, MAX_PART_LENGTH, violations)
    return first, last
