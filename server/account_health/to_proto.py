"""States, rates and changes of accounts to protobuf."""

from collections.abc import Iterable
from fractions import Fraction

from zidimail.v1 import account_service_pb2 as pb
from zidimail.v1 import event_pb2, usage_service_pb2

from server.account_health.rules import Reason, Thresholds
from server.account_health.store import ChangeRow, details_of, reasons_of
from server.events.to_proto import account_change, account_reason
from server.wire.timestamps import timestamp

ACCOUNT_STATES = {
    "healthy": usage_service_pb2.ACCOUNT_STATE_HEALTHY,
    "review": usage_service_pb2.ACCOUNT_STATE_REVIEW,
    "paused": usage_service_pb2.ACCOUNT_STATE_PAUSED,
    "banned": usage_service_pb2.ACCOUNT_STATE_BANNED,
}


def reason_values(reasons: Iterable[Reason]) -> list[event_pb2.AccountReason]:
    """The values of reasons in the contract."""
    return [account_reason(reason) for reason in reasons]


def history_message(row: ChangeRow) -> pb.AccountStateChange:
    """A change in the history."""
    details = details_of(reasons_of(row.reasons), row.note, row.operator, row.counts)
    return pb.AccountStateChange(
        id=row.id,
        created_at=timestamp(row.created_at),
        state=ACCOUNT_STATES[row.state],
        previous_state=ACCOUNT_STATES[row.previous_state],
        change=account_change(details),
    )


def thresholds_message(thresholds: Thresholds) -> pb.AccountThresholds:
    """The limits of the rates; none of a rate that is not judged."""

    def review(limit: Fraction | None) -> float | None:
        return None if limit is None else float(thresholds.review(limit))

    def pause(limit: Fraction | None) -> float | None:
        return None if limit is None else float(limit)

    return pb.AccountThresholds(
        review_bounce_rate=review(thresholds.bounce),
        pause_bounce_rate=pause(thresholds.bounce),
        review_complaint_rate=review(thresholds.complaint),
        pause_complaint_rate=pause(thresholds.complaint),
        least_sent=thresholds.least_sent,
    )
