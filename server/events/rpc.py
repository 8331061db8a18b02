"""EventService: the log as a list and as a stream (contract row F-8)."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

from sqlalchemy import Row
from zidimail.v1 import event_pb2, event_service_pb2_grpc
from zidimail.v1 import event_service_pb2 as pb

from server.db.engine import Database
from server.events import log
from server.events.bell import Bell
from server.faults import Unavailable, ValidationFailed, Violation
from server.wire.caller import current_caller
from server.wire.interceptors import Context
from server.wire.paging import limit_of
from server.wire.timestamps import timestamp

_STREAM_PAGE = 200
# How soon a stream sees an event that another process wrote; one of this process rings the bell.
_POLL_S = 0.25
_PREFIX = "EVENT_TYPE_"
_TYPES = cast("dict[str, event_pb2.EventType]", dict(event_pb2.EventType.items()))


class EventServicer(event_service_pb2_grpc.EventServiceServicer):
    """The organisation's log."""

    def __init__(self, database: Database, bell: Bell) -> None:
        self._database = database
        self._bell = bell
        self._stopping = False

    def stop(self) -> None:
        """Ends every stream; its caller resumes elsewhere with its last cursor."""
        self._stopping = True
        self._bell.ring()

    async def ListEvents(self, request: pb.ListEventsRequest, context: Context) -> pb.ListEventsResponse:
        """A stretch of the log, oldest first."""
        limit = limit_of(request.limit if request.HasField("limit") else None)
        after = _place(request.after)
        types = _type_names(request.types)
        async with self._database.read() as connection:
            rows = await log.read(
                connection,
                after,
                limit + 1,
                org_id=current_caller().org_id,
                email_id=request.email_id if request.HasField("email_id") else None,
                types=types,
            )
        data = [event_message(row) for row in rows[:limit]]
        return pb.ListEventsResponse(
            data=data, has_more=len(rows) > limit, next_cursor=data[-1].cursor if data else request.after
        )

    async def WatchEvents(
        self, request: pb.WatchEventsRequest, context: Context
    ) -> AsyncIterator[pb.WatchEventsResponse]:
        """Every event from the cursor on, as it happens."""
        org_id = current_caller().org_id
        types = _type_names(request.types)
        if request.HasField("after"):
            after = _place(request.after)
        else:
            async with self._database.read() as connection:
                after = await log.end(connection)
        # The caller learns that the stream stands before anything happens.
        await context.send_initial_metadata(())
        while not self._stopping:
            async with self._database.read() as connection:
                rows = await log.read(connection, after, _STREAM_PAGE, org_id=org_id, types=types)
            for row in rows:
                yield pb.WatchEventsResponse(event=event_message(row))
            if rows:
                after = log.Place(rows[-1].tx, rows[-1].seq)
            else:
                await self._bell.wait(_POLL_S)
        raise Unavailable(1.0, "The server is stopping. Call again with the cursor of the last event.")


def event_message(row: Row[Any]) -> event_pb2.Event:
    """An entry of the log as it is sent."""
    return event_pb2.Event(
        id=row.id,
        type=type_of_name(row.type),
        created_at=timestamp(row.created_at),
        email_id=row.email_id,
        recipient=row.recipient,
        reply=reply_message(row),
        attempt=row.attempt,
        possible_duplicate=row.possible_duplicate,
        cursor=log.Place(row.tx, row.seq).cursor(),
    )


def reply_message(row: Row[Any]) -> event_pb2.SmtpReply | None:
    """The reply columns of a row, or why there was no reply, as they are sent; None if nothing was tried."""
    if row.reply_code is None and row.reply_status is None:
        return None
    return event_pb2.SmtpReply(
        code=row.reply_code or 0,
        enhanced_status=row.reply_status or "",
        diagnostic=row.reply_text or "",
        remote_host=row.remote_host or "",
    )


def type_of_name(name: str) -> event_pb2.EventType:
    """The enum value of a stored name: `email.sent` is EVENT_TYPE_EMAIL_SENT."""
    return _TYPES[_PREFIX + name.replace(".", "_", 1).upper()]


def name_of_type(value: int) -> str:
    """The stored name of an enum value. Raises ValueError for one that this server does not know."""
    name = event_pb2.EventType.Name(cast("event_pb2.EventType", value))
    if value == event_pb2.EVENT_TYPE_UNSPECIFIED:
        raise ValueError("the type is not named")
    return name.removeprefix(_PREFIX).lower().replace("_", ".", 1)


def _place(cursor: str) -> log.Place:
    try:
        return log.Place.of_cursor(cursor)
    except ValueError:
        raise ValidationFailed([Violation("after", "is not a cursor of this log")]) from None


def _type_names(types: Sequence[int]) -> list[str]:
    try:
        return [name_of_type(value) for value in types]
    except ValueError:
        raise ValidationFailed([Violation("types", "holds something that is no event type")]) from None
