"""What a dialect has to say, so that the rest of the edge can serve it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from google.protobuf.message import Message

from edge.transcoding.asgi import Answer
from edge.transcoding.names import EnumNames
from edge.transcoding.rendering import Render
from edge.transcoding.routes import Route
from edge.transcoding.status import Failure, Violation

Spared = Mapping[int, Sequence[Violation]]
"""What is wrong with the items of a list that were taken out, by their index."""


class Dialect(Protocol):
    """One JSON form of the API. Methods are meant by full name, `zidimail.v1.EmailService.SendEmail`."""

    @property
    def routes(self) -> Sequence[Route]:
        """The routes that the dialect serves."""

    @property
    def names(self) -> EnumNames:
        """How enum values are written."""

    @property
    def special(self) -> Mapping[str, Render]:
        """Messages, by full name, that have a JSON form of their own."""

    def takes_files(self, method: str) -> bool:
        """Whether bodies of a method may hold files, and so be larger than others."""

    def without_files(self, body: Any) -> Any:
        """The JSON body of such a method without the content of its files."""

    def widen(self, method: str, body: Any, headers: Mapping[bytes, bytes]) -> Any:
        """Brings a JSON body, as callers may write it, into the form of the request message.

        Takes any JSON and returns any JSON; what is wrong is left for the binder to refuse.
        """

    def complete(self, method: str, request: Message, headers: Mapping[bytes, bytes]) -> None:
        """Puts into a bound request what stands in headers."""

    def spare(self, method: str, body: Any, failure: Failure) -> Spared:
        """Takes out of a list in the JSON body what no message can be made of, if the rest may go on.

        Returns what was wrong, by index; nothing if the failure stands for the whole request.
        """

    def restore(self, response: Any, spared: Spared) -> None:
        """Tells in the response what was wrong with what was taken out."""

    def answer(self, method: str, response: Message, rendered: Any) -> Answer:
        """The answer of success, from the response and its JSON values."""

    def failure(self, failure: Failure, request_id: str) -> Answer:
        """The answer of an error."""
