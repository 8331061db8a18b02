"""A permissive batch goes on without its invalid emails (C-4).

An empty email takes the place of each, which the server refuses like any other invalid one; the answer then
holds the violations that the edge has found.
"""

from __future__ import annotations

import re

from google.rpc import code_pb2, error_details_pb2
from zidimail.v1 import email_service_pb2 as pb

from edge.dialects.dialect import Invalid
from edge.transcoding.json_value import Json
from edge.transcoding.status import Failure, Violation

_ITEM = re.compile(r"emails\[(\d+)\](?:\.(.*))?", re.DOTALL)


def drop_invalid(body: Json, failure: Failure) -> Invalid:
    """Empties the invalid emails of a permissive batch's JSON. Returns none if anything else is wrong."""
    if body.get("mode") != "permissive":
        return {}
    found: dict[int, list[Violation]] = {}
    for violation in failure.violations:
        item = _ITEM.fullmatch(violation.field)
        if item is None:
            return {}
        found.setdefault(int(item[1]), []).append(Violation(item[2] or "", violation.message))
    for index in found:
        body["emails"][index] = {}
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
