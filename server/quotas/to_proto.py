"""States of accounts to protobuf."""

from zidimail.v1 import usage_service_pb2 as pb

ACCOUNT_STATES = {
    "healthy": pb.ACCOUNT_STATE_HEALTHY,
    "review": pb.ACCOUNT_STATE_REVIEW,
    "paused": pb.ACCOUNT_STATE_PAUSED,
    "banned": pb.ACCOUNT_STATE_BANNED,
}
