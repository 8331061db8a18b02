"""Path templates: literals and parameters, `/v1/domains/{id}/verify`.

Of the grammar in google/api/http.proto only these two kinds of segment are used; anything else is
an error when the routes are built, not a surprise when one is called.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LITERAL = re.compile(r"[A-Za-z0-9._~-]+")
_PARAMETER = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class BadTemplate(ValueError):
    """The template cannot be used; says why."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A segment that must be matched byte for byte."""

    text: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A segment that binds a field of the request."""

    field: str


Segment = Literal | Parameter


def parse(template: str) -> tuple[Segment, ...]:
    """Splits a template into its segments. Raises BadTemplate."""
    if not template.startswith("/"):
        raise BadTemplate(f"{template!r} does not begin with a slash")
    segments = tuple(_segment(template, text) for text in template[1:].split("/"))
    fields = [segment.field for segment in segments if isinstance(segment, Parameter)]
    if len(fields) != len(set(fields)):
        raise BadTemplate(f"{template!r} binds a field twice")
    return segments


def _segment(template: str, text: str) -> Segment:
    if parameter := _PARAMETER.fullmatch(text):
        return Parameter(parameter[1])
    if _LITERAL.fullmatch(text):
        return Literal(text)
    raise BadTemplate(f"{template!r} has the segment {text!r}: neither a literal nor one parameter")
