"""AdminService: plans, the queue, the rates of all organisations, suppressions, and the log of operators."""

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy.exc import DBAPIError
from zidimail.v1 import admin_pb2
from zidimail.v1 import admin_service_pb2 as pb

from server.account_health.rules import Thresholds
from server.account_health.store import rates_of
from server.account_health.to_proto import ACCOUNT_STATES, thresholds_message
from server.accounts import operator_log
from server.accounts.operator_log import Act, OperatorEntryRow
from server.accounts.store import change_organisation
from server.admin import acts, store
from server.admin.accounts import plan_message
from server.admin.calls import acting, organisation_id, reason
from server.admin.faults import OrganisationNotFound
from server.admin.limits import limit_changes
from server.admin.store import FiguresRow, Order
from server.clock import Clock
from server.db.database import Database
from server.db.listing import Page
from server.db.outage import is_cut_off
from server.db.tx import Tx
from server.db.writer import Writer
from server.events.to_proto import rates_message
from server.faults import Unavailable, ValidationFailed, Violation
from server.ids import SYSTEM_ORG_ID, ms_of
from server.queue import overview
from server.queue.overview import SiteRow
from server.quotas.plans import all_plans, is_paypal_plan
from server.suppressions import store as suppressions
from server.suppressions.faults import SuppressionNotFound
from server.suppressions.store import SuppressionRow
from server.suppressions.to_proto import id_or_address, suppression_message
from server.wire.access import CREDENTIALS
from server.wire.interceptors import Context
from server.wire.paging import limit_of, page_fields, page_request
from server.wire.timestamps import timestamp

# A message of the wire has 64 MiB, and an email is more than its files.
MAX_ATTACHMENT_BYTES = 60 << 20
MAX_SEARCH_LENGTH = 256
_ORDERS: Mapping[int, Order] = {
    pb.ABUSE_ORDER_UNSPECIFIED: "bounce_rate",
    pb.ABUSE_ORDER_BOUNCE_RATE: "bounce_rate",
    pb.ABUSE_ORDER_COMPLAINT_RATE: "complaint_rate",
}


class PlatformServicer:
    """The methods about the platform as a whole, and about the suppressions of an organisation."""

    def __init__(self, database: Database, writer: Writer, clock: Clock, thresholds: Thresholds) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._thresholds = thresholds

    async def ListOrganisationSuppressions(
        self, request: pb.ListOrganisationSuppressionsRequest, context: Context
    ) -> pb.ListOrganisationSuppressionsResponse:
        """A page of the suppressions of an organisation."""
        if len(request.search) > MAX_SEARCH_LENGTH:
            raise ValidationFailed([Violation("search", f"must have at most {MAX_SEARCH_LENGTH} characters")])
        org_id, wanted, now = (
            organisation_id(request.organisation_id),
            page_request(request),
            self._clock.now_ms(),
        )
        criteria = suppressions.Filter(search=request.search or None)

        def read(tx: Tx) -> Page[SuppressionRow]:
            if change_organisation(tx, org_id, {}) is None:
                raise OrganisationNotFound(org_id)
            return suppressions.page(tx, org_id, criteria, wanted, now)

        page = await (
            self._database.search(SYSTEM_ORG_ID, read) if criteria.search else self._database.read(read)
        )
        return pb.ListOrganisationSuppressionsResponse(
            data=map(suppression_message, page.rows), **page_fields(page, wanted)
        )

    async def RemoveOrganisationSuppression(
        self, request: pb.RemoveOrganisationSuppressionRequest, context: Context
    ) -> pb.RemoveOrganisationSuppressionResponse:
        """Removes a suppression of an organisation."""
        org_id, wanted = organisation_id(request.organisation_id), id_or_address(request.id_or_email)
        why = reason(request.reason, required=True)
        by = acting(context, self._clock, "RemoveOrganisationSuppression", why)

        def write(tx: Tx) -> SuppressionRow:
            if change_organisation(tx, org_id, {}) is None:
                raise OrganisationNotFound(org_id)
            removed = suppressions.remove(tx, org_id, [wanted], by.now_ms)
            if not removed:
                raise SuppressionNotFound(request.id_or_email)
            # By its id: a log of operators holds no addresses of recipients, which may ask to be erased.
            act = Act(method=by.method, org_id=org_id, target_id=removed[0].id, reason=by.reason)
            changes = {"suppression": (removed[0].origin, None)}
            operator_log.record_shown(tx, by.actor, act, by.now_ms, changes)
            return removed[0]

        return pb.RemoveOrganisationSuppressionResponse(id=(await self._writer.run(write)).id)

    async def GetPlanLimits(
        self, request: pb.GetPlanLimitsRequest, context: Context
    ) -> pb.GetPlanLimitsResponse:
        """All plans."""
        return pb.GetPlanLimitsResponse(data=map(plan_message, await self._database.read(all_plans)))

    async def UpdatePlanLimits(
        self, request: pb.UpdatePlanLimitsRequest, context: Context
    ) -> pb.UpdatePlanLimitsResponse:
        """Changes a plan."""
        changes = limit_changes(request.limits, request.unset_limits)
        if request.HasField("overage"):
            changes["overage"] = request.overage
        if request.HasField("attachment_bytes"):
            if not 0 <= request.attachment_bytes <= MAX_ATTACHMENT_BYTES:
                most = f"must be a number from 0 to {MAX_ATTACHMENT_BYTES}"
                raise ValidationFailed([Violation("attachment_bytes", most)])
            changes["attachment_bytes"] = request.attachment_bytes
        if request.HasField("paypal_plan"):
            if request.paypal_plan and not is_paypal_plan(request.paypal_plan):
                description = "must be the id of a plan at PayPal, which begins with P-, or empty"
                raise ValidationFailed([Violation("paypal_plan", description)])
            changes["paypal_plan_id"] = request.paypal_plan or None
        by = acting(context, self._clock, "UpdatePlanLimits", reason(request.reason))
        row = await self._writer.run(acts.change_plan_limits, request.plan_id, changes, by)
        return pb.UpdatePlanLimitsResponse(plan=plan_message(row))

    async def GetQueueOverview(
        self, request: pb.GetQueueOverviewRequest, context: Context
    ) -> pb.GetQueueOverviewResponse:
        """The numbers of the queue. Raises `Unavailable` if they cannot be counted in time."""
        org_id = organisation_id(request.organisation_id) if request.organisation_id else None
        limit = limit_of(request.limit)
        try:
            sites = await self._database.read(overview.sites, org_id, self._clock.now_ms())
        except DBAPIError as error:
            if not is_cut_off(error):
                raise
            raise Unavailable(
                60.0, "The queue is too long to be counted now. Repeat the call later."
            ) from error
        return pb.GetQueueOverviewResponse(
            total=sum(site.total for site in sites),
            due=sum(site.due for site in sites),
            waiting=sum(site.waiting for site in sites),
            leased=sum(site.leased for site in sites),
            held=sum(site.held for site in sites),
            oldest_at=timestamp(ms_of(min(site.oldest_email_id for site in sites))) if sites else None,
            sites=map(_site, sites[:limit]),
        )

    async def GetAbuseFigures(
        self, request: pb.GetAbuseFiguresRequest, context: Context
    ) -> pb.GetAbuseFiguresResponse:
        """The organisations with the worst rates."""
        thresholds, now = self._thresholds, self._clock.now_ms()
        least = request.least_sent if request.HasField("least_sent") else thresholds.least_sent
        if least < 0:
            raise ValidationFailed([Violation("least_sent", "must be 0 or more")])
        order, hours, limit = _ORDERS[request.order], thresholds.window_hours, limit_of(request.limit)
        rows = await self._database.read(store.worst, order, now, hours, least, limit)
        return pb.GetAbuseFiguresResponse(
            data=map(_figures, rows),
            window_hours=thresholds.window_hours,
            thresholds=thresholds_message(thresholds),
        )

    async def ListOperatorEntries(
        self, request: pb.ListOperatorEntriesRequest, context: Context
    ) -> pb.ListOperatorEntriesResponse:
        """A page of the log of operators."""
        wanted = page_request(request)
        org_id = organisation_id(request.organisation_id) if request.organisation_id else None
        page = await self._database.read(operator_log.page, org_id, wanted)
        return pb.ListOperatorEntriesResponse(data=map(_entry, page.rows), **page_fields(page, wanted))


def _site(row: SiteRow) -> admin_pb2.QueueSite:
    return admin_pb2.QueueSite(
        site=row.site,
        due=row.due,
        waiting=row.waiting,
        leased=row.leased,
        held=row.held,
        oldest_at=timestamp(ms_of(row.oldest_email_id)),
    )


def _figures(row: FiguresRow) -> admin_pb2.AbuseFigures:
    return admin_pb2.AbuseFigures(
        organisation_id=row.org_id,
        name=row.name,
        plan=row.plan,
        state=ACCOUNT_STATES[row.state],
        rates=rates_message(rates_of(row.counts)),
    )


def _entry(row: OperatorEntryRow) -> admin_pb2.OperatorEntry:
    changes: Mapping[str, tuple[Any, Any]] = orjson.loads(row.changes)
    return admin_pb2.OperatorEntry(
        id=row.id,
        created_at=timestamp(row.at),
        method=row.method,
        organisation_id=row.org_id or "",
        target_id=row.target_id,
        credential=CREDENTIALS[row.actor],
        actor_id=row.actor_id,
        actor=row.actor_name,
        address=row.address,
        reason=row.reason,
        changes=[
            admin_pb2.SettingChange(
                setting=name, before=orjson.dumps(before).decode(), after=orjson.dumps(after).decode()
            )
            for name, (before, after) in changes.items()
        ],
    )
