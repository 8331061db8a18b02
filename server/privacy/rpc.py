"""AccountService: erasures of recipients' data (contract row F-13)."""

from collections.abc import Callable

from zidimail.v1 import account_pb2
from zidimail.v1 import account_service_pb2 as pb

from server.addresses import NotAMailbox, mailbox
from server.clock import Clock
from server.db.database import Database
from server.db.writer import Writer
from server.faults import ValidationFailed, Violation
from server.ids import is_id, new_id
from server.privacy import erasure_store
from server.privacy.eraser import seal_context
from server.privacy.erasure_store import ErasureRow
from server.privacy.faults import ErasureNotFound
from server.sealing import Seal
from server.wire.caller import session_caller
from server.wire.interceptors import Context
from server.wire.paging import page_fields, page_request
from server.wire.timestamps import timestamp
from server.work.notifier import Notifier


class ErasureServicer:
    """The methods about erasures."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        clock: Clock,
        seal: Seal,
        begun: Callable[[], None],
        events_appended: Notifier,
    ) -> None:
        """`begun` is called, and `events_appended` notified, when an erasure has begun."""
        self._database = database
        self._writer = writer
        self._clock = clock
        self._seal = seal
        self._begun = begun
        self._events_appended = events_appended

    async def CreateErasure(
        self, request: pb.CreateErasureRequest, context: Context
    ) -> pb.CreateErasureResponse:
        """Begins to erase an address."""
        address = _address(request.email)
        caller, id, now_ms = session_caller(), new_id(), self._clock.now_ms()
        sealed = self._seal.seal(address.encode(), seal_context(id))
        row = ErasureRow(
            *(caller.org_id, id, "", sealed, caller.user_id, "emails", "", 0, 0, 0, 0, now_ms, now_ms, None)
        )
        row = await self._writer.run(erasure_store.begin, row, address)
        self._begun()
        self._events_appended.notify()
        return pb.CreateErasureResponse(erasure=_message(row))

    async def GetErasure(self, request: pb.GetErasureRequest, context: Context) -> pb.GetErasureResponse:
        """One erasure."""
        row = None
        if is_id(request.id):
            row = await self._database.read(erasure_store.get, session_caller().org_id, request.id)
        if row is None:
            raise ErasureNotFound(request.id)
        return pb.GetErasureResponse(erasure=_message(row))

    async def ListErasures(
        self, request: pb.ListErasuresRequest, context: Context
    ) -> pb.ListErasuresResponse:
        """A page of the erasures."""
        wanted = page_request(request)
        page = await self._database.read(erasure_store.page, session_caller().org_id, wanted)
        return pb.ListErasuresResponse(data=map(_message, page.rows), **page_fields(page, wanted))


def _address(text: str) -> str:
    """The address of a mailbox in lower case. Raises `ValidationFailed`."""
    if not text:
        raise ValidationFailed([Violation("email", "is required")])
    try:
        return mailbox(text).key
    except NotAMailbox as error:
        raise ValidationFailed([Violation("email", str(error))]) from None


def _message(row: ErasureRow) -> account_pb2.Erasure:
    is_completed = row.completed_at is not None
    return account_pb2.Erasure(
        id=row.id,
        status=account_pb2.ERASURE_STATUS_COMPLETED if is_completed else account_pb2.ERASURE_STATUS_RUNNING,
        stand_in=row.stand_in,
        email_count=row.email_count,
        created_at=timestamp(row.created_at),
        completed_at=None if row.completed_at is None else timestamp(row.completed_at),
    )
