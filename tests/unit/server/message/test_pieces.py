"""Passes over large messages piece by piece find what one pass would."""

import pytest

from server.message.pieces import PIECE, count, find, replaced

# Line breaks at the beginning, at the end and on both sides of the border of two pieces.
MESSAGE = b"\r\n" + b"x" * (PIECE - 3) + b"\r\n\r\n" + b"x" * (PIECE - 3) + b"\n--b\r\n" + b"y" * 5 + b"\r\n"


@pytest.mark.parametrize("wanted", [b"\n", b"\r", b"\r\n", b"--b", b"z"])
def test_count_is_that_of_one_pass(wanted: bytes) -> None:
    for cut in range(6):
        assert count(MESSAGE[cut:], wanted) == MESSAGE[cut:].count(wanted)


@pytest.mark.parametrize("wanted", [b"\r\n\r\n", b"\n--b", b"yyyyy\r\n", b"z"])
def test_first_place_is_that_of_one_pass(wanted: bytes) -> None:
    for cut in range(6):
        for start in (0, 1, PIECE - 2, PIECE, PIECE + 3):
            for end in (PIECE, PIECE + 2, len(MESSAGE)):
                assert find(MESSAGE[cut:], wanted, start, end) == MESSAGE[cut:].find(wanted, start, end)


def test_octet_is_replaced_everywhere() -> None:
    assert replaced(MESSAGE, b"\n", b"\r\n") == MESSAGE.replace(b"\n", b"\r\n")
