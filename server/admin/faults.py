"""Refusals of operators' calls; one for each `ErrorReason`."""

from collections.abc import Iterable

from server.faults import Fault, NotFound


class OrganisationNotFound(NotFound):
    """No such organisation."""

    reason, noun = "ORGANISATION_NOT_FOUND", "organisation"


class PlanNotFound(Fault):
    """No such plan."""

    reason, code = "PLAN_NOT_FOUND", "NOT_FOUND"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        names = ", ".join(known)
        super().__init__(f"There is no plan {name!r}; there are {names}.", id=name, known=names)


class NoSecondFactor(Fault):
    """The user has no second factor."""

    reason, code = "NO_SECOND_FACTOR", "FAILED_PRECONDITION"

    def __init__(self, id: str) -> None:
        super().__init__(f"The user {id} has no second factor that could be removed.", id=id)


class AccountStateChanged(Fault):
    """Another decision, or the rates, changed the state of the account at this moment."""

    reason, code = "ACCOUNT_STATE_CHANGED", "ABORTED"

    def __init__(self, id: str) -> None:
        super().__init__(
            f"The state of the account {id} has changed at this moment. Look at it, and decide again.", id=id
        )
