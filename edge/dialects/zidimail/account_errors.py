"""The errors of people who sign in, and of the members of organisations (C-9, C-10, C-77)."""

from __future__ import annotations

from collections.abc import Mapping

from edge.dialects.zidimail.error_row import Row

ROWS: Mapping[str, Row] = {
    "INVALID_LOGIN": Row(
        401,
        "invalid_access",
        "The address or the password is wrong.",
        "Check both, or set a new password by POST /v1/auth/password/forgot.",
    ),
    "SECOND_FACTOR_REQUIRED": Row(
        401,
        "invalid_access",
        "The account has a second factor.",
        "Send the code of your app, or a recovery code, as `{field}` in the same request.",
    ),
    "INVALID_CODE": Row(
        401,
        "invalid_access",
        "The code is wrong or was used before.",
        "Wait for the next code of your app, or use a recovery code.",
    ),
    "SECOND_FACTOR_ACTIVE": Row(
        409,
        "validation_error",
        "Your account has a second factor already.",
        "Remove it by POST /v1/auth/totp/deactivate before you add another.",
    ),
    "SECOND_FACTOR_NOT_BEGUN": Row(
        422,
        "validation_error",
        "There is no second factor to activate.",
        "Begin by POST /v1/auth/totp, add its secret to your app, and send the code that the app shows.",
    ),
    "SECOND_FACTOR_NOT_ACTIVE": Row(
        422,
        "validation_error",
        "Your account has no second factor.",
        "Your password alone signs you in. Add a second factor by POST /v1/auth/totp.",
    ),
    "NOT_A_MEMBER": Row(
        403,
        "restricted_api_key",
        "You are not a member of the organisation, or of any.",
        "Ask an owner to invite you, or get an organisation of your own by POST /v1/auth/register.",
    ),
    "MEMBER_NOT_FOUND": Row(
        404, "not_found", "Member not found.", "No member of the organisation has the id {id}."
    ),
    "INVITATION_NOT_FOUND": Row(
        404,
        "not_found",
        "Invitation not found.",
        "No invitation with the id {id} waits: it was answered, withdrawn or has expired, or never was.",
    ),
    "ALREADY_A_MEMBER": Row(
        409,
        "validation_error",
        "The address belongs to a member already.",
        "Change the role of {email} by PATCH /v1/members/{{id}} instead.",
    ),
    "LAST_OWNER": Row(
        422,
        "validation_error",
        "The organisation would be left without an owner.",
        "Make another member an owner first, by PATCH /v1/members/{{id}}.",
    ),
    "ERASURE_NOT_FOUND": Row(
        404, "not_found", "Erasure not found.", "No erasure of your organisation has the id {id}."
    ),
    "TOO_MANY_ERASURES": Row(
        429,
        "rate_limit_exceeded",
        "Your organisation has {limit} erasures in progress.",
        "Try again when one of them is completed, as GET /v1/erasures shows.",
    ),
    "EXPORT_NOT_FOUND": Row(
        404,
        "not_found",
        "Export not found.",
        "Your organisation has no export with the id {id}, or not any more.",
    ),
    "EXPORT_NOT_READY": Row(
        409,
        "validation_error",
        "The export is still being made.",
        "Download it when GET /v1/exports/{id} shows that it is completed.",
    ),
    "TOO_MANY_INVITATIONS": Row(
        429,
        "rate_limit_exceeded",
        "Your organisation has invited {limit} people in a day.",
        "Try again after the seconds in Retry-After.",
    ),
    "REGISTRATION_CLOSED": Row(
        403,
        "validation_error",
        "Registration is closed.",
        "Ask for an invitation, or ask the operator of this installation.",
    ),
    "LINK_NOT_VALID": Row(
        422,
        "validation_error",
        "The link is not valid.",
        "It is incomplete, was used before or has expired. Ask for a new one.",
    ),
    "TOO_MANY_ATTEMPTS": Row(
        429,
        "rate_limit_exceeded",
        "Too many wrong passwords were given for this address.",
        "Try again after the seconds in Retry-After, or set a new password.",
    ),
    "OIDC_NOT_CONFIGURED": Row(
        404,
        "not_found",
        "This installation has no OpenID Connect provider.",
        "For logins there its operator sets {settings}.",
    ),
    "OIDC_LOGIN_NOT_VALID": Row(
        422,
        "validation_error",
        "The login at the provider is not valid.",
        "It was finished before, has expired, or began in another browser.",
        "Begin again by POST /v1/auth/oidc.",
    ),
    "OIDC_LOGIN_REFUSED": Row(
        401,
        "invalid_access",
        "The login at the provider failed: {problem}.",
        "Begin again by POST /v1/auth/oidc. If it fails again, ask the operator of this installation.",
    ),
    "OIDC_PROVIDER_UNAVAILABLE": Row(
        503,
        "application_error",
        "The OpenID Connect provider does not work now: {problem}.",
        "Begin again by POST /v1/auth/oidc after the seconds in Retry-After, or sign in with your password.",
    ),
    "OIDC_ADDRESS_NOT_VERIFIED": Row(
        403,
        "validation_error",
        "The provider does not say that your address is verified.",
        "Verify it there and begin again, or sign in with your password.",
    ),
    "IDENTITY_DEACTIVATED": Row(
        403,
        "validation_error",
        "The logins by this account at the provider were ended.",
        "Sign in with your password, and activate it again by POST /v1/auth/identities/{{id}}/activate.",
    ),
    "IDENTITY_NOT_FOUND": Row(
        404,
        "not_found",
        "You have no account at a provider with the id {id}.",
        "GET /v1/auth/methods shows your ways to sign in.",
    ),
    "FOREIGN_ORIGIN": Row(
        403,
        "validation_error",
        "The request comes from a page of another site.",
        "Only the pages of this installation may make it in a browser, not {origin}.",
    ),
}
