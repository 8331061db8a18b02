"""The description of one JSON form of the API: data, from which the rest of the edge serves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias

from edge.transcoding.asgi import Answer, Header
from edge.transcoding.json_value import Json
from edge.transcoding.names import EnumNames
from edge.transcoding.request_shape import QueryShape, RequestShape, RequestShapes
from edge.transcoding.response_shape import ResponseShape, ResponseShapes
from edge.transcoding.routes import Route
from edge.transcoding.status import Failure, Violation

Invalid: TypeAlias = Mapping[int, Sequence[Violation]]
"""The violations of the items of a list, by index."""


class HeaderField(NamedTuple):
    """The field of a request that stands in a header, and how its text is read."""

    name: str
    read: Callable[[str], str] = str


class Files(NamedTuple):
    """The lists that lead to the files of a body, outermost first, and the field of a file's content."""

    path: tuple[str, ...]
    content: str
    limits_rest: bool = True
    """The rest of the body has the edge's limit for bodies; False if it may be as large as the files."""

    @property
    def name(self) -> str:
        """The place of the contents, as texts name it."""
        return ".".join((*self.path, self.content))

    def left_out(self, body: object) -> object:
        """The JSON body without the content of its files."""
        return self._left_out(body, self.path)

    def _left_out(self, value: object, path: tuple[str, ...]) -> object:
        if type(value) is not dict:
            return value
        if not path:
            return {name: content for name, content in value.items() if name != self.content}
        within = value.get(path[0])
        if type(within) is not list:
            return value
        return {**value, path[0]: [self._left_out(item, path[1:]) for item in within]}


class Upload(NamedTuple):
    """An upload that may come in a form (multipart/form-data) as well."""

    file: str
    """The form's field with the file; the others are those of the query."""

    media_types: tuple[str, ...]
    """The types of the file itself, as the description names them."""


class PartialList(NamedTuple):
    """A list of which the valid items go on without the others, if the caller wants it so."""

    drop_invalid: Callable[[Json, Callable[[Json], object]], Invalid]
    """Replaces the invalid items in the JSON body; gets the binder of whole bodies, which raises Failure."""

    report_invalid: Callable[[Any, Invalid], None]
    """Writes into the response message what was wrong with the items that were dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRules:
    """The HTTP side of one route. A route without a row has the defaults."""

    status: int = 200
    """The status of success."""

    request_headers: Mapping[bytes, HeaderField] = field(default_factory=dict)
    """Fields of the request that come in headers, by the header's name in lower case."""

    response_headers: Callable[[Any], tuple[Header, ...]] | None = None
    """The headers of an answer, from the response message."""

    signs_in: bool = False
    """The route is for our own pages and programs, with the stricter limit of an address (C-10, C-47)."""

    media_types: tuple[str, ...] = ()
    """The types that a body of bytes may have; the first one is the right one."""

    body_limit: int | None = None
    """Bytes of a body, if not the edge's own limit."""

    files: Files | None = None
    """Files that a body may hold: with them the edge's limit for bodies with files applies, and its limit for
    bodies to the rest."""

    upload: Upload | None = None
    """The other forms of the body of an upload."""

    partial: PartialList | None = None
    """The list whose items may fail alone."""

    request: RequestShape | None = None
    """The shape of the body, if not that of its message."""

    query: QueryShape | None = None
    """The shape of the query, if not that of all queries."""

    response: ResponseShape | None = None
    """The shape of the answer, if not that of its message."""

    check: Callable[[Any], None] | None = None
    """The dialect's own limits: raises Failure for a request message that is beyond them."""


class Dialect(Protocol):
    """One JSON form of the API."""

    @property
    def routes(self) -> Sequence[Route]:
        """The routes that the dialect serves."""

    @property
    def names(self) -> EnumNames:
        """The names of enum values."""

    @property
    def request_names(self) -> EnumNames:
        """The names of the enum values that requests may have."""

    @property
    def requests(self) -> RequestShapes:
        """The shapes of JSON bodies."""

    @property
    def queries(self) -> QueryShape:
        """The shape of queries."""

    @property
    def responses(self) -> ResponseShapes:
        """The shapes of answers."""

    def rules(self, route: Route) -> RouteRules:
        """The rules of one of the routes."""

    def failure(self, failure: Failure, request_id: str) -> Answer:
        """The answer of an error."""
