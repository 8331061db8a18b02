"""EventService: the log as a list and as a stream (contract row F-8)."""

from collections.abc import AsyncIterator, Sequence

from zidimail.v1 import event_service_pb2 as pb
from zidimail.v1 import event_service_pb2_grpc

from server.db.database import Database
from server.db.reach import Reach
from server.db.tx import Tx
from server.events import log
from server.events.cursors import Cursors
from server.events.rows import EventRow, Place
from server.events.stream_counts import StreamCounts
from server.events.to_proto import event_message, name_of_type
from server.events.watchers import Watchers
from server.faults import Unavailable, ValidationFailed, Violation
from server.wire.caller import current_caller
from server.wire.interceptors import Context
from server.wire.paging import limit_of

_STREAM_PAGE = 200


class EventServicer(event_service_pb2_grpc.EventServiceServicer):
    """The organisation's log."""

    def __init__(
        self, database: Database, watchers: Watchers, counts: StreamCounts, cursors: Cursors
    ) -> None:
        self._database = database
        self._counts = counts
        self._cursors = cursors
        self._watchers = watchers
        self._stopping = False

    async def start(self) -> None:
        """Takes streams."""
        self._stopping = False
        await self._watchers.start()

    async def stop(self) -> None:
        """Ends every stream; its caller resumes elsewhere with its last cursor."""
        self._stopping = True
        await self._watchers.stop()

    async def ListEvents(self, request: pb.ListEventsRequest, context: Context) -> pb.ListEventsResponse:
        """Events after a cursor, oldest first."""
        limit = limit_of(request.limit)
        caller = current_caller()
        after = self._place(caller.org_id, request.after)
        types = _type_names(request.types)
        rows = await self._database.read(
            log.read,
            caller.org_id,
            after,
            limit + 1,
            email_id=request.email_id or None,
            types=types,
            reach=caller.reach,
        )
        data = [event_message(row, self._cursors) for row in rows[:limit]]
        return pb.ListEventsResponse(
            data=data,
            has_more=len(rows) > limit,
            next_cursor=data[-1].cursor if data else self._cursors.cursor(caller.org_id, after),
        )

    async def WatchEvents(
        self, request: pb.WatchEventsRequest, context: Context
    ) -> AsyncIterator[pb.WatchEventsResponse]:
        """Every event from the cursor on, as it happens."""
        caller = current_caller()
        types = _type_names(request.types)
        # The ids of now: a domain that is removed and added again has another one.
        domain_ids = await self._database.read(_domain_ids, caller.org_id, caller.reach)
        with self._counts.counted(caller):
            async for row in self._watched(request, context, caller.org_id, types):
                if (row.test or not caller.test) and (domain_ids is None or row.domain_id in domain_ids):
                    yield pb.WatchEventsResponse(event=event_message(row, self._cursors))
        raise Unavailable(1.0, "The server is stopping. Call again with the cursor of the last event.")

    async def _watched(
        self, request: pb.WatchEventsRequest, context: Context, org_id: str, types: Sequence[str]
    ) -> AsyncIterator[EventRow]:
        """The entries of a stream, until the server stops."""
        if request.after or request.from_beginning:
            after = self._place(org_id, request.after)
        else:
            after = await self._database.read(log.end, org_id)
        # The caller learns that the stream has begun before anything happens.
        await context.send_initial_metadata(())
        while not self._stopping:
            watcher = await self._watchers.join(org_id, types)
            try:
                # Up to where the reader was, from the store; from there on, as the reader hands it over.
                async for row in self._stored(after, watcher.place, org_id, types):
                    yield row
                    after = row.place
                after = max(after, watcher.place)
                async for row in watcher.rows():
                    if row.place > after:
                        yield row
                        after = row.place
            finally:
                self._watchers.leave(watcher)

    async def _stored(
        self, after: Place, until: Place, org_id: str, types: Sequence[str]
    ) -> AsyncIterator[EventRow]:
        while after < until and not self._stopping:
            rows = await self._database.read(log.read, org_id, after, _STREAM_PAGE, types=types)
            for row in rows:
                if row.place > until:
                    return
                yield row
            if len(rows) < _STREAM_PAGE:
                return
            after = rows[-1].place

    def _place(self, org_id: str, cursor: str) -> Place:
        try:
            return self._cursors.place(org_id, cursor)
        except ValueError:
            text = "is not a cursor of this log: pass one as an event or a page of this organisation gave it"
            raise ValidationFailed([Violation("after", text)]) from None


def _domain_ids(tx: Tx, org_id: str, reach: Reach) -> set[str] | None:
    """The ids of the domains within reach; None for all."""
    if not reach.domains:
        return None
    return set(tx.scalars(str, reach.domain_ids(org_id)))


def _type_names(types: Sequence[int]) -> list[str]:
    try:
        return [name_of_type(value) for value in types]
    except ValueError:
        raise ValidationFailed([Violation("types", "holds something that is no event type")]) from None
