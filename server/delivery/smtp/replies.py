"""Parses SMTP replies from an untrusted stream of bytes (RFC 5321 section 4.2, RFC 3463)."""

import re
from dataclasses import dataclass

# Limits in bytes, lines and bytes: far above RFC 5321 section 4.5.3.1.5, and small enough for memory.
MAX_LINE = 4096
MAX_LINES = 128
MAX_REPLY = 32_768

_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?\Z", re.DOTALL)
_STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?: |\Z)")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class _NotSmtp(Exception):
    """The server sent bytes that are no SMTP reply, or a reply without end."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: its code, its enhanced status code (empty if none), and its lines without both."""

    code: int
    status: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines, joined by spaces."""
        return " ".join(line for line in self.lines if line)


class ReplyReader:
    """An incremental parser of replies.

    `problem` is the reason why it stopped: the server sent bytes that are no reply, or a reply without end.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._lines: list[bytes] = []
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
        if match is None or (self._lines and match[1] != self._lines[0][:3]):
            raise _NotSmtp(f"no SMTP reply: {_shown(line[:80])}")
        self._lines.append(line)
        self._size += len(line)
        if len(self._lines) > MAX_LINES or self._size > MAX_REPLY:
            raise _NotSmtp("a reply without end")
        if match[2] == b"-":
            return None
        taken, self._lines, self._size = self._lines, [], 0
        return _reply(taken)


def _reply(lines: list[bytes]) -> Reply:
    texts = [_shown(line[4:]) for line in lines]
    match = _STATUS.match(texts[0])
    status = match[1] if match else ""
    if status:
        texts = [text.removeprefix(status).lstrip() for text in texts]
    return Reply(int(lines[0][:3]), status, tuple(texts))


def _shown(line: bytes) -> str:
    """Untrusted text for logs and events: valid Unicode in one line, without control characters."""
    return _UNPRINTABLE.sub(" ", line.decode("utf-8", "replace")).strip()
