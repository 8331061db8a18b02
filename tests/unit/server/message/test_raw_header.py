"""The header of a finished message, field by field."""

import pytest

from server.message.raw_header import Unreadable, fields_of


def test_a_field_stands_as_it_was_written() -> None:
    [odd, last] = fields_of(b"X-Odd:  two  blanks \r\n\tand a fold\r\nSubject:\r\n")
    assert odd == ("X-Odd", "x-odd", "two  blanks \tand a fold", b"X-Odd:  two  blanks \r\n\tand a fold\r\n")
    assert last == ("Subject", "subject", "", b"Subject:\r\n")


def test_blanks_before_a_colon_are_read_and_not_written() -> None:
    """RFC 5322 section 4.5: for some programs the body begins with such a line."""
    [field] = fields_of(b"X-Odd \t: a value\r\n\tin two lines\r\n")
    assert field == ("X-Odd", "x-odd", "a value\tin two lines", b"X-Odd: a value\r\n\tin two lines\r\n")


@pytest.mark.parametrize("line", [b"X Odd: a", b": a", b"no field", b"X-\xff: a", b"x" * 127 + b": a"])
def test_a_line_that_is_no_field_is_refused(line: bytes) -> None:
    with pytest.raises(Unreadable, match="a line in its header that is no field"):
        fields_of(line + b"\r\n")
