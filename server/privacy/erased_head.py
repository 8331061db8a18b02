"""The header of a finished message without an erased address."""

from collections.abc import Iterator

from server.addresses import NotAMailbox, mailbox
from server.message import raw_header
from server.message.downgrade import shown
from server.message.encoding import Uncomposable, listed
from server.message.mailbox_lists import mailbox_texts
from server.message.structured import MAILBOX_FIELDS
from server.privacy.rules import Erased

_LISTS = MAILBOX_FIELDS | {"to", "cc", "from"}


def erased_head(head: bytes, erased: Erased) -> bytes:
    """The header in which the address is replaced, with its names in lists of mailboxes."""
    try:
        fields = raw_header.fields_of(head)
    except raw_header.Unreadable:
        return erased.content(head)
    return b"".join(_lines(fields, erased))


def _lines(fields: list[raw_header.Field], erased: Erased) -> Iterator[bytes]:
    for field in fields:
        texts = mailbox_texts(field.value) if field.key in _LISTS else []
        if any(map(erased.is_mailbox, texts)):
            yield _list(field.name, texts, erased)
        else:
            yield erased.content(field.lines)


def _list(name: str, texts: list[str], erased: Erased) -> bytes:
    try:
        boxes = [erased.stand_in if erased.is_mailbox(text) else shown(mailbox(text)) for text in texts]
    except (NotAMailbox, Uncomposable):
        # A field that cannot be written anew holds names that nobody can take apart.
        boxes = [erased.stand_in]
    return listed(name, boxes)
