"""Command lines are cut out of bytes however these come."""

import pytest

from edge.smtp.authentication import LINE_OCTETS
from edge.smtp.lines import Lines
from edge.smtp.replies import Refusal


def refused(lines: Lines) -> str:
    """The codes of the refusal of the next line."""
    with pytest.raises(Refusal) as raised:
        lines.next()
    return f"{raised.value.reply.code} {raised.value.reply.status}"


def test_line_is_complete_with_its_crlf() -> None:
    lines = Lines()
    for byte in b"NOOP\r":
        lines.feed(bytes([byte]))
        assert lines.next() is None
    lines.feed(b"\nQUIT\r\nEH")
    assert lines.next() == b"NOOP"
    assert list(lines.ahead()) == [b"QUIT"]
    assert lines.next() == b"QUIT"
    assert lines.next() is None
    assert lines.take() == b"EH"
    assert len(lines) == 0


@pytest.mark.parametrize("line", [b"NOOP\n", b"NO\rOP\r\n", b"\rNOOP\r\n", b"NOOP\r\r\n"])
def test_bare_cr_or_lf_is_refused_and_the_next_line_is_read(line: bytes) -> None:
    lines = Lines()
    lines.feed(line + b"QUIT\r\n")
    assert refused(lines) == "500 5.5.2"
    assert lines.next() == b"QUIT"


@pytest.mark.parametrize("size", [LINE_OCTETS + 2, 5 * LINE_OCTETS])
def test_line_that_is_too_long_is_refused_once_and_not_kept(size: int) -> None:
    lines = Lines()
    for start in range(0, size, 1000):
        lines.feed(b"x" * min(1000, size - start))
        assert lines.next() is None
        assert len(lines) <= LINE_OCTETS
    lines.feed(b"\r\nQUIT\r\n")
    assert refused(lines) == "500 5.5.6"
    assert lines.next() == b"QUIT"
