"""Uploads: the body of a request as a stream of messages, be it the file itself or a form with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from google.protobuf.message import Message

from edge.dialects.operation import Operation
from edge.transcoding.form import Form, boundary_of
from edge.transcoding.upload import messages_of


async def messages_of_upload(
    operation: Operation, first: Message, chunks: AsyncIterator[bytes], headers: Mapping[bytes, bytes]
) -> AsyncIterator[Message]:
    """The requests of an upload; `first` has the fields of path, query and headers.

    The other fields of a form, which may come after its file, are in the last request. Raises Failure for a
    wrong form, and what `chunks` raises.
    """
    rules, field = operation.rules.upload, operation.route.body
    boundary = None if rules is None else boundary_of(headers.get(b"content-type", b""))
    if rules is None or boundary is None:
        async for message in messages_of(first, field, chunks):
            yield message
        return
    form = Form(boundary, rules.file)
    async for message in messages_of(first, field, form.file(chunks)):
        yield message
    yield operation.bind(None, form.query, ())
