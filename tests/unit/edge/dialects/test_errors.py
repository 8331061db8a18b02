"""Z-7, Z-8 and section D: every reason has its answer, with both families of names."""

import re
import string
from typing import Any

import orjson
import pytest

from edge.dialects.zidimail.errors import ROWS, failure_answer
from edge.transcoding.comments import comments_of
from edge.transcoding.failure_texts import reasons
from edge.transcoding.status import HTTP_REASONS, Failure, Violation

REASONS = sorted(reasons() | HTTP_REASONS)

# Names in Resend's documentation; its .NET client refuses to read an error of any other name.
RESEND_NAMES = {
    *("invalid_idempotency_key", "validation_error", "missing_api_key", "restricted_api_key"),
    *("invalid_api_key", "not_found", "method_not_allowed", "invalid_idempotent_request"),
    *("concurrent_idempotent_requests", "invalid_attachment", "invalid_from_address", "invalid_access"),
    *("invalid_parameter", "invalid_region", "missing_required_field", "monthly_quota_exceeded"),
    *("daily_quota_exceeded", "rate_limit_exceeded", "security_error", "application_error"),
    "internal_server_error",
}


def documented_keys(reason: str) -> set[str]:
    """The metadata keys that error_reason.proto names for a reason."""
    comment = comments_of("zidimail.v1").get(f"zidimail.v1.ErrorReason.ERROR_REASON_{reason}", "")
    return set(re.findall(r"`(\w+)`", comment.partition("Metadata:")[2]))


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def answer_of(reason: str) -> tuple[int, dict[str, Any]]:
    """The status and the body of a failure with all the metadata that the contract promises."""
    metadata = {key: f"<{key}>" for key in documented_keys(reason) - {"retry_after", "index"}}
    answer = failure_answer(Failure(reason, metadata), "r1")
    return answer.status, orjson.loads(answer.body)


def test_no_reason_falls_back_to_an_internal_error() -> None:
    internal = answer_of("INTERNAL")[1]["error"]
    assert [reason for reason in REASONS if answer_of(reason)[1]["error"] == internal] == ["INTERNAL"]


def test_every_row_is_of_a_reason_in_the_contract() -> None:
    assert not ROWS.keys() - set(REASONS)


@pytest.mark.parametrize("reason", REASONS)
def test_texts_use_only_metadata_that_the_contract_promises(reason: str) -> None:
    row = ROWS[reason]
    used = placeholders(row.error) | placeholders(row.message) | placeholders(row.action or "")
    of_the_edge = {
        "HEAD_TOO_LARGE": {"limit"},
        "MALFORMED_REQUEST": {"problem"},
        "BODY_ENCODING": {"encoding"},
        "LIMIT_EXCEEDED": {"advice"},
    }
    assert used <= documented_keys(reason) | {"request_id", "violation"} | of_the_edge.get(reason, set())


@pytest.mark.parametrize("reason", REASONS)
def test_every_body_has_both_families_of_names(reason: str) -> None:
    status, body = answer_of(reason)
    assert {"error", "message", "name", "statusCode"} <= body.keys()
    assert 400 <= body["statusCode"] == status < 600


@pytest.mark.parametrize(
    ("reason", "status", "name"),
    [
        ("MISSING_CREDENTIALS", 401, "missing_api_key"),
        ("INVALID_CREDENTIALS", 401, "invalid_api_key"),
        ("WRONG_CREDENTIAL_KIND", 401, "restricted_api_key"),  # C-9
        ("MISSING_PERMISSION", 401, "restricted_api_key"),
        ("VALIDATION_FAILED", 422, "validation_error"),
        ("DOMAIN_NOT_VERIFIED", 422, "validation_error"),
        ("EMAIL_NOT_FOUND", 404, "not_found"),
        ("DOMAIN_ALREADY_EXISTS", 409, "validation_error"),
        ("IDEMPOTENCY_KEY_REUSED", 409, "invalid_idempotent_request"),  # F-1
        ("INVALID_IDEMPOTENCY_KEY", 400, "invalid_idempotency_key"),
        ("MALFORMED_BODY", 400, "validation_error"),
        ("BODY_TOO_LARGE", 413, "validation_error"),
        ("ROUTE_NOT_FOUND", 404, "not_found"),
        ("UNAVAILABLE", 503, "application_error"),
        ("INTERNAL", 500, "application_error"),
    ],
)
def test_documented_statuses_and_names(reason: str, status: int, name: str) -> None:
    answered, body = answer_of(reason)
    assert (answered, body["statusCode"], body["name"]) == (status, status, name)


@pytest.mark.parametrize("reason", REASONS)
def test_every_error_name_is_documented_by_resend(reason: str) -> None:
    """Section D."""
    assert answer_of(reason)[1]["name"] in RESEND_NAMES


def test_error_field_alone_describes_the_failure() -> None:
    """Z-7: Resend's PHP client shows `error` and nothing else."""
    failure = Failure("VALIDATION_FAILED", violations=[Violation("subject", "is required")])
    body = orjson.loads(failure_answer(failure, "r1").body)
    assert body["error"] == "The request is not valid: subject: is required."


def test_unverified_domain_error_names_the_domain_and_the_remedy() -> None:
    failure = Failure("DOMAIN_NOT_VERIFIED", {"domain": "example.com"})
    body = orjson.loads(failure_answer(failure, "r1").body)
    assert body["error"] == 'Domain "example.com" is not verified.'
    assert "/v1/domains/{id}/verify" in body["action"]


def test_every_invalid_field_is_listed_and_the_first_is_the_message() -> None:
    wrong = [Violation("to", "is missing"), Violation("subject", "is too long")]
    body = orjson.loads(failure_answer(Failure("VALIDATION_FAILED", violations=wrong), "r1").body)
    assert body["message"] == "to: is missing"
    assert body["errors"] == [
        {"field": "to", "message": "is missing"},
        {"field": "subject", "message": "is too long"},
    ]


def test_the_message_names_the_kind_of_credential_that_is_needed() -> None:
    failure = Failure("WRONG_CREDENTIAL_KIND", {"needed": "session"})
    assert "session" in orjson.loads(failure_answer(failure, "r1").body)["message"]


def test_error_names_the_invalid_email_of_a_batch() -> None:
    failure = Failure("DOMAIN_NOT_VERIFIED", {"domain": "x.test", "index": "3"})
    assert "Email 3 of the batch" in orjson.loads(failure_answer(failure, "r1").body)["message"]


@pytest.mark.parametrize(
    ("failure", "header"),
    [
        (Failure("MISSING_CREDENTIALS"), (b"www-authenticate", b"Bearer")),
        (Failure("INVALID_CREDENTIALS"), (b"www-authenticate", b"Bearer")),
        (Failure("METHOD_NOT_ALLOWED", {"method": "PUT", "allow": "GET, HEAD"}), (b"allow", b"GET, HEAD")),
        (Failure("UNAVAILABLE", {"retry_after": "7"}), (b"retry-after", b"7")),
        (Failure("UNAVAILABLE", retry_after_s=2.2), (b"retry-after", b"3")),
        (Failure("UNAVAILABLE", retry_after_s=0), (b"retry-after", b"1")),
        (Failure("UNAVAILABLE"), (b"retry-after", b"1")),
    ],
)
def test_statuses_have_their_headers(failure: Failure, header: tuple[bytes, bytes]) -> None:
    assert header in failure_answer(failure, "r1").headers


def test_unknown_reason_of_a_newer_server_is_an_internal_error() -> None:
    assert failure_answer(Failure("FROM_THE_FUTURE"), "r1").status == 500


def test_callers_text_cannot_break_the_error_body() -> None:
    failure = Failure("ROUTE_NOT_FOUND", {"path": "/\ud800{x}{0}%s"})
    assert orjson.loads(failure_answer(failure, "r1").body)["message"] == "Nothing answers at /?{x}{0}%s."
