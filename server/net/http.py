"""HTTP calls to URLs that customers give: addresses and redirects are checked, responses are limited."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urldefrag, urljoin

import aiohttp
import structlog
from yarl import URL

from server.net.connecting import (
    Addresses,
    Begin,
    LookUpFailed,
    Request,
    at_once,
    beginning,
    guarded_connector,
)
from server.net.failures import system_text
from server.net.guard import NOT_PUBLIC, AddressRefused, check_url

CONNECT_S = 5.0
TOTAL_S = 15.0
# The most bytes of a response that are read, and that are returned.
MAX_READ = 64 * 1024
MAX_KEPT = 4 * 1024
_CHUNK = 8 * 1024
_FILE_CHUNK = 256 * 1024
MAX_REDIRECTS = 3  # C-35
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Response:
    """A response: its status, its `Retry-After` if it has one, and the first 4 KiB of its body."""

    status: int
    retry_after: str | None
    body: bytes


@dataclass(frozen=True, slots=True)
class File:
    """A fetched file and its `Content-Type`, empty if the response has none."""

    content: bytes
    content_type: str


class FileTooLarge(Exception):
    """The file has more bytes than the caller allows."""


class NoResponse(Exception):
    """A call without a usable response. `kind` is the reason in one word, the message in a sentence.

    `refused`: the URL or one of its addresses is not allowed; `dns`: the name has no address, or the look-up
    failed; `connect`: the connection was not accepted; `tls`: the TLS handshake failed; `timeout`; `broken`:
    the connection ended, or the response is not HTTP; `status`: a fetched file has another status than 200,
    which is `status`, or too many redirects.
    """

    def __init__(self, kind: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.kind, self.status = kind, status


class GuardedClient:
    """Calls URLs that customers give, protected against server-side request forgery.

    All addresses of the host are looked up and checked (`server.net.guard`), and the connection is made to
    one of them: the name is not looked up again (DNS rebinding). TLS verifies the name. There are no proxies
    from the environment, no cookies and no decompression; only `fetch` follows redirects, each checked like
    the first URL. Use it as an async context manager, or call `close`.
    """

    def __init__(
        self,
        addresses: Addresses,
        *,
        allow_private_networks: bool,
        user_agent: str,
        tls: ssl.SSLContext | None = None,
        connect_s: float = CONNECT_S,
        total_s: float = TOTAL_S,
    ) -> None:
        self._addresses = addresses
        self._allow_private_networks = allow_private_networks
        self._user_agent = user_agent
        self._tls = tls or ssl.create_default_context()
        self._timeout = aiohttp.ClientTimeout(total=total_s, connect=connect_s)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], begin: Begin = at_once
    ) -> Response:
        """The response to a POST of these bytes, of any status. Raises `NoResponse`.

        `begin` is awaited when there is a connection, just before the first byte; its errors are raised.
        """
        session, checked = self._opened(), self._checked(url)
        try:
            with beginning(begin):
                async with session.post(
                    checked, data=body, headers=headers, allow_redirects=False
                ) as response:
                    kept = await _beginning(response)
                    return Response(response.status, response.headers.get("Retry-After"), kept)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _no_response(error) from error

    async def fetch(self, url: str, most: int, admit: Callable[[int], bool] = lambda size: True) -> File:
        """The file at a URL, of at most `most` bytes, after at most 3 redirects (C-35).

        `admit` gets the size of each chunk in bytes and returns False if there is no memory for it. Raises
        `NoResponse`, `FileTooLarge`.
        """
        session, target = self._opened(), self._checked(url)
        try:
            async with asyncio.timeout(self._timeout.total):
                for _ in range(MAX_REDIRECTS + 1):
                    async with session.get(target, allow_redirects=False) as response:
                        if response.status not in _REDIRECTS:
                            return await _file(response, most, admit)
                        # The body is not needed and may be endless.
                        response.close()
                        location = response.headers.get("Location", "")
                    target = self._checked(urldefrag(urljoin(str(target), location)).url)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _no_response(error) from error
        raise NoResponse("status", f"there were more than {MAX_REDIRECTS} redirects")

    def _checked(self, url: str) -> URL:
        try:
            checked = check_url(url, allow_private_networks=self._allow_private_networks)
        except ValueError as error:
            raise NoResponse("refused", f"the URL {error}") from None
        # `encoded`: yarl must not change the URL after the check.
        return URL(checked, encoded=True)

    def _opened(self) -> aiohttp.ClientSession:
        # Created at the first call, as it needs the running event loop.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=guarded_connector(
                    self._addresses,
                    allow_private_networks=self._allow_private_networks,
                    tls=self._tls,
                ),
                request_class=Request,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=self._timeout,
                trust_env=False,
                auto_decompress=False,
                headers={"User-Agent": self._user_agent, "Accept": "*/*", "Accept-Encoding": "identity"},
            )
        return self._session


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    """The first bytes of the body. A body that breaks off or never ends is no failure: the status counts."""
    kept, size = bytearray(), 0
    with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError, asyncio.IncompleteReadError):
        async for chunk in response.content.iter_chunked(_CHUNK):
            size += len(chunk)
            kept += chunk[: MAX_KEPT - len(kept)]
            if size >= MAX_READ:
                break
    if not response.content.at_eof():
        # The rest is not read, so the connection cannot serve another call.
        response.close()
    return bytes(kept)


async def _file(response: aiohttp.ClientResponse, most: int, admit: Callable[[int], bool]) -> File:
    if response.status != 200:
        response.close()
        raise NoResponse("status", f"the answer has the status {response.status}", response.status)
    coding = response.headers.get("Content-Encoding", "identity").lower()
    if coding != "identity":
        response.close()
        raise NoResponse("broken", f"the answer is compressed ({coding[:32]}), which was not asked for")
    if response.content_length is not None and response.content_length > most:
        response.close()
        raise FileTooLarge
    chunks, size = [], 0
    async for chunk in response.content.iter_chunked(_FILE_CHUNK):
        size += len(chunk)
        if size > most or not admit(len(chunk)):
            response.close()
            raise FileTooLarge
        chunks.append(chunk)
    return File(b"".join(chunks), response.headers.get("Content-Type", ""))


def _no_response(error: Exception) -> NoResponse:
    """The failure as its caller hears it: it names no address, which goes to the log alone."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    match cause:
        case AddressRefused():
            _log.warning("a call was not made, because its host is not public", reason=str(cause))
            return NoResponse("refused", f"the host is {NOT_PUBLIC}")
        case LookUpFailed():
            return NoResponse("dns", str(cause))
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return NoResponse("tls", f"the certificate is not trusted: {error.certificate_error}")
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return NoResponse("tls", f"TLS failed: {cause}")
        case TimeoutError():
            return NoResponse("timeout", "no answer in time")
        case aiohttp.ClientConnectorError():
            return NoResponse("connect", f"no connection: {system_text(cause, 'the host cannot be reached')}")
        case OSError():
            return NoResponse("broken", f"the connection broke: {system_text(error, 'it was closed')}")
        case _:
            return NoResponse("broken", str(error) or type(error).__name__)
