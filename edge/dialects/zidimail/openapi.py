"""The parts of `/v1/openapi.json` that the dialect says itself."""

from __future__ import annotations

from collections.abc import Mapping

from edge.dialects.openapi import Description
from edge.dialects.zidimail.errors import ROWS
from edge.dialects.zidimail.shapes import QUERIES
from edge.transcoding.schema import TEXT, TIME, Schema, object_of

_BOUNDS: Mapping[str, Schema] = {
    **{name: {"minimum": 1} for name in QUERIES.counts},
    "page": {"minimum": 1, "maximum": 1_000_000},
    "offset": {"minimum": 0},
    "after": {"pattern": "^([0-9a-f]{24})?$"},
    "before": {"pattern": "^([0-9a-f]{24})?$"},
}

_ERROR = object_of(
    {
        "error": {**TEXT, "description": "What went wrong, in one sentence."},
        "message": {**TEXT, "description": "The particulars, or what to do."},
        "action": {**TEXT, "description": "What to do, where more than repeating helps."},
        "name": {**TEXT, "enum": sorted({row.name for row in ROWS.values()})},
        "statusCode": {"type": "integer", "description": "The status of the answer."},
        "errors": {
            "type": "array",
            "description": "Each wrong field.",
            "items": object_of({"field": TEXT, "message": TEXT}),
        },
        "resetsAt": {**TIME, "description": "When a limit is lifted."},
    },
    optional=("action", "errors", "resetsAt"),
)

DESCRIPTION = Description(
    title="ZidiMail",
    key="zm_live_...",
    error=_ERROR,
    statuses={row.status for row in ROWS.values()},
    bounds=_BOUNDS,
)
