"""The results of a batch as the answer shows them: the accepted emails, then what was wrong (C-4)."""

from __future__ import annotations

from edge.transcoding.json_value import Json
from edge.transcoding.schema import TEXT, Schema, not_null, object_of


def accepted(results: list[Json]) -> list[Json]:
    """The accepted emails of a batch, in order (C-4)."""
    return [result["sent"] for result in results if result["sent"] is not None]


def accepted_schema(results: Schema) -> Schema:
    return {"type": "array", "items": not_null(results["items"]["properties"]["sent"])}


def refused(results: list[Json]) -> list[Json] | None:
    """The violations of the others, or null if there are none."""
    errors = [
        {"index": index, "message": result["error"]}
        for index, result in enumerate(results)
        if result["error"] is not None
    ]
    return errors or None


REFUSED: Schema = {
    "type": "array",
    "items": object_of({"index": {"type": "integer"}, "message": TEXT}),
}
