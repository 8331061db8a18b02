"""SMTP replies of any form are parsed or refused in bounded memory (RFC 5321 section 4.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.delivery.smtp.replies import MAX_LINE, MAX_REPLY, Reply, ReplyReader

TWO = b"250-first line\r\n250 last line\r\n550 5.1.1 no such user\r\n"


@given(st.integers(1, len(TWO)))
def test_replies_are_parsed_however_the_bytes_arrive(size: int) -> None:
    reader = ReplyReader()
    pieces = [TWO[start : start + size] for start in range(0, len(TWO), size)]
    replies = [reply for piece in pieces for reply in reader.feed(piece)]
    assert replies == [Reply(250, "", ("first line", "last line")), Reply(550, "5.1.1", ("no such user",))]


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"250\r\n", Reply(250, "", ("",))),
        (b"250 \n", Reply(250, "", ("",))),
        (b"421 4.7.0 [TSS04] later\r\n", Reply(421, "4.7.0", ("[TSS04] later",))),
        (b"550-5.7.1 spam\r\n550 5.7.1 go away\r\n", Reply(550, "5.7.1", ("spam", "go away"))),
        (b"250 2.0.0\r\n", Reply(250, "2.0.0", ("",))),
        (b"250 2.0.0.1 version\r\n", Reply(250, "", ("2.0.0.1 version",))),
        (b"550 a\x00b\x1b[31m\xff\r\n", Reply(550, "", ("a b [31m\ufffd",))),
    ],
)
def test_reply_is_parsed_into_code_status_and_text(line: bytes, reply: Reply) -> None:
    assert ReplyReader().feed(line) == [reply]


@pytest.mark.parametrize(
    "stream",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        b"\x00\xff\r\n",
        b"25 x\r\n",
        b"2500 x\r\n",
        b"999 x\r\n",
        b"\r\n",
    ],
)
def test_malformed_reply_is_an_error(stream: bytes) -> None:
    reader = ReplyReader()
    assert reader.feed(stream) == []
    assert reader.problem
    assert reader.feed(b"250 ok\r\n") == []


def test_a_good_reply_before_garbage_is_not_lost() -> None:
    reader = ReplyReader()
    assert reader.feed(b"250 taken\r\ngarbage\r\n") == [Reply(250, "", ("taken",))]
    assert reader.problem


@pytest.mark.parametrize("piece", [b"x" * 500, b"250-" + b"x" * 500 + b"\r\n", b"250-\r\n"])
def test_endless_reply_is_an_error(piece: bytes) -> None:
    reader = ReplyReader()
    fed = 0
    while not reader.problem:
        reader.feed(piece)
        fed += len(piece)
        assert fed < MAX_REPLY + MAX_LINE
