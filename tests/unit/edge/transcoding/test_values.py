import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from edge.transcoding.status import Violation
from edge.transcoding.values import bind_timestamp


def bound(value: object) -> Timestamp | None:
    wrong: list[Violation] = []
    fields = bind_timestamp(value, None, wrong)
    return None if wrong else Timestamp(**fields)


@pytest.mark.parametrize(
    ("value", "rfc3339"),
    [
        ("2026-05-13T12:00:00Z", "2026-05-13T12:00:00Z"),
        ("2026-05-13T12:00:00.5+02:00", "2026-05-13T10:00:00.500Z"),
        ("2026-05-13t12:00:00z", "2026-05-13T12:00:00Z"),
        ("2026-05-13T12:00:00", "2026-05-13T12:00:00Z"),
        ("2026-05-13 12:00:00", "2026-05-13T12:00:00Z"),
        ("2026-05-13T12:00", "2026-05-13T12:00:00Z"),
        ("2026-05-13T12:00Z", "2026-05-13T12:00:00Z"),
        ("2026-05-13T12:00+02:00", "2026-05-13T10:00:00Z"),
        ("2026-05-13T12:00:00+0200", "2026-05-13T10:00:00Z"),
        ("2026-05-13 12:00:00.123456+00", "2026-05-13T12:00:00.123456Z"),
        ("1969-12-31T23:59:59.123456789Z", "1969-12-31T23:59:59.123456789Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"),
    ],
)
def test_a_time_is_iso_8601_and_without_an_offset_utc(value: str, rfc3339: str) -> None:
    expected = Timestamp()
    expected.FromJsonString(rfc3339)
    assert bound(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "tomorrow",
        "2026-05-13",
        "2026-05-13T12",
        "20260513T120000Z",
        "2026-05-13T12:00:00+2",
        "2026-05-13T12:00.5Z",
        "2026-02-30T00:00:00Z",
        "2026-05-13T25:00:00Z",
        "2026-05-13T12:00:00+99:00",
        "2026-05-13T12:00:00.1234567890Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "٢٠٢٦-05-13T12:00:00Z",
        1778673600,
        None,
        {},
    ],
)
def test_other_text_is_not_a_time(value: object) -> None:
    assert bound(value) is None
