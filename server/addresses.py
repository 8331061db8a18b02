"""Mailboxes as callers write them: `local@domain` or `Name <local@domain>` (rows C-37, C-54, C-56)."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import idna
from email_validator import EmailNotValidError, validate_email

from server.encoded_words import WORD_IN_LIST, decoded

# The form of nearly all addresses; the others need the slower, complete check.
_PLAIN = re.compile(
    r"(?=[^@]{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?=.{1,253}\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]\Z"
)
_A_LABEL = re.compile(r"(?:^|\.)xn--", re.IGNORECASE)
# C0 and C1 controls, DEL, and the line and paragraph separators: nothing that a header may hold.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_QUOTED_PAIR = re.compile(r"\\(.)")
_QUOTED_LOCAL = re.compile(r'"((?:[^"\\]|\\.)*+)"\Z')
_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_DOTTED = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+\Z")
MAX_NAME_LENGTH = 256
MAX_LOCAL_LENGTH = 64  # octets (RFC 5321 section 4.5.3.1.1)
# The parts of a list of mailboxes that matter to its separators; an open quote ends with the text. An encoded
# word may hold separators, which some libraries leave in it (RFC 2047 section 5 forbids them).
_TOKENS = re.compile(rf'"(?:[^"\\]|\\.)*+"?|{WORD_IN_LIST}|[,;<>]', re.DOTALL)
_SEPARATOR = re.compile("[,;]")
# Longest accepted text, in characters: an escaped name plus an address. Bounded because results are cached.
MAX_LENGTH = 1024
# The same for a text with encoded words, of which a character takes up to 18.
MAX_ENCODED_LENGTH = 8192
# Longest text that is split into mailboxes, in characters.
MAX_LIST_LENGTH = 65_536


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One address: the display name (empty if none), the local part, the domain as an A-label.

    A local part that is no dot-atom, such as `a..b`, is in quotes.
    """

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


def mailbox(text: str) -> Mailbox:
    """Parses one mailbox.

    The domain is in lower case, an international one as A-labels (IDNA 2008, UTS 46). Encoded words in the
    name are decoded (C-54). Raises `NotAMailbox`.
    """
    return _mailbox(text) if "=?" not in text else _parsed(text, MAX_ENCODED_LENGTH)


@lru_cache(maxsize=16_384)
def _mailbox(text: str) -> Mailbox:
    return _parsed(text, MAX_LENGTH)


def _parsed(text: str, max_length: int) -> Mailbox:
    if len(text) > max_length:
        raise NotAMailbox(f"is longer than {max_length} characters")
    if CONTROL.search(text):
        raise NotAMailbox("must not hold line breaks or other control characters")
    text = text.strip()
    name, address = "", text
    if text.endswith(">"):
        at = _bracket(text)
        if at < 0:
            raise NotAMailbox("has a closing bracket without an opening one")
        name, address = _display_name(text[:at].strip()), text[at + 1 : -1].strip()
    if _PLAIN.match(address) and not _A_LABEL.search(address.rpartition("@")[2]):
        local, _, domain = address.rpartition("@")
        return Mailbox(name, local, domain.lower())
    return _checked(name, address)


def _bracket(text: str) -> int:
    """The place of the bracket that opens the address, -1 without one; none within quotes opens it."""
    if '"@' in text:
        for token in _TOKENS.finditer(text):
            if token[0] == "<":
                return token.start()
    return text.rfind("<")


def _display_name(name: str) -> str:
    is_quoted = len(name) >= 2 and name.startswith('"') and name.endswith('"')
    if not is_quoted and ("<" in name or ">" in name):
        raise NotAMailbox("has brackets in its name: put the name in double quotes")
    if is_quoted:
        name = _QUOTED_PAIR.sub(r"\1", name[1:-1])
    if "=?" in name:
        # Encoded words may stand in quotes as well: some libraries quote each name.
        name = decoded(name)
        if CONTROL.search(name):
            raise NotAMailbox("hides control characters in an encoded word of its name")
        name = name.strip()
    if len(name) > MAX_NAME_LENGTH:
        raise NotAMailbox(f"has a name of more than {MAX_NAME_LENGTH} characters")
    return name


def as_text(text: str) -> str:
    """A valid mailbox as it is stored and shown: without blanks around it, its encoded words decoded."""
    text = text.strip()
    if "=?" not in text:
        return text
    box = mailbox(text)
    shown = shown_text(box)
    # A decoded name that looks encoded would be decoded again.
    return shown if len(shown) <= MAX_LENGTH and mailbox(shown) == box else text


def shown_text(box: Mailbox) -> str:
    """A mailbox as people read it, its name in quotes where it needs them."""
    name = box.name
    if not all(character.isalnum() or character in " -_'." for character in name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        name = f'"{escaped}"'
    return f"{name} <{box.address}>" if name else box.address


def split(text: str) -> list[str]:
    """The mailboxes of a text that may hold several, separated by commas or semicolons (C-54).

    No separator inside quotes or brackets counts, nor one before which no address is complete:
    `Doe, Jane <j@x.example>` is one mailbox. Not empty: a text without any mailbox is its only part.
    """
    if not _SEPARATOR.search(text) or len(text) > MAX_LIST_LENGTH:
        return [text]
    parts: list[str] = []
    # The beginning of the part, and the end of the last token: text before that cannot complete an address.
    begin = last = 0
    in_brackets = is_complete = False
    for token in _TOKENS.finditer(text):
        kind = token[0]
        if kind in (",", ";"):
            between = text[last : token.start()]
            if not in_brackets and (is_complete or _is_complete(between)):
                parts.append(text[begin : token.start()].strip())
                begin = token.end()
            elif begin == last and not between.strip():
                begin = token.end()
        else:
            in_brackets = kind == "<"
        is_complete = kind == ">"
        # The quotes of `"a b"@x.example` are the beginning of its address.
        last = token.end() - 1 if kind[0] == '"' else token.end()
    parts.append(text[begin:].strip())
    return [part for part in parts if part] or [text]


def _is_complete(text: str) -> bool:
    """True if a text ends in an address: a word with an @ inside."""
    word = text.rsplit(None, 1)[-1:]
    return bool(word) and "@" in word[0][1:-1]


def split_all(texts: Sequence[str]) -> Sequence[str]:
    """The mailboxes of a list whose entries may hold several (C-54)."""
    if not texts:
        return ()
    return [part for text in texts for part in (split(text) if "," in text or ";" in text else (text,))]


def _checked(name: str, address: str) -> Mailbox:
    if not address:
        raise NotAMailbox("is empty: write an address such as name@example.com")
    local, at, domain = address.rpartition("@")
    if not at:
        raise NotAMailbox("is not an address: it has no @")
    own = _own_local(local)
    try:
        # The check is of syntax alone: reserved top-level domains such as `.test` are valid. An unusual local
        # part is checked here: the library takes no dots in odd places, and only US-ASCII in quotes.
        checked = validate_email(
            address if own is None else f"x@{domain}",
            check_deliverability=False,
            test_environment=True,
            strict=True,
        )
        domain = idna.encode(checked.domain, uts46=True).decode().lower()
    except (EmailNotValidError, idna.IDNAError) as error:
        raise NotAMailbox(f"is not an address: {str(error).rstrip('.')}") from error
    return Mailbox(name, checked.local_part if own is None else own, domain)


def _own_local(local: str) -> str | None:
    """A quoted local part, or one with dots in odd places, in the form that the wire needs (C-56).

    None for one of the usual form. Raises `NotAMailbox`.
    """
    quoted = _QUOTED_LOCAL.match(local)
    if quoted is not None:
        local = unicodedata.normalize("NFC", _QUOTED_PAIR.sub(r"\1", quoted[1]))
        if not local.strip():
            raise NotAMailbox("is not an address: there is nothing in the quotes before the @")
    elif not _DOTTED.match(local):
        return None
    if not _DOT_ATOM.match(local):
        escaped = local.replace("\\", "\\\\").replace('"', '\\"')
        local = f'"{escaped}"'
    if len(local.encode()) > MAX_LOCAL_LENGTH:
        raise NotAMailbox(
            f"is not an address: the part before the @ is longer than {MAX_LOCAL_LENGTH} octets"
        )
    return local
