"""Mailboxes as callers write them: `local@domain` or `Name <local@domain>` (contract row C-37)."""

import re
from dataclasses import dataclass
from functools import lru_cache

import idna
from email_validator import EmailNotValidError, validate_email

# The form of nearly all addresses; the others need the slower, complete check.
_PLAIN = re.compile(
    r"(?=[^@]{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?=.{1,253}\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]\Z"
)
_A_LABEL = re.compile(r"(?:^|\.)xn--", re.IGNORECASE)
# C0 and C1 controls, DEL, and the line and paragraph separators: nothing that a header may hold.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_QUOTED_PAIR = re.compile(r"\\(.)")
MAX_NAME_LENGTH = 256
# Longest accepted text, in characters: an escaped name plus an address. Bounded because results are cached.
MAX_LENGTH = 1024


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One address: the display name (empty if none), the local part as given, the domain as an A-label."""

    name: str
    local: str
    domain: str

    @property
    def address(self) -> str:
        """The bare address."""
        return f"{self.local}@{self.domain}"

    @property
    def key(self) -> str:
        """The address in lower case, by which two spellings of one mailbox are compared."""
        return self.address.lower()


class NotAMailbox(ValueError):
    """The text is no mailbox; the message gives the reason."""


@lru_cache(maxsize=16_384)
def mailbox(text: str) -> Mailbox:
    """Parses one mailbox.

    The domain is in lower case, an international one as A-labels (IDNA 2008, UTS 46). Raises `NotAMailbox`.
    """
    if len(text) > MAX_LENGTH:
        raise NotAMailbox(f"is longer than {MAX_LENGTH} characters")
    if CONTROL.search(text):
        raise NotAMailbox("must not hold line breaks or other control characters")
    text = text.strip()
    name, address = "", text
    if text.endswith(">"):
        name, separator, address = text[:-1].rpartition("<")
        if not separator:
            raise NotAMailbox("has a closing bracket without an opening one")
        name = _display_name(name.strip())
    if _PLAIN.match(address) and not _A_LABEL.search(address.rpartition("@")[2]):
        local, _, domain = address.rpartition("@")
        return Mailbox(name, local, domain.lower())
    return _checked(name, address)


def _display_name(name: str) -> str:
    if len(name) > MAX_NAME_LENGTH:
        raise NotAMailbox(f"has a name of more than {MAX_NAME_LENGTH} characters")
    if len(name) >= 2 and name.startswith('"') and name.endswith('"'):
        return _QUOTED_PAIR.sub(r"\1", name[1:-1])
    if "<" in name or ">" in name:
        raise NotAMailbox("has brackets in its name: put the name in double quotes")
    return name


def holds_several(text: str) -> bool:
    """True for a mailbox whose name holds another address, like `a@x.example, Bob <b@x.example>`.

    Such a text is a list of mailboxes; taken as one mailbox, all addresses but the last would be lost.
    """
    name = text.strip().rpartition("<")[0].strip()
    return _lists_an_address(name) and not (name.startswith('"') and name.endswith('"'))


def _lists_an_address(name: str) -> bool:
    """True if an address is followed by a separator: `a@b.example, Name`; looks at each character once."""
    words = name.split()
    for word, following in zip(words, [*words[1:], ""], strict=False):
        at = word.find("@", 1)
        behind = word[at + 1 :] if at > 0 else ""
        if behind and ("," in behind[1:] or ";" in behind[1:] or following.startswith((",", ";"))):
            return True
    return False


def _checked(name: str, address: str) -> Mailbox:
    if "@" not in address:
        raise NotAMailbox("is not an address: it has no @")
    try:
        # The check is of syntax alone: reserved top-level domains such as `.test` are valid.
        checked = validate_email(address, check_deliverability=False, test_environment=True, strict=True)
        domain = idna.encode(checked.domain, uts46=True).decode().lower()
    except (EmailNotValidError, idna.IDNAError) as error:
        raise NotAMailbox(f"is not an address: {str(error).rstrip('.')}") from error
    return Mailbox(name, checked.local_part, domain)
