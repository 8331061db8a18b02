"""Dots that begin a line are doubled in bounded memory (RFC 5321 section 4.5.2)."""

import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.delivery.smtp import stuffing

PIECES = st.lists(st.sampled_from([b".", b"..", b"a", b"\r\n"]), max_size=30).map(
    lambda p: b"".join(p) + b"\r\n"
)


@given(st.lists(PIECES, min_size=1, max_size=3), st.integers(1, 9))
def test_dots_are_doubled_wherever_the_chunks_end(pieces: Sequence[bytes], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stuffing, "CHUNK", size)
        stuffed = b"".join(stuffing.stuffed([*pieces, memoryview(pieces[0])]))
    lines = b"".join([*pieces, pieces[0]]).split(b"\r\n")
    assert stuffed == b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)


def test_large_message_is_not_copied() -> None:
    content = b".a line\r\n" * 1_000_000
    tracemalloc.start()
    sent = sum(map(len, stuffing.stuffed([content])))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sent == len(content) + 1_000_000
    assert peak < 8 * stuffing.CHUNK
