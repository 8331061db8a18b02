"""Quotas to protobuf."""

from zidimail.v1 import usage_service_pb2 as pb

from server.wire.timestamps import timestamp


def quota_message(used: int, limit: int | None, resets_at_ms: int) -> pb.Quota:
    """A number that may be used up until a time (milliseconds since 1970 UTC); None for no limit."""
    return pb.Quota(used=used, limit=limit, resets_at=timestamp(resets_at_ms))
