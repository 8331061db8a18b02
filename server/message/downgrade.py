"""The header of a message for hosts without SMTPUTF8: addresses beyond US-ASCII are shown, but not usable.

RFC 6857 section 3: such an address becomes an empty group, whose name holds it as an encoded word.
"""

from collections.abc import Mapping, Sequence

from server.addresses import Mailbox
from server.message import structured
from server.message.compose import Message
from server.message.encoding import address_text, encoded_words, listed, mailbox_text

_LABEL = "Internationalized Address"


def downgraded(message: Message, head: Sequence[bytes]) -> tuple[bytes, ...]:
    """The header lines of a composed message in US-ASCII; empty if there is no such form.

    There is none if the author's address needs SMTPUTF8.
    """
    if not address_text(message.sender.address).isascii():
        return ()
    lists = {"to": message.to, "cc": message.cc, "reply-to": message.reply_to}
    own = {name.lower(): value for name, value in message.headers.items()}
    return tuple(line if line.isascii() else _downgraded(line, lists, own) for line in head)


def _downgraded(line: bytes, lists: Mapping[str, Sequence[Mailbox]], own: Mapping[str, str]) -> bytes:
    """Only fields with mailboxes are not in US-ASCII: those of the email, or the caller's own."""
    name = line.partition(b":")[0].decode()
    field = name.lower()
    return listed(name, map(shown, lists.get(field) or structured.boxes(field, own[field].strip(" \t"))))


def shown(box: Mailbox) -> str:
    """A mailbox in US-ASCII: one whose address cannot be written so is an empty group that names it."""
    address = address_text(box.address)
    if address.isascii():
        return mailbox_text(box)
    words = "\r\n ".join(encoded_words(address, len(_LABEL) + 1))
    name = "\r\n ".join(encoded_words(box.name, 0)) + "\r\n " if box.name else ""
    return f"{name}{_LABEL} {words} Removed:;"
