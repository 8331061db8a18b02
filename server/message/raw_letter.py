"""A finished message on its way out: its header as it was stored, and the one for hosts without SMTPUTF8."""

from collections.abc import Iterator, Sequence

from server.addresses import NotAMailbox, mailbox
from server.message import raw_header
from server.message.compose import date_line
from server.message.downgrade import shown
from server.message.encoding import Uncomposable, listed
from server.message.mailbox_lists import mailbox_texts
from server.message.structured import MAILBOX_FIELDS

_LISTS = MAILBOX_FIELDS | {"to", "cc"}


def head_of(stored: bytes, date_ms: int) -> tuple[bytes, ...]:
    """The fields of a stored header, each with its CRLF. One without a Date gets that of `date_ms`, in
    milliseconds since 1970 UTC. Raises `Uncomposable`."""
    try:
        fields = raw_header.fields_of(stored)
    except raw_header.Unreadable as error:
        raise Uncomposable(str(error)) from error
    lines = tuple(field.lines for field in fields)
    return lines if any(field.key == "date" for field in fields) else (*lines, date_line(date_ms // 1000))


def downgraded_head(head: Sequence[bytes]) -> tuple[bytes, ...]:
    """The same header in US-ASCII (RFC 6857); empty if there is no such form.

    There is none if an author's address, or a field that is no list of mailboxes, is not in US-ASCII.
    """
    try:
        return tuple(_downgraded(head))
    except (Uncomposable, NotAMailbox):
        return ()


def _downgraded(head: Sequence[bytes]) -> Iterator[bytes]:
    for line in head:
        if line.isascii():
            yield line
            continue
        [field] = raw_header.fields_of(line)
        if field.key not in _LISTS:
            raise Uncomposable(f"{field.name} beyond US-ASCII")
        yield listed(field.name, [shown(mailbox(text)) for text in mailbox_texts(field.value)])
