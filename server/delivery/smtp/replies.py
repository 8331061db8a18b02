"""Parses SMTP replies from an untrusted stream of bytes (RFC 5321 section 4.2, RFC 3463)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

# Limits in bytes, lines and bytes: far above RFC 5321 section 4.5.3.1.5, and small enough for memory.
MAX_LINE = 4096
MAX_LINES = 128
MAX_REPLY = 32_768

_LINE = re.compile(rb"([2-5][0-9]{2})(?:([^0-9A-Za-z])(.*))?\Z", re.DOTALL)
# An enhanced status code, alone: `2.0.0.1` is a version or an address.
_CODE = r"([245]\.\d{1,3}\.\d{1,3})(?!\w|\.\d)"
# At the beginning of a line it may have a frame, as in `#5.1.1`, `[5.1.1]` and `5.1.1:`.
_LEADING = re.compile(rf"[#(\[<:]*{_CODE}[)\]>:;,.-]*\s*")
# Elsewhere it needs one, as in `no mailbox by that name (#5.1.1)`, since numbers of other kinds look alike.
_FRAMED = re.compile(rf"[#:(\[]\s*{_CODE}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class _NotSmtp(Exception):
    """The server sent bytes that are no SMTP reply, or a reply without end."""


class _Line(NamedTuple):
    # None for a line without a code, which some servers send in the middle of a reply.
    code: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: its code, its enhanced status code (empty if none), and its lines without both."""

    code: int
    status: str
    lines: tuple[str, ...]

    @property
    def is_success(self) -> bool:
        """True for a code 2yz: only its first digit is sure to be as RFC 5321 section 4.3.2 lists it."""
        return self.code // 100 == 2

    @property
    def text(self) -> str:
        """The lines, joined by spaces."""
        return " ".join(line for line in self.lines if line)


class ReplyReader:
    """An incremental parser of replies.

    The code of a reply is that of its last line, if its lines have different ones. `problem` is the reason
    why the parser stopped: the server sent bytes that are no reply, or a reply without end.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._lines: list[_Line] = []
        self._size = 0
        self.problem = ""

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that `data` completes, up to the first problem."""
        replies: list[Reply] = []
        if self.problem:
            return replies
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        try:
            for line in lines:
                reply = self._take(line.removesuffix(b"\r"))
                if reply is not None:
                    replies.append(reply)
            if len(self._buffer) > MAX_LINE:
                raise _NotSmtp("a reply with a line without end")
        except _NotSmtp as error:
            self.problem = str(error)
            self._buffer = b""
        return replies

    def _take(self, line: bytes) -> Reply | None:
        match = _LINE.match(line)
        if match is None and not self._lines:
            raise _NotSmtp(f"no SMTP reply: {_shown(line[:80])}")
        if match is not None and not self._lines and match[2] != b"-":
            return _single(int(match[1]), _shown(match[3] or b""))
        self._size += len(line)
        if len(self._lines) >= MAX_LINES or self._size > MAX_REPLY:
            raise _NotSmtp("a reply without end")
        if match is None:
            self._lines.append(_Line(None, _shown(line)))
            return None
        code = int(match[1])
        self._lines.append(_Line(code, _shown(match[3] or b"")))
        if match[2] == b"-":
            return None
        taken, self._lines, self._size = self._lines, [], 0
        return _reply(code, taken)


def _single(code: int, text: str) -> Reply:
    """A reply of one line, as most are."""
    if code < 400:
        match = _LEADING.match(text)
        if match is None or match[1][0] != "2":
            return Reply(code, "", (text,))
        return Reply(code, match[1], (text[match.end() :],))
    return _reply(code, (_Line(code, text),))


def _reply(code: int, lines: Sequence[_Line]) -> Reply:
    # A line with another code belongs to another meaning.
    status = next(_statuses(code, [line.text for line in lines if line.code in (code, None)]), "")
    texts = [line.text for line in lines]
    if status:
        texts = [_without(status, text) for text in texts]
    return Reply(code, status, tuple(texts))


def _statuses(code: int, texts: Sequence[str]) -> Iterator[str]:
    """The enhanced status codes that fit a code, the one to be believed first."""
    # A failure may be temporary by one code and permanent by the other, but it is no success.
    classes = "2" if code < 400 else "45"
    for text in texts:
        match = _LEADING.match(text)
        if match is not None and match[1][0] in classes:
            yield match[1]
    if code >= 400:
        for text in texts:
            yield from (found for found in _FRAMED.findall(text) if found[0] == str(code)[0])


def _without(status: str, text: str) -> str:
    match = _LEADING.match(text)
    return text[match.end() :] if match is not None and match[1] == status else text


def _shown(line: bytes) -> str:
    """Untrusted text for logs and events: valid Unicode in one line, without control characters."""
    return _UNPRINTABLE.sub(" ", line.decode("utf-8", "replace")).strip()
