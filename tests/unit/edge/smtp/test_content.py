"""The message after DATA: one end, no dot lost or added, however its bytes come (RFC 5321 section 4.5.2)."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.smtp.content import Content

LIMIT = 1 << 20
# Pieces of which ends of DATA, false ones and texts with dots are made.
PIECES = st.sampled_from([b"\r\n", b".", b"..", b"\r", b"\n", b"text", b"\r\n.", b"\0", b"."])
MESSAGES = st.lists(PIECES, max_size=20).map(b"".join)
LINES = st.lists(st.sampled_from([b"", b".", b"..", b".text", b"text.", b"text"]), max_size=8)


def fed(content: Content, data: bytes, cuts: list[int]) -> bytes | None:
    """The bytes after the end of a message that comes in pieces; None if it has none."""
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    for start, end in itertools.pairwise(edges):
        rest = content.feed(data[start:end])
        if rest is not None:
            return rest + data[end:]
    return None


@given(lines=LINES, cuts=st.lists(st.integers(0, 80)), spooled=st.sampled_from([0, 5, 1000]))
def test_text_comes_out_as_its_sender_had_it(lines: list[bytes], cuts: list[int], spooled: int) -> None:
    """In memory, on disk, and moved there on the way."""
    text = b"".join(line + b"\r\n" for line in lines)
    stuffed = b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines)
    content = Content(LIMIT, spooled)
    assert fed(content, stuffed + b".\r\nQUIT\r\n", cuts) == b"QUIT\r\n"
    assert content.read() == text
    assert content.size == len(text)
    assert content.is_spooled == (len(text) > spooled)
    assert content.read(b"before", b"after") == b"before" + text + b"after"
    content.close()


@given(message=MESSAGES, cuts=st.lists(st.integers(0, 80)))
def test_message_ends_at_the_first_crlf_dot_crlf_and_nowhere_else(message: bytes, cuts: list[int]) -> None:
    data = message + b"\r\n.\r\n"
    # A dot in the first line of all ends a message, too.
    end = 3 if data.startswith(b".\r\n") else data.index(b"\r\n.\r\n") + 5
    content = Content(LIMIT)
    assert fed(content, data, cuts) == data[end:]
    before = data[: end - 3]
    assert content.has_bare_line_end == (re.search(rb"\r(?!\n)|(?<!\r)\n", before) is not None)
    content.close()


@pytest.mark.parametrize("spooled", [4, 1000])
def test_message_above_the_limit_is_not_kept(spooled: int) -> None:
    content = Content(10, spooled)
    content.feed(b"12345678")
    assert not content.is_too_large
    content.feed(b"90\r\n.\r\n")
    assert content.is_too_large
    assert content.size == 12
    assert not content.is_spooled


def test_message_of_the_limit_is_kept() -> None:
    content = Content(10)
    assert content.feed(b"12345678\r\n.\r\n") == b""
    assert not content.is_too_large
    assert content.read() == b"12345678\r\n"


def test_full_disk_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client is answered 452, and may send again later."""
    content = Content(LIMIT, 4)
    content.feed(b"12345678")
    assert content.is_spooled

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.write", full)
    assert content.feed(b"more text\r\n.\r\n") == b""
    assert content.is_lost
    assert not content.is_spooled
