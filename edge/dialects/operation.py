"""A route with all that serving it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from edge.dialects.dialect import RouteRules
from edge.transcoding.binding import BindRequest
from edge.transcoding.invoke import Admit, Invoke
from edge.transcoding.rendering import Render
from edge.transcoding.request_shape import Read
from edge.transcoding.routes import Route


class Method(NamedTuple):
    """The call of a method, and the question whether a caller may make it."""

    invoke: Invoke
    admit: Admit


@dataclass(frozen=True, slots=True)
class Operation:
    """A route with everything that was compiled for it."""

    route: Route
    bind: BindRequest
    read: Read | None
    rules: RouteRules
    render: Render
    invoke: Invoke
    admit: Admit
    body_limit: int
    is_public: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds to answer in, and bytes of a body and of one with files."""

    deadline_s: float
    body: int
    body_with_files: int
