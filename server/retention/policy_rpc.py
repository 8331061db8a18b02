"""AdminService: the days for which an organisation's data is kept."""

from collections.abc import Iterable, Mapping

from zidimail.v1 import admin_pb2
from zidimail.v1 import admin_service_pb2 as pb

from server.accounts import operator_log, store
from server.accounts.operator_log import Act
from server.admin.calls import acting, organisation_id, reason
from server.admin.faults import OrganisationNotFound
from server.clock import Clock
from server.db.database import Database
from server.db.tx import Tx
from server.db.writer import Writer
from server.faults import ValidationFailed, Violation
from server.retention.policy import change_own_days, own_days
from server.settings import MAX_RETENTION_DAYS
from server.wire.interceptors import Context


class RetentionServicer:
    """The methods about retention; `platform` holds the days of all organisations, by kind."""

    def __init__(self, database: Database, writer: Writer, clock: Clock, platform: Mapping[str, int]) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._platform = platform

    async def GetRetention(
        self, request: pb.GetRetentionRequest, context: Context
    ) -> pb.GetRetentionResponse:
        """The days of an organisation."""
        org_id = organisation_id(request.organisation_id)

        def read(tx: Tx) -> dict[str, int]:
            if store.change_organisation(tx, org_id, {}) is None:
                raise OrganisationNotFound(org_id)
            return own_days(tx, org_id)

        own = await self._database.read(read)
        return pb.GetRetentionResponse(own=_message(own), days=_message({**self._platform, **own}))

    async def UpdateRetention(
        self, request: pb.UpdateRetentionRequest, context: Context
    ) -> pb.UpdateRetentionResponse:
        """Changes the days of an organisation."""
        org_id, changes = organisation_id(request.organisation_id), _changes(request.days, request.unset_days)
        by = acting(context, self._clock, "UpdateRetention", reason(request.reason))

        def write(tx: Tx) -> dict[str, int]:
            if store.organisation(tx, org_id) is None:
                raise OrganisationNotFound(org_id)
            before = own_days(tx, org_id)
            differences = {
                kind: (before.get(kind), days) for kind, days in changes.items() if before.get(kind) != days
            }
            if differences:
                change_own_days(tx, org_id, changes)
                act = Act(method=by.method, org_id=org_id, reason=by.reason)
                operator_log.record_shown(tx, by.actor, act, by.now_ms, differences)
            return own_days(tx, org_id)

        own = await self._writer.run(write)
        return pb.UpdateRetentionResponse(own=_message(own), days=_message({**self._platform, **own}))


def _message(days: Mapping[str, int]) -> admin_pb2.RetentionDays:
    return admin_pb2.RetentionDays(**days)


def _changes(given: admin_pb2.RetentionDays, unset: Iterable[str]) -> dict[str, int | None]:
    """The numbers to set, None for those of the platform. Raises `ValidationFailed`."""
    changes: dict[str, int | None] = {field.name: value for field, value in given.ListFields()}
    most = f"must be a number of days from 1 to {MAX_RETENTION_DAYS}"
    violations = [
        Violation(f"days.{kind}", most)
        for kind, days in changes.items()
        if days is not None and not 1 <= days <= MAX_RETENTION_DAYS
    ]
    known = [field.name for field in admin_pb2.RetentionDays.DESCRIPTOR.fields]
    for position, kind in enumerate(unset):
        if kind not in known:
            violations.append(Violation(f"unset_days[{position}]", f"must be one of {', '.join(known)}"))
        elif changes.get(kind) is not None:
            violations.append(Violation(f"unset_days[{position}]", "is also among the days to be set"))
        else:
            changes[kind] = None
    if violations:
        raise ValidationFailed(violations)
    return changes
