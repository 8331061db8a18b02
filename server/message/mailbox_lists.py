"""Lists of mailboxes as finished messages have them: with comments and groups (RFC 5322 sections 3.2.2, 3.4).

A caller of REST writes neither; mail programs write both: `root@x.example (Cron Daemon)`,
`undisclosed-recipients:;`. Here they are resolved, and the mailboxes are left to `server.addresses`.
"""

import re
from collections.abc import Iterator

from server.addresses import split
from server.encoded_words import WORD_IN_LIST

# Quotes and backslashes count within comments too; an open quote ends with the text. What stands in an
# encoded word is text: some libraries leave colons, brackets and commas in it, against RFC 2047 section 5.
_TOKENS = re.compile(
    rf'"(?:[^"\\]|\\.)*+"?|\[[^\]]*\]?|\\.|[(),:;<>]|{WORD_IN_LIST}|[^"\[\\(),:;<>=]+|[\\=]', re.DOTALL
)
_NEEDS_READING = re.compile("[(:;]")


def mailbox_texts(value: str) -> list[str]:
    """The mailboxes of a header field's value, without comments and group names; empty if there are none.

    A mailbox without a display name takes its comment as one. Takes linear time.
    """
    if not value.strip():
        return []
    if not _NEEDS_READING.search(value):
        return split(value)
    flat = ", ".join(_mailboxes(value))
    return split(flat) if flat else []


def _mailboxes(value: str) -> Iterator[str]:
    text: list[str] = []
    comment: list[str] = []
    depth = 0
    in_brackets = False
    for token in _TOKENS.finditer(value):
        kind = token[0]
        if depth:
            depth += (kind == "(") - (kind == ")")
            comment.append(kind if depth else "")
        elif kind == "(":
            depth = 1
            comment.append(" ")
        elif kind == ":" and not in_brackets:
            # The text before it is the name of a group.
            text.clear()
            comment.clear()
        elif kind in (",", ";") and not in_brackets:
            yield from _mailbox(text, comment)
        else:
            in_brackets = kind == "<" or (in_brackets and kind != ">")
            text.append(kind)
    yield from _mailbox(text, comment)


def _mailbox(text: list[str], comment: list[str]) -> Iterator[str]:
    """The mailbox that was read; both lists are emptied."""
    written, name = "".join(text).strip(), "".join(comment).strip()
    text.clear()
    comment.clear()
    if written and name and "<" not in written:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        yield f'"{escaped}" <{written}>'
    elif written:
        yield written
