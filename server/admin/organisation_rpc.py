"""AdminService: organisations and their accounts."""

from zidimail.v1 import admin_service_pb2 as pb

from server.account_health import store as health
from server.account_health.store import ChangeRow
from server.account_health.to_proto import history_message
from server.accounts import store as accounts
from server.admin import acts, store
from server.admin.accounts import Account, Window, account_message, plan_message, with_figures
from server.admin.calls import acting, organisation_id, reason, state_of
from server.admin.faults import OrganisationNotFound
from server.admin.limits import limit_changes
from server.admin.store import Criteria
from server.clock import Clock
from server.db.database import Database
from server.db.listing import Page
from server.db.tx import Tx
from server.db.writer import Writer
from server.faults import ValidationFailed, Violation
from server.ids import SYSTEM_ORG_ID
from server.quotas.plans import PlanRow, all_plans
from server.wire.interceptors import Context
from server.wire.paging import page_fields, page_request
from server.work.notifier import Notifier

MAX_SEARCH_LENGTH = 256


class OrganisationServicer:
    """The methods about organisations."""

    def __init__(
        self, database: Database, writer: Writer, clock: Clock, window: Window, events_appended: Notifier
    ) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._window = window
        self._events_appended = events_appended

    async def ListOrganisationAccounts(
        self, request: pb.ListOrganisationAccountsRequest, context: Context
    ) -> pb.ListOrganisationAccountsResponse:
        """A page of the organisations."""
        criteria, wanted, now = _criteria(request), page_request(request), self._clock.now_ms()

        def read(tx: Tx) -> tuple[Page[accounts.OrganisationRow], list[Account]]:
            page = store.page(tx, criteria, wanted)
            return page, with_figures(tx, page.rows, now, self._window)

        # No index finds a text: it has the budget of a search.
        page, found = await (
            self._database.search(SYSTEM_ORG_ID, read) if criteria.search else self._database.read(read)
        )
        return pb.ListOrganisationAccountsResponse(
            data=map(account_message, found), **page_fields(page, wanted, lambda row: row.org_id)
        )

    async def GetOrganisationAccount(
        self, request: pb.GetOrganisationAccountRequest, context: Context
    ) -> pb.GetOrganisationAccountResponse:
        """One organisation with its history."""
        org_id, now = organisation_id(request.organisation_id), self._clock.now_ms()

        def read(tx: Tx) -> tuple[Account, PlanRow, list[ChangeRow]]:
            account = _account(tx, org_id, now, self._window)
            plan = next(plan for plan in all_plans(tx) if plan.plan == account.row.plan)
            return account, plan, health.history(tx, org_id)

        account, plan, history = await self._database.read(read)
        return pb.GetOrganisationAccountResponse(
            account=account_message(account),
            plan=plan_message(plan),
            history=map(history_message, history),
        )

    async def UpdateOrganisationAccount(
        self, request: pb.UpdateOrganisationAccountRequest, context: Context
    ) -> pb.UpdateOrganisationAccountResponse:
        """Changes an organisation."""
        org_id = organisation_id(request.organisation_id)
        changes = limit_changes(request.limits, request.unset_limits)
        if request.HasField("plan"):
            changes["plan"] = request.plan
        if request.HasField("sandbox"):
            changes["sandbox"] = request.sandbox
        if request.reopen:
            changes["closed_at"] = None
        by = acting(context, self._clock, "UpdateOrganisationAccount", reason(request.reason))

        def write(tx: Tx) -> Account:
            acts.change_organisation(tx, org_id, changes, by)
            return _account(tx, org_id, by.now_ms, self._window)

        return pb.UpdateOrganisationAccountResponse(account=account_message(await self._writer.run(write)))

    async def ChangeAccountState(
        self, request: pb.ChangeAccountStateRequest, context: Context
    ) -> pb.ChangeAccountStateResponse:
        """Decides about the state of an account."""
        org_id, state = organisation_id(request.organisation_id), state_of(request.state)
        note = reason(request.note, field="note")
        by = acting(context, self._clock, "ChangeAccountState", note)

        def write(tx: Tx) -> Account:
            acts.decide(tx, org_id, state, by, window_hours=self._window.hours)
            return _account(tx, org_id, by.now_ms, self._window)

        account = await self._writer.run(write)
        self._events_appended.notify()
        return pb.ChangeAccountStateResponse(account=account_message(account))


def _account(tx: Tx, org_id: str, now_ms: int, window: Window) -> Account:
    row = accounts.change_organisation(tx, org_id, {})
    if row is None:
        raise OrganisationNotFound(org_id)
    [account] = with_figures(tx, [row], now_ms, window)
    return account


def _criteria(request: pb.ListOrganisationAccountsRequest) -> Criteria:
    if len(request.search) > MAX_SEARCH_LENGTH:
        raise ValidationFailed([Violation("search", f"must have at most {MAX_SEARCH_LENGTH} characters")])
    return Criteria(
        search=request.search,
        plan=request.plan or None,
        state=state_of(request.state) if request.state else None,
        sandbox=request.sandbox if request.HasField("sandbox") else None,
    )
