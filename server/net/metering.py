"""Bounds what a hostile HTTP server can make this process read and parse, before and within its answer.

The work of a call grows with the bytes, reads and interim answers that come in, and not with the content that
its caller gets: endless `100 Continue` answers, chunks of one byte, chunk extensions and blank lines are all
work without content. So they are counted as they arrive, below aiohttp's parser, and the connection ends at
once when there are too many.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

# The most bytes that are no content (status lines, headers, interim answers, the frames of chunks), and the
# share of the content by which there may be more: chunks of 96 bytes, or larger ones, have no end.
MAX_FRAMING = 64 * 1024
_FRAMING_SHARE = 16
# The most interim answers (1yz, RFC 9110 section 15.2). Servers send one or two.
MAX_INTERIM = 16
# The most reads, and the bytes for each further one. A packet holds at least 536 bytes, unless a host sends
# tiny ones.
MAX_READS = 4096
_BYTES_PER_READ = 128
# The most bytes that the parser gets at once: what is too much is found after each.
_SLICE = 16 * 1024


class AnswerRefused(aiohttp.ClientError):
    """The server sends too much that is no answer; the message says what."""


class MeteredResponse(ResponseHandler):
    """aiohttp's connection, which is aborted if its server sends more than belongs to an answer.

    The reader of the answer gets `AnswerRefused`. Bytes that belong to no call end the connection too.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._received = 0
        self._reads = 0
        self._interim = 0
        self._answer: StreamReader | None = None
        self._is_asked = False
        self._unparsed = bytearray()
        self._problem = ""

    # Any: the settings of a call, which aiohttp alone knows.
    def set_response_params(self, **settings: Any) -> None:
        """Begins the count of a new call; see `ResponseHandler`."""
        self._received = self._reads = self._interim = 0
        self._answer = None
        self._is_asked = True
        super().set_response_params(**settings)

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Takes an answer from the parser; interim ones go no further, as no call waits for one."""
        message, content = data
        if 100 <= message.code < 200 and message.code != 101:
            self._interim += 1
            if self._interim > MAX_INTERIM:
                self._problem = f"more than {MAX_INTERIM} interim answers"
        elif self._answer is not None:
            self._problem = "more than one answer"
        else:
            self._answer = content
            super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`. Empty `data` is aiohttp's own, which lets the parser go on."""
        if self._problem:
            return
        if data:
            if not self._is_asked or self._is_answered:
                self._refuse("bytes outside of an answer")
                return
            self._reads += 1
            self._unparsed += data
        else:
            super().data_received(data)
        # The parser stops while the reader is slower than the server: what it held would count as framing.
        while self._unparsed and not self._reading_paused and self.exception() is None:
            part = bytes(self._unparsed[:_SLICE])
            del self._unparsed[:_SLICE]
            self._received += len(part)
            super().data_received(part)
            if problem := self._problem or self._excess():
                self._refuse(problem)

    @property
    def _is_answered(self) -> bool:
        answer = self._answer
        return answer is not None and (answer is EMPTY_PAYLOAD or answer.is_eof())

    def _excess(self) -> str:
        """The limit that is exceeded, empty for none."""
        content = self._answer.total_bytes if self._answer is not None else 0
        if self._received - content > MAX_FRAMING + content // _FRAMING_SHARE:
            return "too many bytes that are no content"
        if self._reads > MAX_READS + self._received // _BYTES_PER_READ:
            return "too many tiny pieces"
        return ""

    def _refuse(self, problem: str) -> None:
        self._problem = problem
        self._unparsed.clear()
        is_answered, answer = self._is_answered, self._answer
        self.abort()
        if is_answered:
            # The call has what it waits for; only the connection is of no more use.
            return
        error = AnswerRefused(f"the server sends {problem}")
        self.set_exception(error)
        if answer is not None:
            answer.set_exception(error)


class MeteredConnector(aiohttp.TCPConnector):
    """Makes metered connections."""

    # Any: the settings of aiohttp's connector.
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # aiohttp has no parameter for it; `test_metering.py` fails if another release has no such attribute.
        make: Callable[..., ResponseHandler] = MeteredResponse
        self._factory = partial(make, loop=self._loop)
