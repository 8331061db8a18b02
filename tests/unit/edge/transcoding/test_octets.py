"""Files that are lists of numbers (contract row C-1): shortened as they arrive, with the same meaning."""

from base64 import b64encode
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.transcoding.octets import LONG_LIST, OctetLists
from edge.transcoding.status import Failure

LONG = LONG_LIST // 2
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-300, 300)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(), inner, max_size=4)
        | st.lists(st.integers(0, 255), max_size=LONG_LIST)
    ),
    max_leaves=8,
)


def rewritten(text: bytes, step: int = 1 << 20) -> bytes:
    lists = OctetLists("attachments.content")
    parts = [lists.feed(text[at : at + step]) for at in range(0, len(text), step)]
    return b"".join(parts) + lists.finish()


def with_base64(json: Any) -> Any:
    """The same JSON with each list of octets that is a file as base64."""
    if isinstance(json, dict):
        return {name: with_base64(value) for name, value in json.items()}
    if not isinstance(json, list):
        return json
    if len(orjson.dumps(json)) > LONG_LIST + 1 and all(type(item) is int for item in json):
        return b64encode(bytes(json)).decode()
    return [with_base64(item) for item in json]


@given(JSON, st.sampled_from([1, 2, 3, 5, 1000, 1 << 20]))
def test_nothing_but_long_lists_of_octets_changes(json: Any, step: int) -> None:
    assert orjson.loads(rewritten(orjson.dumps(json), step)) == with_base64(json)


@pytest.mark.parametrize("blanks", ["", " ", "\n        "])
@pytest.mark.parametrize("size", [LONG, LONG + 1, LONG + 2, 100_000])
def test_file_is_the_same_however_it_is_spelled(blanks: str, size: int) -> None:
    file = bytes(number % 256 for number in range(size))
    text = "[" + f",{blanks}".join(map(str, file)) + f"{blanks}]"
    [content] = orjson.loads(rewritten(b"[%b]" % text.encode(), 4099))
    assert content == b64encode(file).decode()


@pytest.mark.parametrize("wrong", ["256", "-1", "1.5", "x", "", "1 2", "01", "[1]", '"a"', "null"])
def test_long_list_with_anything_else_is_refused_by_name(wrong: str) -> None:
    octets = ",".join(["7"] * LONG_LIST)
    with pytest.raises(Failure) as refused:
        rewritten(f"[[{octets},{wrong}]]".encode(), 1000)
    assert [violation.field for violation in refused.value.violations] == ["attachments.content"]


@pytest.mark.parametrize("first", ["-1", "1.5", "x", "[1]", '"a"', "null"])
def test_list_that_begins_with_something_else_is_left_to_the_binder(first: str) -> None:
    text = f"[[{first},{','.join(['7'] * LONG_LIST)}]]".encode()
    assert rewritten(text, 1000) == text


@pytest.mark.parametrize("text", [b"[[%b], 1]", b"[1%b]", b"[1, %b2]", b'{"to": [%b], "a": [1]}'])
def test_long_gap_makes_no_file(text: bytes) -> None:
    text %= b" " * (LONG_LIST - 10)
    assert rewritten(text, 100) == text


@pytest.mark.parametrize("text", [b"", b"[", b"[1,2", b'"', b'"a\\', b'{"a": [', b"]]", b"[1,2}"])
def test_text_that_ends_too_early_stays_as_it_is(text: bytes) -> None:
    assert rewritten(text, 1) == text
