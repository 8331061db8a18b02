"""Faults about subscriptions and PayPal."""

from collections.abc import Sequence

from server.faults import Fault


class BillingNotConfigured(Fault):
    """The installation lacks settings for PayPal (contract row C-79)."""

    reason, code = "BILLING_NOT_CONFIGURED", "NOT_FOUND"

    def __init__(self, missing: Sequence[str]) -> None:
        names = ", ".join(missing)
        super().__init__(
            f"This installation has no billing. For billing by PayPal its operator sets {names}.",
            settings=names,
        )


class SubscriptionExists(Fault):
    """The organisation has a subscription, and can have one only."""

    reason, code = "SUBSCRIPTION_EXISTS", "ALREADY_EXISTS"

    def __init__(self, id: str, status: str) -> None:
        status = status.lower()
        super().__init__(
            f"The organisation has the subscription {id} already, which is {status}. Change or cancel it.",
            id=id,
            status=status,
        )


class SubscriptionNotFound(Fault):
    """The organisation has no subscription."""

    reason, code = "SUBSCRIPTION_NOT_FOUND", "NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("The organisation has no subscription. Subscribe to a plan first.")


class SubscriptionNotActive(Fault):
    """Only an active subscription can change its plan."""

    reason, code = "SUBSCRIPTION_NOT_ACTIVE", "FAILED_PRECONDITION"

    def __init__(self, id: str, status: str) -> None:
        status = status.lower()
        super().__init__(
            f"The subscription {id} is {status}, and only an active one can change its plan. Approve or "
            "settle it at PayPal, or cancel it and subscribe to the other plan.",
            id=id,
            status=status,
        )


class ProviderUnavailable(Fault):
    """PayPal cannot be reached, or cannot take the call now. `problem` says so in a few words."""

    reason, code = "PAYMENT_PROVIDER_UNAVAILABLE", "UNAVAILABLE"

    def __init__(self, problem: str, retry_after_s: float = 30.0) -> None:
        super().__init__(
            f"PayPal does not work now: {problem}. Nothing was changed here. Repeat the call in "
            f"{retry_after_s:g} seconds.",
            problem=problem,
            retry_after=f"{retry_after_s:g}",
        )
        self.retry_after_s = retry_after_s


class ProviderRefused(Fault):
    """PayPal refuses a call. `status` is that of its HTTP answer, `problem` its own name of the reason."""

    reason, code = "PAYMENT_PROVIDER_REFUSED", "FAILED_PRECONDITION"

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(
            f"PayPal refuses the call: {problem}. Nothing was changed here. Ask the operator to look at the "
            "settings of PayPal and the ids of its plans.",
            problem=problem,
        )
        self.status = status


class EventNotValid(Fault):
    """An event is not from PayPal, or is none."""

    reason, code = "PAYMENT_EVENT_NOT_VALID", "INVALID_ARGUMENT"

    def __init__(self, problem: str) -> None:
        super().__init__(f"This is no valid event of PayPal: {problem}.", problem=problem)
