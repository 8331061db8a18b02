"""A body on its way to its parser: unpacked, and without the files that would hold everybody else up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import NamedTuple

from google.protobuf.message import Message

from edge.dialects.dialect import Files, RouteRules
from edge.transcoding.body import Body
from edge.transcoding.file_contents import FileContents
from edge.transcoding.json_body import size_of, unpacked, wrong_media_type
from edge.transcoding.json_value import Json
from edge.transcoding.status import Failure


class Content(NamedTuple):
    """The text of a body, and the contents of files that were taken out of it."""

    text: bytes
    files: FileContents | None = None

    @property
    def size(self) -> int:
        """Bytes that limits count."""
        return len(self.text) if self.files is None else self.files.size


async def read_without_files(body: Body, files: Files, limit: int, hold: Callable[[int], None]) -> Content:
    """The content of a body that is large by its files, which are decoded while they arrive.

    Raises as `Body.rewritten` does.
    """
    contents = _contents(files)
    return Content(await body.rewritten(contents, limit, hold), contents)


async def unpack(packed: bytes, files: Files | None, limit: int, hold: Callable[[int], None]) -> Content:
    """The content of a body in gzip's format; others have their turn between its parts.

    Raises as `unpacked` does, and as `FileContents` does.
    """
    contents = None if files is None else _contents(files)
    parts: list[bytes] = []
    for part in unpacked(packed, limit, hold):
        parts.append(part if contents is None else contents.feed(part))
        await asyncio.sleep(0)
    if contents is not None:
        parts.append(contents.finish())
    return Content(b"".join(parts), contents)


def check_rest(json: Json, files: Files, limit: int) -> None:
    """Raises Failure (BODY_TOO_LARGE) for a large body that is not large by its files (C-1)."""
    if size_of(files.left_out(json)) > limit:
        raise Failure("BODY_TOO_LARGE", {"limit": str(limit)})


def with_bytes(
    request: Message, field: str, body: bytes, headers: Mapping[bytes, bytes], rules: RouteRules
) -> Message:
    """The request with a body that is no JSON in its field. Raises Failure (UNSUPPORTED_MEDIA_TYPE)."""
    given = headers.get(b"content-type", b"").decode("latin-1")
    if given.partition(";")[0].strip().lower() not in ("", *rules.media_types):
        raise wrong_media_type(given, rules.media_types[0])
    setattr(request, field, body)
    return request


def _contents(files: Files) -> FileContents:
    # Node writes bytes as an object with `data`, which is a list or, in old programs, base64.
    return FileContents((files.content, "data"), files.name)
