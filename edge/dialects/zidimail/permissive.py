"""A permissive batch goes on without its invalid emails (C-4).

An empty email takes the place of each, which the server refuses like any other invalid one; the answer then
holds the violations that the edge has found.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import structlog
from google.rpc import code_pb2, error_details_pb2
from zidimail.v1 import email_service_pb2 as pb

from edge.dialects.dialect import Invalid
from edge.transcoding.json_value import Json
from edge.transcoding.status import Failure, Violation

_log = structlog.get_logger("edge")

_ITEM = re.compile(r"emails\[0\]\.?")


def drop_invalid(body: Json, bind: Callable[[Json], object]) -> Invalid:
    """Empties the invalid emails of a permissive batch's JSON: those that `bind` refuses in a batch of one.

    Anything that is raised about an email is its own fault: one that cannot be looked at is invalid.
    """
    emails = body.get("emails")
    if body.get("mode") != "permissive" or type(emails) is not list:
        return {}
    found: dict[int, list[Violation]] = {}
    for index, email in enumerate(emails):
        try:
            bind({"emails": [email]})
        except Failure as failure:
            found[index] = [
                Violation(_ITEM.sub("", violation.field, count=1), violation.message)
                for violation in failure.violations
            ]
        except Exception:
            _log.exception("an email of a batch could not be bound")
            found[index] = [Violation("", "cannot be read")]
    for index in found:
        emails[index] = {}
    return found


def report_invalid(response: pb.BatchSendEmailsResponse, invalid: Invalid) -> None:
    """Replaces the errors of the emptied emails by what was wrong with the originals."""
    for index, violations in invalid.items():
        info = error_details_pb2.ErrorInfo(
            reason="VALIDATION_FAILED", domain="zidimail", metadata={"field": violations[0].field}
        )
        request = error_details_pb2.BadRequest()
        for violation in violations:
            request.field_violations.add(field=violation.field, description=violation.message)
        error = response.results[index].error
        error.Clear()
        error.code = code_pb2.INVALID_ARGUMENT
        for detail in (info, request):
            error.details.add().Pack(detail)
