"""SuppressionService (contract rows Z-24, F-4)."""

from collections.abc import Sequence

from google.protobuf.timestamp_pb2 import Timestamp
from zidimail.v1 import suppression_service_pb2 as pb
from zidimail.v1 import suppression_service_pb2_grpc

from server.addresses import NotAMailbox, mailbox
from server.clock import Clock
from server.db.database import Database
from server.db.tx import Tx
from server.db.writer import Writer
from server.faults import ValidationFailed, Violation
from server.suppressions import store
from server.suppressions.faults import SuppressionNotFound
from server.suppressions.store import NewSuppression, SuppressionRow
from server.suppressions.to_proto import ORIGIN_PREFIX, ORIGINS, id_or_address, suppression_message
from server.wire.caller import current_caller
from server.wire.interceptors import Context
from server.wire.paging import page_fields, page_request

MAX_BATCH = 100
MAX_SEARCH_LENGTH = 256
_YEAR_10000_MS = 253_402_300_800_000


class SuppressionServicer(suppression_service_pb2_grpc.SuppressionServiceServicer):
    """The organisation's suppressed addresses."""

    def __init__(self, database: Database, writer: Writer, clock: Clock) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock

    async def CreateSuppression(
        self, request: pb.CreateSuppressionRequest, context: Context
    ) -> pb.CreateSuppressionResponse:
        """Suppresses an address by hand."""
        violations: list[Violation] = []
        address = _address("email", request.email, violations)
        now_ms = self._clock.now_ms()
        expires_at = (
            _expiry(request.expires_at, now_ms, violations) if request.HasField("expires_at") else None
        )
        if violations:
            raise ValidationFailed(violations)
        rows = await self._add([address], now_ms, expires_at)
        return pb.CreateSuppressionResponse(suppression=suppression_message(rows[0]))

    async def GetSuppression(
        self, request: pb.GetSuppressionRequest, context: Context
    ) -> pb.GetSuppressionResponse:
        """One suppression, by its id or its address."""
        wanted = id_or_address(request.id_or_email)
        row = await self._database.read(store.get, current_caller().org_id, wanted, self._clock.now_ms())
        if row is None:
            raise SuppressionNotFound(request.id_or_email)
        return pb.GetSuppressionResponse(suppression=suppression_message(row))

    async def ListSuppressions(
        self, request: pb.ListSuppressionsRequest, context: Context
    ) -> pb.ListSuppressionsResponse:
        """A page of the suppressions, newest first."""
        criteria, asked = _filter(request), page_request(request)
        org_id, now_ms = current_caller().org_id, self._clock.now_ms()
        if criteria.search:
            page = await self._database.search(org_id, store.page, org_id, criteria, asked, now_ms)
        else:
            page = await self._database.read(store.page, org_id, criteria, asked, now_ms)
        return pb.ListSuppressionsResponse(
            data=map(suppression_message, page.rows),
            **page_fields(page, asked),
        )

    async def DeleteSuppression(
        self, request: pb.DeleteSuppressionRequest, context: Context
    ) -> pb.DeleteSuppressionResponse:
        """Removes a suppression, by its id or its address."""
        removed = await self._remove([id_or_address(request.id_or_email)])
        if not removed:
            raise SuppressionNotFound(request.id_or_email)
        return pb.DeleteSuppressionResponse(id=removed[0].id, deleted=True)

    async def BatchAddSuppressions(
        self, request: pb.BatchAddSuppressionsRequest, context: Context
    ) -> pb.BatchAddSuppressionsResponse:
        """Suppresses up to 100 addresses by hand, all or none."""
        addresses = _addresses(request.emails)
        rows = await self._add(addresses, self._clock.now_ms(), None)
        return pb.BatchAddSuppressionsResponse(data=map(suppression_message, rows))

    async def BatchRemoveSuppressions(
        self, request: pb.BatchRemoveSuppressionsRequest, context: Context
    ) -> pb.BatchRemoveSuppressionsResponse:
        """Removes up to 100 suppressions."""
        _check_count(request.emails)
        wanted = dict.fromkeys(map(id_or_address, request.emails))
        return pb.BatchRemoveSuppressionsResponse(
            data=map(suppression_message, await self._remove(list(wanted)))
        )

    async def _add(
        self, addresses: Sequence[str], now_ms: int, expires_at: int | None
    ) -> list[SuppressionRow]:
        """Suppresses addresses; returns their suppressions in the same order, whether they are new or not."""
        org_id = current_caller().org_id
        new = [
            NewSuppression(
                org_id=org_id, address=address, origin="manual", created_at=now_ms, expires_at=expires_at
            )
            for address in dict.fromkeys(addresses)
        ]
        return await self._writer.run(_add, org_id, new, addresses, now_ms)

    async def _remove(self, wanted: Sequence[str]) -> list[SuppressionRow]:
        return await self._writer.run(store.remove, current_caller().org_id, wanted, self._clock.now_ms())


def _add(
    tx: Tx, org_id: str, new: Sequence[NewSuppression], addresses: Sequence[str], now_ms: int
) -> list[SuppressionRow]:
    store.add(tx, new)
    rows = store.of_addresses(tx, org_id, addresses, now_ms)
    return [rows[address] for address in addresses]


def _address(field: str, text: str, violations: list[Violation]) -> str:
    """The address of a mailbox in lower case. Adds to `violations` if it is not one."""
    if not text:
        violations.append(Violation(field, "is required"))
        return ""
    try:
        return mailbox(text).key
    except NotAMailbox as error:
        violations.append(Violation(field, str(error)))
        return ""


def _addresses(texts: Sequence[str]) -> list[str]:
    _check_count(texts)
    violations: list[Violation] = []
    addresses = [_address(f"emails[{index}]", text, violations) for index, text in enumerate(texts)]
    if violations:
        raise ValidationFailed(violations)
    return addresses


def _check_count(texts: Sequence[str]) -> None:
    if not 1 <= len(texts) <= MAX_BATCH:
        raise ValidationFailed(
            [Violation("emails", f"must hold 1 to {MAX_BATCH} addresses; it holds {len(texts)}")]
        )


def _expiry(given: Timestamp, now_ms: int, violations: list[Violation]) -> int:
    """The time in milliseconds since 1970 UTC. Adds to `violations` if it is not in the future."""
    expires_at = given.seconds * 1000 + given.nanos // 1_000_000
    if not now_ms < expires_at < _YEAR_10000_MS:
        violations.append(Violation("expires_at", "must be a time in the future"))
    return expires_at


def _filter(request: pb.ListSuppressionsRequest) -> store.Filter:
    """The criteria of a request. Raises `ValidationFailed`."""
    violations: list[Violation] = []
    if len(request.search) > MAX_SEARCH_LENGTH or "\x00" in request.search:
        violations.append(
            Violation("search", f"must have at most {MAX_SEARCH_LENGTH} characters, none of them NUL")
        )
    known = {value: name.removeprefix(ORIGIN_PREFIX).lower() for name, value in ORIGINS.items() if value}
    if any(origin not in known for origin in request.origin):
        violations.append(Violation("origin", "must be bounce, complaint, unsubscribe or manual"))
    if violations:
        raise ValidationFailed(violations)
    return store.Filter(
        origins=[known[origin] for origin in request.origin],
        search=request.search or None,
    )
