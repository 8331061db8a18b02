"""Faults about contacts and their lists."""

from typing import ClassVar

from server.faults import Fault, NotFound


class ContactNotFound(NotFound):
    """No such contact in the caller's organisation, or in the list."""

    reason, noun = "CONTACT_NOT_FOUND", "contact"

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.message = f"There is no contact {id!r}."


class ContactListNotFound(NotFound):
    """No such list of contacts in the caller's organisation."""

    reason, noun = "CONTACT_LIST_NOT_FOUND", "contact list"


class _LimitReached(Fault):
    """The organisation has as many as its plan allows (contract row Z-48)."""

    code = "FAILED_PRECONDITION"
    noun: ClassVar[str]

    def __init__(self, used: int, limit: int) -> None:
        super().__init__(
            f"The organisation has {used} {self.noun}, and its plan allows {limit}. "
            "Delete some, or change to a larger plan.",
            used=str(used),
            limit=str(limit),
        )


class ContactLimitReached(_LimitReached):
    """The organisation has as many contacts as its plan allows."""

    reason, noun = "CONTACT_LIMIT_REACHED", "contacts"


class ContactListLimitReached(_LimitReached):
    """The organisation has as many lists of contacts as its plan allows."""

    reason, noun = "CONTACT_LIST_LIMIT_REACHED", "lists"


class ContactImportTooLarge(Fault):
    """An import has more rows than the plan allows in one (contract rows Z-51, C-65)."""

    reason, code = "CONTACT_IMPORT_TOO_LARGE", "FAILED_PRECONDITION"

    def __init__(self, rows: int, limit: int) -> None:
        super().__init__(
            f"The import has {rows} rows, and the plan allows {limit} in one. Divide it, or change to "
            "a larger plan.",
            rows=str(rows),
            limit=str(limit),
        )


class ContactListSendNotFound(NotFound):
    """No such send to a list in the caller's organisation."""

    reason, noun = "CONTACT_LIST_SEND_NOT_FOUND", "send to a list"
