"""Fields of a caller that hold addresses, URLs or ids (contract row C-55): read, and written in clear.

Each function returns the items of a value in the form of the wire, and raises `Unreadable`. Each takes linear
time.
"""

import re
import urllib.parse

import idna

from server.addresses import Mailbox, NotAMailbox, mailbox
from server.encoded_words import decoded
from server.message.encoding import Uncomposable, mailbox_text, phrase
from server.message.mailbox_lists import mailbox_texts

MAX_MAILBOXES = 50
_SHOWN = 60  # characters of a wrong item in a text for people

MAILBOX_FIELDS = frozenset(
    {
        *("reply-to", "mail-reply-to", "mail-followup-to", "sender", "errors-to"),
        *("disposition-notification-to", "return-receipt-to", "x-confirm-reading-to"),
    }
)
ID_FIELDS = frozenset({"message-id", "in-reply-to", "references"})

_URL_ITEM = re.compile(r"[ \t]*<([^<>]*)>[ \t]*(\([ -'*-~]*\))?[ \t]*(?:,|\Z)")
_BARE_URL = re.compile(r"(?i)(?:https?|mailto):[^\s<>]+\Z")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_AUTHORITY = re.compile(r"//(?:[^/?#@]*@)?([^/?#@:]+)")
_MAIL_DOMAIN = re.compile(r"@([^@?,&]+)")
_BEYOND_URL = re.compile(r"[^!#-;=?-Z\[\]_a-z~]")
_ID = re.compile(r"[ \t,]*(?:<[ \t]*([^<>\s]+)[ \t]*>|([^<>\s,]+))[ \t,]*")
_ID_TEXT = re.compile(r"[!-;=?-~]+\Z")
_LIST_ID = re.compile(r"([^<>]*)<[ \t]*([^<>\s]+)[ \t]*>\Z")
_LIST_ID_TEXT = re.compile(r"[!-;=?-~]+\Z")


class Unreadable(ValueError):
    """The value is not of its field's syntax; the message gives the reason and the right form."""


def mailboxes(field: str, value: str) -> list[str]:
    """The mailboxes of a field in `MAILBOX_FIELDS`, given in lower case."""
    return [mailbox_text(box) for box in boxes(field, value)]


def boxes(field: str, value: str) -> list[Mailbox]:
    """As `mailboxes`, but read and not written."""
    parts = mailbox_texts(_whole(value, "@")) or [""]
    if len(parts) > MAX_MAILBOXES:
        raise Unreadable(f"holds {len(parts)} addresses, and at most {MAX_MAILBOXES} are allowed")
    if field == "sender" and len(parts) > 1:
        raise Unreadable("holds several addresses: a message has one sender")
    return [_mailbox(part) for part in parts]


def _mailbox(text: str) -> Mailbox:
    try:
        return mailbox(text)
    except NotAMailbox as error:
        raise Unreadable(str(error) if not text else f"cannot be read: {_shown(text)} {error}") from error


def urls(field: str, value: str) -> list[str]:
    """The URLs in brackets of a `List-` field (RFC 2369) in lower case, or of Archived-At (RFC 5064)."""
    value = _whole(value, "<")
    if field == "list-post" and value.upper() == "NO":
        return ["NO"]
    if "<" not in value:
        bare = re.split(r",[ \t]*(?=(?i:https?|mailto):)", value)
        if not all(_BARE_URL.match(url) for url in bare):
            raise Unreadable(
                f"must hold URLs in brackets, such as <https://example.com/list>, and not {_shown(value)}"
            )
        return [f"<{_url(url)}>" for url in bare]
    items = []
    at = 0
    while at < len(value):
        item = _URL_ITEM.match(value, at)
        if item is None:
            raise Unreadable(
                f"cannot be read at {_shown(value[at:])}: write URLs in brackets, separated by commas"
            )
        items.append(f"<{_url(item[1].strip())}>" + (f" {item[2]}" if item[2] else ""))
        at = item.end()
    return items


def list_id(value: str) -> list[str]:
    """The name and the id of a List-ID (RFC 2919)."""
    value = _whole(value, "<")
    found = _LIST_ID.match(value)
    if found is None and ("." not in value or " " in value):
        raise Unreadable("must have the form Name <list.example.com>")
    name, text = found.groups() if found is not None else ("", value)
    if not text.isascii():
        text = _a_labels(text)
    if not _LIST_ID_TEXT.match(text):
        raise Unreadable(f"holds an id that cannot be written: {_shown(text)}")
    name = name.strip(" \t")
    if len(name) >= 2 and name.startswith('"') and name.endswith('"'):
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    name = decoded(name)
    try:
        return [f"{phrase(name, len('List-ID: '))} <{text}>" if name else f"<{text}>"]
    except Uncomposable as error:
        raise Unreadable("hides control characters in an encoded word") from error


def ids(field: str, value: str) -> list[str]:
    """The ids of a field in `ID_FIELDS`, given in lower case (RFC 5322 section 3.6.4)."""
    value = _whole(value, "@")
    found = []
    at = 0
    while at < len(value):
        item = _ID.match(value, at)
        if item is None:
            raise Unreadable(f"cannot be read at {_shown(value[at:])}: ids have the form <local@domain>")
        found.append(_id(item[1] or item[2]))
        at = item.end()
    if not found or (field == "message-id" and len(found) > 1):
        raise Unreadable("must have the form <local@domain>")
    return found


def _id(text: str) -> str:
    local, _, domain = text.rpartition("@")
    if not local or not domain:
        raise Unreadable(f"must have the form <local@domain>, and not {_shown(text)}")
    if not domain.isascii():
        domain = _a_labels(domain)
    if not _ID_TEXT.match(local) or not _ID_TEXT.match(domain):
        raise Unreadable(f"holds an id with characters beyond US-ASCII: {_shown(text)}")
    return f"<{local}@{domain}>"


def _url(text: str) -> str:
    """A URL in US-ASCII (RFC 3986): A-labels in its host, other characters percent-encoded."""
    scheme = _SCHEME.match(text)
    rest = text[scheme.end() :] if scheme is not None else ""
    if scheme is None or not rest:
        raise Unreadable(f"holds {_shown(text)}, which is no URL such as https://example.com/list")
    lowered = scheme[0].lower()
    if lowered == "mailto:":
        addresses, mark, query = rest.partition("?")
        if "@" not in addresses:
            raise Unreadable(f"holds {_shown(text)}, which has no address")
        if not addresses.isascii():
            addresses = _MAIL_DOMAIN.sub(lambda found: f"@{_a_labels(found[1])}", addresses)
        rest = addresses + mark + query
    elif lowered in ("http:", "https:"):
        authority = _AUTHORITY.match(rest)
        if authority is None:
            raise Unreadable(f"holds {_shown(text)}, which has no host")
        if not authority[1].isascii():
            rest = rest[: authority.start(1)] + _a_labels(authority[1]) + rest[authority.end(1) :]
    return scheme[0] + _BEYOND_URL.sub(lambda found: urllib.parse.quote(found[0], safe="%"), rest)


def _a_labels(host: str) -> str:
    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError as error:
        raise Unreadable(f"holds a domain that DNS cannot hold, {_shown(host)}: {error}") from error


def _whole(value: str, mark: str) -> str:
    """The value, decoded if a library has encoded all of it, `mark` included."""
    return decoded(value).strip(" \t") if value.startswith("=?") and mark not in value else value


def _shown(text: str) -> str:
    return f'"{text if len(text) <= _SHOWN else text[:_SHOWN] + "…"}"'
