"""Files in a JSON text (contract row C-1): taken out as they arrive, with the same meaning."""

import random
from base64 import b64encode, encodebytes, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.transcoding.file_contents import LONG_LIST, LONG_TEXT, FileContents
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


def left(text: bytes, step: int = 1 << 20) -> tuple[bytes, FileContents]:
    """The rest of a text that arrives in chunks of `step` bytes, and its files."""
    contents = FileContents(["content"], "attachments.content")
    parts = [contents.feed(text[at : at + step]) for at in range(0, len(text), step)]
    return b"".join(parts) + contents.finish(), contents


def read(text: bytes, step: int = 1 << 20) -> Any:
    """The JSON of a text, with its files."""
    rest, contents = left(text, step)
    json = orjson.loads(rest)
    contents.put_back(json)
    return whole(json, contents)


def whole(json: Any, contents: FileContents) -> Any:
    """The JSON with the octets of each file instead of its handle."""
    if isinstance(json, dict):
        return {name: whole(value, contents) for name, value in json.items()}
    if isinstance(json, list):
        return [whole(value, contents) for value in json]
    return b"".join(contents.files[json]) if isinstance(json, bytes) else json


def with_files(json: Any) -> Any:
    """The same JSON with each list of octets that is a file as bytes."""
    if isinstance(json, dict):
        return {name: with_files(value) for name, value in json.items()}
    if not isinstance(json, list):
        return json
    if len(orjson.dumps(json)) > LONG_LIST + 1 and all(type(item) is int for item in json):
        return bytes(json)
    return [with_files(item) for item in json]


@given(JSON, st.sampled_from([1, 2, 3, 5, 1000, 1 << 20]))
def test_nothing_but_long_files_changes(json: Any, step: int) -> None:
    assert read(orjson.dumps(json), step) == with_files(json)


@pytest.mark.parametrize("blanks", ["", " ", "\n        "])
@pytest.mark.parametrize("size", [LONG, LONG + 1, LONG + 2, 100_000])
def test_file_is_the_same_however_its_list_is_spelled(blanks: str, size: int) -> None:
    file = bytes(number % 256 for number in range(size))
    text = "[" + f",{blanks}".join(map(str, file)) + f"{blanks}]"
    [content] = read(b"[%b]" % text.encode(), 4099)
    assert content == file


FILE = random.Random(7).randbytes(3 * LONG_TEXT)
BASE64: dict[str, Callable[[bytes], bytes]] = {
    "as most write it": b64encode,
    "without padding": lambda file: b64encode(file).rstrip(b"="),
    "with the other alphabet": urlsafe_b64encode,
    "in lines": lambda file: encodebytes(file).replace(b"\n", rb"\r\n"),
    "as PHP writes a slash": lambda file: b64encode(file).replace(b"/", rb"\/"),
    "as .NET writes a plus": lambda file: b64encode(file).replace(b"+", rb"\u002B"),
    "with all of it": lambda file: (
        urlsafe_b64encode(file).rstrip(b"=").replace(b"_", rb"\u002f").replace(b"Q", rb"Q\n")
    ),
}


@pytest.mark.parametrize("spelling", BASE64)
@pytest.mark.parametrize("name", [b"content", rb"c\u006fntent"])
@pytest.mark.parametrize("step", [7, 4099, 1 << 16, 1 << 20])
def test_file_is_the_same_however_its_base64_is_spelled(spelling: str, name: bytes, step: int) -> None:
    for size in (len(FILE), len(FILE) - 1, len(FILE) - 2):
        text = b'[{"%b" : "%b", "a": "\\"content"}]' % (name, BASE64[spelling](FILE[:size]))
        assert read(text, step) == [{"content": FILE[:size], "a": '"content'}]
        assert len(left(text, step)[0]) < 100


def test_short_base64_and_that_of_other_names_stays_text() -> None:
    short, long = b64encode(FILE)[: LONG_TEXT // 2].decode(), b64encode(FILE).decode()
    json = {"content": short, "html": long, "a": {"content": [long, "content", long]}, "content2": long}
    assert read(orjson.dumps(json), 1000) == json


@pytest.mark.parametrize(
    "wrong", [b"%b!", b"%bA", b"%b=A", "%b\xe9".encode(), rb"%b\ud800", rb"%b\x", rb"%b\u00"], ids=repr
)
def test_long_text_that_is_no_base64_becomes_none(wrong: bytes) -> None:
    text = b'{"content": "%b"}' % (wrong % b64encode(FILE[: 3 * 33333]))
    for step in (1000, 1 << 20):
        rest, contents = left(text, step)
        json = orjson.loads(rest)
        contents.put_back(json)
        assert json == {"content": "*"}


def test_sizes_count_octets_of_lists_as_base64_and_texts_as_they_are() -> None:
    octets = ",".join(["7"] * 90_000).encode()
    assert left(b"[%b]" % octets)[1].size == pytest.approx(120_000, abs=50)
    assert left(b'{"content": "%b"}' % encodebytes(FILE))[1].size == pytest.approx(
        len(encodebytes(FILE)), abs=60
    )


def test_text_of_backslashes_is_passed_in_linear_work() -> None:
    contents = FileContents(["content"], "attachments.content")
    for _ in range(50):
        assert len(contents.feed(b'{"' + b"\\" * 1001) if _ == 0 else contents.feed(b"\\" * 1001)) > 990


@pytest.mark.parametrize("wrong", ["256", "-1", "1.5", "x", "", "1 2", "01", "[1]", '"a"', "null"])
def test_long_list_with_anything_else_is_refused_by_name(wrong: str) -> None:
    octets = ",".join(["7"] * LONG_LIST)
    with pytest.raises(Failure) as refused:
        left(f"[[{octets},{wrong}]]".encode(), 1000)
    assert [violation.field for violation in refused.value.violations] == ["attachments.content"]


@pytest.mark.parametrize("first", ["-1", "1.5", "x", "[1]", '"a"', "null"])
def test_list_that_begins_with_something_else_is_left_to_the_binder(first: str) -> None:
    text = f"[[{first},{','.join(['7'] * LONG_LIST)}]]".encode()
    assert left(text, 1000)[0] == text


@pytest.mark.parametrize("text", [b"[[%b], 1]", b"[1%b]", b"[1, %b2]", b'{"to": [%b], "a": [1]}'])
def test_long_gap_makes_no_file(text: bytes) -> None:
    text %= b" " * (LONG_LIST - 10)
    assert left(text, 100)[0] == text


@pytest.mark.parametrize("text", [b"", b"[", b"[1,2", b'"', b'"a\\', b'{"a": [', b"]]", b"[1,2}"])
def test_text_that_ends_too_early_stays_as_it_is(text: bytes) -> None:
    assert left(text, 1)[0] == text
