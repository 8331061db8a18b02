"""The answers of `/api/v1/zsend` to failures, and the shape of its description."""

import json

import pytest
from openapi_spec_validator import validate

from edge.dialects.openapi import document
from edge.dialects.zsend.dialect import ZSend
from edge.dialects.zsend.errors import ROWS, failure_answer, failure_body
from edge.dialects.zsend.openapi import DESCRIPTION
from edge.transcoding.status import Failure


@pytest.mark.parametrize("reason", ROWS)
def test_every_failure_has_an_error_and_a_message(reason: str) -> None:
    """S-2: also one whose metadata a server left out."""
    answer = failure_answer(Failure(reason, {"allow": "GET"}), "r1")
    body = json.loads(answer.body)
    assert body["error"]
    assert body["message"]
    assert answer.status == ROWS[reason].status


def test_an_exhausted_quota_has_the_documented_text() -> None:
    """S-18, C-21."""
    metadata = {"used": "55", "limit": "55", "requested": "1", "resets_at": "2026-01-23T00:00:00.000Z"}
    body = failure_body(Failure("DAILY_QUOTA_EXCEEDED", metadata))
    assert body["error"] == "daily quota exceeded (55/55), resets at 2026-01-23 00:00:00"
    assert body["resetsAt"] == "2026-01-23T00:00:00.000Z"


def test_permissions_have_the_names_of_the_dialect() -> None:
    """V-5."""
    body = failure_body(
        Failure("MISSING_PERMISSION", {"permission": "read_only", "needed": "full,send_only"})
    )
    assert body["message"] == "The API key has the permission read_only; this route needs all,send_only."


def test_a_reason_of_a_newer_server_is_an_internal_error() -> None:
    assert failure_answer(Failure("FROM_THE_FUTURE"), "r1").status == 500


def test_the_description_is_valid_and_names_each_operation_once() -> None:
    described = json.loads(document(ZSend(), DESCRIPTION, "http://test"))
    validate(described)
    names = [operation["operationId"] for path in described["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names)) == 10
    listed = described["paths"]["/api/v1/zsend/emails/scheduled"]["get"]["parameters"]
    assert "job_type" not in {parameter["name"] for parameter in listed}
    (status,) = [parameter for parameter in listed if parameter["name"] == "status"]
    assert status["schema"]["items"]["enum"] == ["enqueued", "scheduled", "sent", "cancelled"]
