"""UsageService: the limits of an organisation and its usage (contract row F-9)."""

from zidimail.v1 import usage_service_pb2 as pb
from zidimail.v1 import usage_service_pb2_grpc

from server.account_health.to_proto import ACCOUNT_STATES
from server.clock import Clock
from server.db.database import Database
from server.quotas.rules import Periods, overage
from server.quotas.store import account_limits
from server.quotas.to_proto import quota_message
from server.settings import Settings
from server.wire.caller import current_caller
from server.wire.interceptors import Context


class UsageServicer(usage_service_pb2_grpc.UsageServiceServicer):
    """Limits and usage."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._slow_start = settings.slow_start

    async def GetUsage(self, request: pb.GetUsageRequest, context: Context) -> pb.GetUsageResponse:
        """The limits and the usage of the caller's organisation."""
        org_id = current_caller().org_id
        now_ms = self._clock.now_ms()
        periods = Periods.of(now_ms)
        accounts = await self._database.read(
            account_limits, [org_id], periods, now_ms, slow_start=self._slow_start
        )
        account, used = accounts[org_id]
        limits = account.limits
        daily = [limit for limit in (limits.daily, limits.warm_up) if limit is not None]
        return pb.GetUsageResponse(
            plan=limits.plan,
            state=ACCOUNT_STATES[account.standing.state],
            sandbox=account.sandbox,
            daily=quota_message(used.day, min(daily, default=None), periods.day_ends_ms),
            monthly=quota_message(used.month, limits.monthly, periods.month_ends_ms),
            unique_recipients=quota_message(used.unique, limits.unique, periods.month_ends_ms),
            overage=overage(used, limits),
            burst_per_second=limits.burst,
        )
