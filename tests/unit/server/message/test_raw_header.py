"""The fields of a finished message's header."""

from server.message.raw_header import fields_of


def test_blanks_before_a_colon_are_left_out() -> None:
    """As old mail had them (RFC 5322 section 4.5): some take such a line for the end of the header."""
    fields = fields_of(b"X-Old \t: a : b\r\n c\r\nList-Id :d\r\nX-New: e\r\n")
    assert [(field.name, field.value, field.lines) for field in fields] == [
        ("X-Old", "a : b c", b"X-Old: a : b\r\n c\r\n"),
        ("List-Id", "d", b"List-Id:d\r\n"),
        ("X-New", "e", b"X-New: e\r\n"),
    ]
