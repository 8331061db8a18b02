"""Mailboxes as callers write them: `local@domain` or `Name <local@domain>` (contract row C-37)."""

import re
from dataclasses import dataclass
from functools import lru_cache

import idna
from email_validator import EmailNotValidError, validate_email

# What nearly every address looks like; all others go to the slower, complete check.
_PLAIN = re.compile(
    r"(?=[^@]{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?=.{1,253}\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]\Z"
)
_A_LABEL = re.compile(r"(?:^|\.)xn--", re.IGNORECASE)
# C0 and C1 controls, DEL, and the line and paragraph separators: nothing that a header may hold.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_QUOTED_PAIR = re.compile(r"\\(.)")
MAX_NAME_LENGTH = 256
# An address, and something after it that is no part of it: `a@b.example, Name`.
_LIST = re.compile(r"\S@\S+\s*[,;]")
# A name of which every character is escaped, the longest address, and what parts the two. What was read is
# kept, so that no caller may fill the memory with the space around addresses.
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
        """What two spellings of one mailbox have in common."""
        return self.address.lower()


class NotAMailbox(ValueError):
    """The text is no mailbox; the message says why."""


@lru_cache(maxsize=16_384)
def mailbox(text: str) -> Mailbox:
    """Reads one mailbox.

    The domain comes out in lower case, an international one as its A-label (IDNA 2008, UTS 46). Raises
    `NotAMailbox`.
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
    """Whether a text that reads as one mailbox was meant as several, like `a@x.example, Bob <b@x.example>`.

    Read as a name, all but the last address would be lost without a word.
    """
    name = text.strip().rpartition("<")[0].strip()
    return _LIST.search(name) is not None and not (name.startswith('"') and name.endswith('"'))


def _checked(name: str, address: str) -> Mailbox:
    if "@" not in address:
        raise NotAMailbox("is not an address: it has no @")
    try:
        # Which top-level domains lead anywhere is for DNS to say, not for a syntax check.
        checked = validate_email(address, check_deliverability=False, test_environment=True, strict=True)
        domain = idna.encode(checked.domain, uts46=True).decode().lower()
    except (EmailNotValidError, idna.IDNAError) as error:
        raise NotAMailbox(f"is not an address: {str(error).rstrip('.')}") from error
    return Mailbox(name, checked.local_part, domain)
