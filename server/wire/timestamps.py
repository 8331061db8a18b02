"""Conversion between times of the store and protobuf timestamps."""

from google.protobuf.timestamp_pb2 import Timestamp


def timestamp(ms: int) -> Timestamp:
    """The timestamp of a time in milliseconds since 1970 UTC."""
    return Timestamp(seconds=ms // 1000, nanos=ms % 1000 * 1_000_000)


def milliseconds(time: Timestamp) -> int | None:
    """The time of a timestamp in milliseconds since 1970 UTC; None if it is not valid."""
    # The bounds of the type: the years 1 to 9999.
    if not (-62_135_596_800 <= time.seconds < 253_402_300_800 and 0 <= time.nanos < 1_000_000_000):
        return None
    return time.seconds * 1000 + time.nanos // 1_000_000
