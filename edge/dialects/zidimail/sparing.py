"""A permissive batch goes on without the emails that no message can be made of (C-4).

In their place stands an empty email, which the server refuses like any other wrong one; the answer then
tells what was really wrong with it.
"""

from __future__ import annotations

import re
from typing import Any

from google.rpc import code_pb2, error_details_pb2
from zidimail.v1 import email_service_pb2 as pb

from edge.dialects.dialect import Spared
from edge.transcoding.status import Failure, Violation

_ITEM = re.compile(r"emails\[(\d+)\](?:\.(.*))?", re.DOTALL)


def spare(body: Any, failure: Failure) -> Spared:
    """Takes the wrong emails out of a batch's JSON; empty if more than single emails is wrong."""
    found: dict[int, list[Violation]] = {}
    for violation in failure.violations:
        item = _ITEM.fullmatch(violation.field)
        if item is None:
            return {}
        found.setdefault(int(item[1]), []).append(Violation(item[2] or "", violation.message))
    for index in found:
        body["emails"][index] = {}
    return found


def restore(response: pb.BatchSendEmailsResponse, spared: Spared) -> None:
    """Tells in the answer what was wrong with the emails that were taken out."""
    for index, violations in spared.items():
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
