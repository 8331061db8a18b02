"""The errors of billing (C-79)."""

from __future__ import annotations

from collections.abc import Mapping

from edge.dialects.zidimail.error_row import Row

ROWS: Mapping[str, Row] = {
    "BILLING_NOT_CONFIGURED": Row(
        404,
        "not_found",
        "This installation has no billing.",
        "For billing by PayPal its operator sets {settings}.",
    ),
    "SUBSCRIPTION_EXISTS": Row(
        409,
        "validation_error",
        "The organisation has a subscription already.",
        "The subscription {id} is {status}.",
        "Change it by POST /v1/billing/change, or cancel it by POST /v1/billing/cancel.",
    ),
    "SUBSCRIPTION_NOT_FOUND": Row(
        404,
        "not_found",
        "The organisation has no subscription.",
        "Subscribe to a plan first, by POST /v1/billing/subscribe.",
    ),
    "SUBSCRIPTION_NOT_ACTIVE": Row(
        409,
        "validation_error",
        "The subscription is not active.",
        "The subscription {id} is {status}, and only an active one can change its plan.",
        "Approve or settle it at PayPal, or cancel it and subscribe to the other plan.",
    ),
    "PAYMENT_PROVIDER_UNAVAILABLE": Row(
        503,
        "application_error",
        "PayPal does not work now: {problem}.",
        "Nothing was changed here. Repeat the request after the seconds in Retry-After.",
    ),
    "PAYMENT_PROVIDER_REFUSED": Row(
        502,
        "application_error",
        "PayPal refuses the request: {problem}.",
        "Nothing was changed here. The operator's settings of PayPal, or the ids of its plans there, may be "
        "wrong.",
    ),
    "PAYMENT_EVENT_NOT_VALID": Row(
        400,
        "validation_error",
        "This is no valid event of PayPal.",
        "It is refused, because {problem}.",
    ),
}
