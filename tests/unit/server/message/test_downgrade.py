"""The header for hosts without SMTPUTF8 shows every address, and those in US-ASCII can be used (RFC 6857)."""

import email
from email.header import decode_header, make_header

import pytest

from server.addresses import Mailbox
from server.message.compose import Message, compose
from server.message.downgrade import downgraded
from tests.unit.server.message.messages import plain_with

BEYOND = Mailbox("Größe", "jörg", "xn--bcher-kva.test")
ASCII = Mailbox("Müller, Ö", "bob", "receiver.test")
WRITTEN = '"Größe" <jörg@bücher.test>, "Müller, Ö" <bob@receiver.test>'


def read(message: Message, name: str) -> str:
    """The value of a field, decoded."""
    head = b"".join(downgraded(message, compose(message).head))
    assert head.isascii()
    assert max(map(len, head.split(b"\r\n"))) <= 998
    value = email.message_from_bytes(head + b"\r\n")[name]
    return str(make_header(decode_header(value.replace("\r\n", ""))))


@pytest.mark.parametrize(
    "name", ["To", "Cc", "Reply-To", "Errors-To", "Mail-Followup-To", "Disposition-Notification-To"]
)
def test_ordinary_addresses_of_every_field_stay(name: str) -> None:
    given = {"To": "to", "Cc": "cc"}.get(name)
    boxes = [BEYOND, ASCII]
    message = plain_with(**{given: boxes}) if given else plain_with(headers={name: WRITTEN})
    assert read(message, name) == (
        "Größe Internationalized Address jörg@xn--bcher-kva.test Removed:;, Müller, Ö <bob@receiver.test>"
    )


def test_a_message_from_such_an_address_has_no_such_form() -> None:
    message = plain_with(sender=BEYOND)
    assert downgraded(message, compose(message).head) == ()
