"""A small client of PayPal's API: its token, subscriptions, and the certificates that it signs with."""

import asyncio
import ssl
import time
from base64 import b64encode
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
import structlog

from server.billing.faults import ProviderRefused, ProviderUnavailable
from server.billing.reading import approval_url, reading_of
from server.billing.rules import Reading

CONNECT_S, TOTAL_S = 3.0, 10.0
# The seconds by which a token is given up before it expires.
_EARLY_S = 60.0
_LONGEST_RETRY_S = 300.0
_MAX_ANSWER = 1 << 20
_UNREADABLE = "its answer cannot be understood"
_log = structlog.get_logger()


class PayPal:
    """Calls PayPal at `base_url` with the credentials of an app; a service that closes its connections.

    All calls raise `ProviderUnavailable` and `ProviderRefused`. No text of an answer is passed on but
    PayPal's own names of reasons.
    """

    def __init__(
        self,
        base_url: str,
        client_id: str,
        client_secret: str,
        app_url: str,
        *,
        tls: ssl.SSLContext | None = None,
        total_s: float = TOTAL_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base_url = base_url
        self._credentials = "Basic " + b64encode(f"{client_id}:{client_secret}".encode()).decode()
        self._app_url = app_url.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=total_s, connect=min(CONNECT_S, total_s))
        self._total_s = total_s
        self._tls = tls or ssl.create_default_context()
        self._monotonic = monotonic
        self._session: aiohttp.ClientSession | None = None
        self._token = ""
        self._token_until = float("-inf")
        self._token_turn = asyncio.Lock()

    async def start(self) -> None:
        """Opens nothing: connections are made by the first call."""

    async def stop(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def create(self, paypal_plan_id: str, org_id: str, request_id: str) -> Reading:
        """A new subscription, which waits for approval; calls with one `request_id` make one subscription."""
        body = {
            "plan_id": paypal_plan_id,
            "custom_id": org_id,
            "application_context": {
                **self._return_urls(),
                "shipping_preference": "NO_SHIPPING",
                "user_action": "SUBSCRIBE_NOW",
            },
        }
        return _read(await self._call("POST", "/v1/billing/subscriptions", body, request_id))

    async def subscription(self, id: str) -> Reading:
        """A subscription as it is now."""
        reading = _read(await self._call("GET", f"{_path(id)}?fields=plan"))
        if reading.id != id:
            # It would be applied to another organisation's, or to none.
            _log.warning("PayPal shows another subscription", id=id, shown=reading.id)
            raise ProviderUnavailable(_UNREADABLE)
        return reading

    async def revise(self, id: str, paypal_plan_id: str) -> str | None:
        """Changes the plan; the page at which the owner approves that, None if it needs no approval."""
        body = {"plan_id": paypal_plan_id, "application_context": self._return_urls()}
        return approval_url(await self._call("POST", f"{_path(id)}/revise", body))

    async def cancel(self, id: str, reason: str) -> None:
        """Ends the payments for a subscription; PayPal shows the reason to its owner."""
        await self._call("POST", f"{_path(id)}/cancel", {"reason": reason})

    async def certificates(self, url: str) -> bytes:
        """The PEM file at a URL of PayPal."""
        status, answer, _ = await self._send("GET", url, {})
        if status != HTTPStatus.OK:
            raise _fault(status, answer, None)
        return answer

    def _return_urls(self) -> dict[str, str]:
        page = f"{self._app_url}/dashboard/billing"
        return {"return_url": f"{page}?paypal=approved", "cancel_url": f"{page}?paypal=canceled"}

    async def _call(self, method: str, path: str, body: object = None, request_id: str = "") -> Any:
        """The JSON of an answer. A token that PayPal gave up early is replaced once."""
        for is_last in (False, True):
            token = await self._valid_token()
            headers = {"Authorization": f"Bearer {token}", "Prefer": "return=representation"}
            if request_id:
                headers["PayPal-Request-Id"] = request_id
            status, answer, retry_after = await self._send(method, self._base_url + path, headers, body)
            if status == HTTPStatus.UNAUTHORIZED and not is_last:
                if token == self._token:
                    self._token_until = float("-inf")
                continue
            if not 200 <= status < 300:
                raise _fault(status, answer, retry_after)
            return _parsed(answer)
        raise AssertionError("the second call has an answer")

    async def _valid_token(self) -> str:
        async with self._token_turn:
            if self._monotonic() >= self._token_until:
                asked_at = self._monotonic()
                headers = {"Authorization": self._credentials}
                form = {"grant_type": "client_credentials"}
                url = f"{self._base_url}/v1/oauth2/token"
                status, answer, retry_after = await self._send("POST", url, headers, form=form)
                if not 200 <= status < 300:
                    raise _fault(status, answer, retry_after)
                given = _parsed(answer)
                token, lasts_s = given.get("access_token"), given.get("expires_in")
                if not isinstance(token, str) or not isinstance(lasts_s, int) or not _is_token(token):
                    raise ProviderUnavailable(_UNREADABLE)
                self._token, self._token_until = token, asked_at + lasts_s - _EARLY_S
            return self._token

    async def _send(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: object = None,
        form: dict[str, str] | None = None,
    ) -> tuple[int, bytes, str | None]:
        """The status, the body and the `Retry-After` of an answer."""
        if body is not None:
            headers = {**headers, "Content-Type": "application/json"}
        data = form if body is None else orjson.dumps(body)
        try:
            async with self._opened().request(
                method, url, data=data, headers=headers, allow_redirects=False
            ) as response:
                answer = await response.content.read(_MAX_ANSWER)
                while not response.content.at_eof() and len(answer) < _MAX_ANSWER:
                    answer += await response.content.read(_MAX_ANSWER - len(answer))
                return response.status, answer, response.headers.get("Retry-After")
        except TimeoutError:
            raise ProviderUnavailable(f"it did not answer within {self._total_s:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            _log.warning("PayPal cannot be reached", error=type(error).__name__)
            raise ProviderUnavailable("it cannot be reached") from None

    def _opened(self) -> aiohttp.ClientSession:
        # Created at the first call, as it needs the running event loop.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # Calls are rare, and one on a connection that PayPal is closing would fail.
                connector=aiohttp.TCPConnector(ssl=self._tls, force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=self._timeout,
                trust_env=False,
                headers={"User-Agent": "ZidiMail-Billing/1", "Accept": "*/*"},
            )
        return self._session


def _path(id: str) -> str:
    return f"/v1/billing/subscriptions/{quote(id, safe='')}"


def _is_token(text: str) -> bool:
    return 0 < len(text) <= 8192 and text.isascii() and text.isprintable() and " " not in text


def _parsed(answer: bytes) -> Any:
    if not answer:
        return {}
    try:
        parsed = orjson.loads(answer)
    except orjson.JSONDecodeError:
        raise ProviderUnavailable(_UNREADABLE) from None
    if not isinstance(parsed, dict):
        raise ProviderUnavailable(_UNREADABLE)
    return parsed


def _read(answer: Any) -> Reading:
    try:
        return reading_of(answer)
    except (ValueError, OverflowError) as error:
        _log.warning("a subscription at PayPal cannot be read", problem=str(error))
        raise ProviderUnavailable(_UNREADABLE) from None


def _fault(status: int, answer: bytes, retry_after: str | None) -> ProviderUnavailable | ProviderRefused:
    """The fault of an answer that is no success."""
    names, debug_id = _reasons(answer)
    _log.warning("PayPal refused a call", status=status, reasons=names, debug_id=debug_id)
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= 500:
        seconds = float(retry_after) if retry_after and retry_after.isdecimal() else 30.0
        return ProviderUnavailable(f"it answers {status}", min(max(seconds, 1.0), _LONGEST_RETRY_S))
    return ProviderRefused(status, ", ".join(names) or f"it answers {status}")


def _reasons(answer: bytes) -> tuple[list[str], str]:
    """PayPal's names of the reasons in an error, and its id for support; no texts."""
    try:
        error = orjson.loads(answer)
    except orjson.JSONDecodeError:
        error = None
    if not isinstance(error, dict):
        return [], ""
    details = error.get("details")
    items = details if isinstance(details, list) else []
    issues = [item.get("issue") for item in items if isinstance(item, dict)]
    names = [name for value in (error.get("name"), error.get("error"), *issues) if (name := _name(value))]
    return list(dict.fromkeys(names))[:4], _name(error.get("debug_id"))


def _name(value: object) -> str:
    """A word such as `RESOURCE_NOT_FOUND`; empty for anything else."""
    is_word = isinstance(value, str) and value.isascii() and value.replace("_", "").isalnum()
    return str(value)[:64] if is_word else ""
