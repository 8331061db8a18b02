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
        (b"250:taken\r\n", Reply(250, "", ("taken",))),
        (b"250\ttaken\r\n", Reply(250, "", ("taken",))),
        (b"250 2.0.0.1 version\r\n", Reply(250, "", ("2.0.0.1 version",))),
        (b"550 a\x00b\x1b[31m\xff\r\n", Reply(550, "", ("a b [31m\ufffd",))),
    ],
)
def test_reply_is_parsed_into_code_status_and_text(line: bytes, reply: Reply) -> None:
    assert ReplyReader().feed(line) == [reply]


@pytest.mark.parametrize(
    ("lines", "code", "status"),
    [
        (b"550 #5.1.0 Address rejected.\r\n", 550, "5.1.0"),
        (b"550 5.1.1: no such user\r\n", 550, "5.1.1"),
        (b"550 :5.1.1: no such user\r\n", 550, "5.1.1"),
        (b"550 [5.1.1] no such user\r\n", 550, "5.1.1"),
        (b"550 5.1.1<a@r.test>... User unknown\r\n", 550, "5.1.1"),
        (b"553 sorry, no mailbox here by that name. (#5.1.1)\r\n", 553, "5.1.1"),
        (b"550 Address rejected: 5.1.1\r\n", 550, "5.1.1"),
        (b"550-no such user\r\n550-5.1.1 see\r\n550 https://r.test/5.7.1\r\n", 550, "5.1.1"),
        (b"550-see the manual\r\n550 (#5.7.1)\r\n", 550, "5.7.1"),
        # A failure may be temporary or permanent by its second code, and is no success.
        (b"550 4.2.1 later\r\n", 550, "4.2.1"),
        (b"550 2.0.0 no\r\n", 550, ""),
        (b"250 5.1.1 yes\r\n", 250, ""),
        # Versions, addresses, and numbers without a frame.
        (b"554 5.1.1.7 is listed\r\n", 554, ""),
        (b"554 mailer (5.1.1.7) is listed\r\n", 554, ""),
        (b"554 client [5.1.1.7] is listed\r\n", 554, ""),
        (b"554 Filter 5.1.1 says no\r\n", 554, ""),
        (b"554 Filter: 4.1.1 says no\r\n", 554, ""),
        # Another code on another line.
        (b"250-2.0.0 checking\r\n550 unwanted\r\n", 550, ""),
        (b"550-5.7.1 unwanted\r\n250 2.6.0 but taken\r\n", 250, "2.6.0"),
        (b"451-4.7.1 wait\r\n550 5.7.1 no\r\n", 550, "5.7.1"),
    ],
)
def test_enhanced_code_is_found_on_any_line_that_has_the_replys_code(
    lines: bytes, code: int, status: str
) -> None:
    [reply] = ReplyReader().feed(lines)
    assert (reply.code, reply.status) == (code, status)


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        (b"250-a\r\n251 b\r\n", Reply(251, "", ("a", "b"))),
        (b"354-a\r\n250-b\r\n554 5.6.0 c\r\n", Reply(554, "5.6.0", ("a", "b", "c"))),
        (b"250-a\r\na wrapped line\r\n250 b\r\n", Reply(250, "", ("a", "a wrapped line", "b"))),
        (b"250-a\r\n\r\n250 b\r\n", Reply(250, "", ("a", "", "b"))),
    ],
)
def test_last_line_of_a_reply_decides(lines: bytes, reply: Reply) -> None:
    reader = ReplyReader()
    assert reader.feed(lines) == [reply]
    assert not reader.problem


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


@pytest.mark.parametrize(
    "piece", [b"x" * 500, b"250-" + b"x" * 500 + b"\r\n", b"250-\r\n", b"250-\r\n\r\n\r\n"]
)
def test_endless_reply_is_an_error(piece: bytes) -> None:
    reader = ReplyReader()
    fed = 0
    while not reader.problem:
        reader.feed(piece)
        fed += len(piece)
        assert fed < MAX_REPLY + MAX_LINE
