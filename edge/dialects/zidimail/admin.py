"""The shapes and the errors of operators' calls (C-76, F-14)."""

from __future__ import annotations

from collections.abc import Mapping

from edge.dialects.zidimail.error_row import Row
from edge.transcoding.request_shape import RequestShape
from edge.transcoding.response_shape import ResponseShape, always

_REASON = "Ticket 4711."

REQUESTS: Mapping[str, RequestShape] = {
    "UpdateOrganisationAccountRequest": RequestShape(
        example={"plan": "pro", "limits": {"daily": 5000}, "unset_limits": ["monthly"], "reason": _REASON}
    ),
    "ChangeAccountStateRequest": RequestShape(example={"state": "review", "note": "Please call us."}),
    "CreateImpersonationRequest": RequestShape(example={"user_id": "0" * 24, "reason": _REASON}),
    "UpdateRetentionRequest": RequestShape(example={"days": {"bodies": 7}, "reason": _REASON}),
    "UpdatePlanLimitsRequest": RequestShape(example={"limits": {"webhooks": 20}}),
}

RESPONSES: Mapping[str, ResponseShape] = {
    "OrganisationAccount": ResponseShape("organisation_account"),
    "GetOrganisationAccountResponse": ResponseShape("organisation_account_details"),
    "PlanLimits": ResponseShape("plan_limits"),
    "GetPlanLimitsResponse": ResponseShape("list"),
    "RemoveSecondFactorResponse": ResponseShape("second_factor", {"removed": always(True)}),
    "CreateImpersonationResponse": ResponseShape("impersonation", reveals=("token",)),
    "RemoveOrganisationSuppressionResponse": ResponseShape("suppression", {"deleted": always(True)}),
    "GetRetentionResponse": ResponseShape("retention"),
    "UpdateRetentionResponse": ResponseShape("retention"),
    "GetQueueOverviewResponse": ResponseShape("queue"),
    "GetAbuseFiguresResponse": ResponseShape("list"),
    "OperatorEntry": ResponseShape("operator_entry"),
}

ROWS: Mapping[str, Row] = {
    "ORGANISATION_NOT_FOUND": Row(
        404, "not_found", "Organisation not found.", "No organisation has the id {id}."
    ),
    "PLAN_NOT_FOUND": Row(
        404, "not_found", "Plan not found.", "There is no plan {id}. The plans are {known}."
    ),
    "NO_SECOND_FACTOR": Row(
        422,
        "validation_error",
        "The user has no second factor.",
        "There is nothing to be removed: the user {id} signs in with the password alone.",
    ),
    "OPERATOR_SECOND_FACTOR_REQUIRED": Row(
        403,
        "restricted_api_key",
        "This session was opened without your second factor.",
        "Sign in again with the code of your app: operators need their second factor once they have one.",
    ),
    "IMPERSONATION_NOT_ALLOWED": Row(
        403,
        "restricted_api_key",
        "An operator opened this session on behalf of the user.",
        "Only the user itself may make this call.",
    ),
    "ACCOUNT_STATE_CHANGED": Row(
        409,
        "validation_error",
        "The state of the account has just changed.",
        "Look at GET /v1/admin/organisations/{id}, and decide again.",
    ),
}
