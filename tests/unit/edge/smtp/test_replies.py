"""Replies have the form of RFC 5321 section 4.2.1 whatever stands in them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.smtp.replies import LINES, Reply, recipient_reply, reply_of, sender_reply
from edge.transcoding.status import Failure, Violation

LINE = re.compile(rb"(?P<code>[2-5]\d\d)(?P<mark>[ -])5\.7\.1 (?P<text>[ -~]*)\r\n")


@given(st.text(max_size=2000))
def test_each_line_of_a_reply_is_short_printable_ascii(text: str) -> None:
    encoded = Reply(550, "5.7.1", text).encoded()
    lines = encoded.splitlines(keepends=True)
    found = [LINE.fullmatch(line) for line in lines]
    assert all(found), encoded
    assert [match["mark"] for match in found if match] == [b"-"] * (len(lines) - 1) + [b" "]
    assert len(lines) <= LINES
    assert all(len(line) <= 512 for line in lines)


def test_lines_of_a_text_are_lines_of_the_reply() -> None:
    assert Reply(250, "", "relay.test\nPIPELINING\nSIZE 10").encoded() == (
        b"250-relay.test\r\n250-PIPELINING\r\n250 SIZE 10\r\n"
    )
    assert Reply(354, "", "Go on").encoded() == b"354 Go on\r\n"
    assert Reply(334, "", "").encoded() == b"334 \r\n"
    assert Reply(250, "2.1.0", "OK").encoded() == b"250 2.1.0 OK\r\n"


def test_sign_of_a_text_that_goes_on_is_written_in_ascii() -> None:
    assert Reply(554, "5.6.0", "a line: 'X…'").encoded() == b"554 5.6.0 a line: 'X...'\r\n"


def test_line_break_in_a_value_makes_no_line_of_its_own() -> None:
    """Texts repeat a client's words: it must not be able to write replies."""
    reply = Reply(550, "5.7.1", "The domain a\r250 OK of the sender is not verified.")
    assert reply.encoded() == b"550 5.7.1 The domain a 250 OK of the sender is not verified.\r\n"


def test_reason_of_a_newer_server_is_an_error_on_our_side() -> None:
    reply = reply_of(Failure("SOMETHING_NEW"), "0123")
    assert (reply.code, reply.status) == (451, "4.3.0")
    assert "0123" in reply.text


@pytest.mark.parametrize(("answer", "status"), [(sender_reply, "5.1.7"), (recipient_reply, "5.1.3")])
def test_wrong_address_is_answered_with_its_problem(answer: object, status: str) -> None:
    """RFC 3463 section 3.2."""
    assert callable(answer)
    failure = Failure("VALIDATION_FAILED", violations=[Violation("recipients[0]", "has no @")])
    reply = answer(failure, "0123")
    assert (reply.code, reply.status) == (553, status)
    assert reply.text.endswith("'s address has no @")
