"""Times of the store as times of the contract."""

from google.protobuf.timestamp_pb2 import Timestamp


def timestamp(ms: int) -> Timestamp:
    """A time in milliseconds since 1970 UTC as the contract's type."""
    return Timestamp(seconds=ms // 1000, nanos=ms % 1000 * 1_000_000)
