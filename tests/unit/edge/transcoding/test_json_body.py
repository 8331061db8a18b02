"""JSON is counted before it becomes objects."""

import orjson
import pytest

from edge.transcoding.json_body import MAX_VALUES, SMALL_BYTES, parsed, size_of
from edge.transcoding.status import Failure

PAD = "x" * SMALL_BYTES


@pytest.mark.parametrize(
    "body",
    [
        {"html": PAD + ",[{" * 100_000},  # one text
        {"html": PAD + '\\",' * 100_000 + "\\"},
        {"content": [200] * 100_000, "html": PAD},  # the octets of a file
        {"emails": [[0, "a"]] * (MAX_VALUES // 4), "html": PAD},
    ],
)
def test_large_body_of_few_values_is_read(body: object) -> None:
    assert parsed(orjson.dumps(body), {}) == body


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"{}," * MAX_VALUES + b"{}]",
        b"[" + b'"",' * MAX_VALUES + b'""]',
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'["' + b'\\"' * 1_000_000,
        b'["' + b"," * 1_000_000 + b"\\",
    ],
)
def test_body_of_many_values_is_refused(body: bytes) -> None:
    with pytest.raises(Failure, match="MALFORMED_BODY"):
        parsed(body, {})


def test_deep_json_is_refused_when_it_is_measured() -> None:
    with pytest.raises(Failure, match="MALFORMED_BODY"):
        size_of(orjson.loads(b"[" * 400 + b"]" * 400))
