"""An erased address in texts and lists: what stands in its place. Plain values in, plain values out."""

import contextlib
import re
from typing import Any
from urllib.parse import quote

import idna
import orjson

from server.addresses import NotAMailbox, mailbox

# Addresses of one organisation that are being erased at one time: each takes a walk over all its emails.
MAX_RUNNING = 100
# The fields that what is about the erased address alone loses: those of emails, and the names of a contact.
_OF_ITS_OWN = frozenset({"subject", "headers", "tags", "first_name", "last_name"})
# An `@` as it stands in texts, URLs and HTML.
_AT = "(?:@|%40|&#64;|&#x40;|&commat;)"


class Erased:
    """An address that is erased, in lower case, and the one that stands in its place."""

    def __init__(self, address: str, stand_in: str) -> None:
        self.address = address
        self.stand_in = stand_in
        local, _, domain = address.rpartition("@")
        domains = {domain}
        with contextlib.suppress(idna.IDNAError):
            domains.add(idna.decode(domain))
        locals_ = {local, quote(local, safe=""), local.replace("&", "&amp;")}
        found = f"(?:{_any_of(locals_)}){_AT}(?:{_any_of(domains)})"
        # Neither the end of a longer local part nor the beginning of a longer domain.
        self._pattern = re.compile(rf"(?<![\w.+-]){found}(?![\w-]|\.\w)", re.IGNORECASE)

    def is_mailbox(self, text: str) -> bool:
        """True if a text is a mailbox with the address, however it is spelled."""
        try:
            return mailbox(text).key == self.address
        except NotAMailbox:
            return False

    def text(self, text: str) -> str:
        """A text in which the address is replaced."""
        return self._pattern.sub(lambda _: self.stand_in, text)

    def content(self, content: bytes) -> bytes:
        """Bytes in which the address is replaced; all others stay as they are."""
        return self.text(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def mailboxes(self, texts: str) -> str:
        """A JSON list of mailboxes in which those with the address are replaced, with their names."""
        return orjson.dumps([self.mailbox_or_text(text) for text in orjson.loads(texts)]).decode()

    def json(self, content: bytes, *, is_sole: bool) -> bytes:
        """A JSON document in which the address is replaced, and names beside it go.

        With `is_sole` it is about the contact, or an email that went to the address alone: its words go too.
        """
        try:
            value = orjson.loads(content)
        except orjson.JSONDecodeError:
            return self.content(content)
        changed = self._value(value, is_sole=is_sole)
        return content if changed == value else orjson.dumps(changed)

    def _value(self, value: Any, *, is_sole: bool) -> Any:
        if isinstance(value, str):
            return self.mailbox_or_text(value)
        if isinstance(value, list):
            return [self._value(item, is_sole=is_sole) for item in value]
        if isinstance(value, dict):
            return {
                name: type(item)()
                if is_sole and name in _OF_ITS_OWN and isinstance(item, str | list | dict)
                else self._value(item, is_sole=is_sole)
                for name, item in value.items()
            }
        return value

    def mailbox_or_text(self, text: str) -> str:
        """The stand-in for a mailbox with the address; any other text as `text` has it."""
        return self.stand_in if self.is_mailbox(text) else self.text(text)


def _any_of(texts: set[str]) -> str:
    return "|".join(map(re.escape, sorted(texts)))
