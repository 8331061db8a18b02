"""AccountService: the health of the caller's account."""

from zidimail.v1 import account_service_pb2 as pb
from zidimail.v1 import account_service_pb2_grpc

from server.account_health import store
from server.account_health.rules import Counts, Thresholds, heals_at
from server.account_health.store import AccountRow, ChangeRow
from server.account_health.to_proto import (
    ACCOUNT_STATES,
    history_message,
    reason_values,
    thresholds_message,
)
from server.clock import Clock
from server.db.database import Database
from server.db.tx import Tx
from server.events.to_proto import rates_message
from server.wire.caller import current_caller
from server.wire.interceptors import Context
from server.wire.timestamps import timestamp


class AccountServicer(account_service_pb2_grpc.AccountServiceServicer):
    """The state of the account, with all that it follows from."""

    def __init__(self, database: Database, clock: Clock, thresholds: Thresholds, support_url: str) -> None:
        self._database = database
        self._clock = clock
        self._thresholds = thresholds
        self._support_url = support_url

    async def GetAccountHealth(
        self, request: pb.GetAccountHealthRequest, context: Context
    ) -> pb.GetAccountHealthResponse:
        """The health of the caller's account."""
        thresholds = self._thresholds
        account, counts, history = await self._database.read(
            _health, current_caller().org_id, self._clock.now_ms(), thresholds.window_hours
        )
        heals_ms = heals_at(account.standing, account.since)
        return pb.GetAccountHealthResponse(
            state=ACCOUNT_STATES[account.state],
            reasons=reason_values(account.standing.reasons),
            note=account.note,
            since=timestamp(account.since),
            rates=rates_message(store.rates_of(counts)),
            window_hours=thresholds.window_hours,
            thresholds=thresholds_message(thresholds),
            heals_at=None if heals_ms is None else timestamp(heals_ms),
            support_url=self._support_url,
            history=[history_message(row) for row in history],
        )


def _health(
    tx: Tx, org_id: str, now_ms: int, window_hours: int
) -> tuple[AccountRow, Counts, list[ChangeRow]]:
    counts = store.sums(tx, [org_id], now_ms, window_hours).get(org_id, Counts())
    return store.accounts(tx, [org_id])[org_id], counts, store.history(tx, org_id)
